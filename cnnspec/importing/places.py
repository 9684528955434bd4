"""The lines of the user's code that operations and errors come from."""

import importlib
import linecache
import os
import sys
from pathlib import Path
from types import FrameType, TracebackType

import torch

from cnnspec.errors import Place

_HERE = Path(__file__).parent
_FOLDERS = (Path(torch.__file__).parent, _HERE, Path(importlib.__file__).parent)
_OTHERS = (*(f"{folder}{os.sep}" for folder in _FOLDERS), "<frozen", "<eval")
"""Files whose lines tell a user nothing: torch's, these, and what is made up."""
_START = str(_HERE / "__init__.py")
"""Where imports begin: who called for one wrote nothing of the module."""


def here() -> Place | None:
    """Return the line of the user's code that is running; None where it is torch's own all along."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # no other way is as cheap, once an operation
    while frame and frame.f_code.co_filename.startswith(_OTHERS):
        if frame.f_code.co_filename == _START:
            return None
        frame = frame.f_back
    return _place(frame.f_code.co_filename, frame.f_lineno) if frame else None


def last_of(error: BaseException) -> Place | None:
    """Return the innermost line of the user's code that an error passed through, or that is no Python."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return _place(error.filename, error.lineno)
    found: TracebackType | None = None
    step = error.__traceback__
    while step:
        if not step.tb_frame.f_code.co_filename.startswith(_OTHERS):
            found = step
        step = step.tb_next
    return _place(found.tb_frame.f_code.co_filename, found.tb_lineno) if found else None


def _place(file: str, line: int) -> Place:
    """Return the place of a line, its file as it is seen from the working folder if it is in there."""
    text = linecache.getline(file, line).rstrip("\n")
    column = len(text) - len(text.lstrip()) + 1
    path = Path(file)
    if path.is_relative_to(Path.cwd()):
        file = str(path.relative_to(Path.cwd()))
    return Place(file, line, column, text)
