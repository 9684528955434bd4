"""The lines of the user's code that operations and errors come from."""

import linecache
import os
import sys
from pathlib import Path
from types import FrameType, TracebackType

import torch

from cnnspec.errors import Place

_OTHERS = (str(Path(torch.__file__).parent) + os.sep, str(Path(__file__).parent) + os.sep, "<frozen", "<eval")
"""Files whose lines tell a user nothing: torch's, these, and what is made up."""


def here() -> Place | None:
    """Return the line of the user's code that is running."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # no other way is as cheap, once an operation
    while frame and frame.f_code.co_filename.startswith(_OTHERS):
        frame = frame.f_back
    return _place(frame.f_code.co_filename, frame.f_lineno) if frame else None


def last_of(error: BaseException) -> Place | None:
    """Return the innermost line of the user's code that an error passed through."""
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
