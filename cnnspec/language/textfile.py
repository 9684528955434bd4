"""A spec file's text, under limits: what is no text of a spec is refused before anything reads it."""

import re
import stat
import sys
from pathlib import Path

from cnnspec.errors import Place, Problem, SpecError

MAX_BYTES = 1 << 20

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")


def read_text(path: str | Path) -> str:
    """Return the text of a spec file, or of standard input for ``-``.

    Raises SpecError where it is missing, a folder, unreadable, too large, empty, or not UTF-8 text.
    """
    file = "<stdin>" if str(path) == "-" else str(path)
    try:
        if str(path) == "-":
            if sys.stdin is None:
                raise SpecError(_of_file(file, "standard input is closed", "", "Name a file, or pipe one in"))
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            if stat.S_ISDIR(Path(path).stat().st_mode):
                raise SpecError(
                    _of_file(file, "this is a folder", "a spec is one file", _fix_folder(Path(path)))
                )
            with Path(path).open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SpecError(_of_file(file, "there is no such file", "", _fix_missing(Path(path)))) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SpecError(
            _of_file(file, "the file cannot be read", why, "Check its name and permissions")
        ) from None
    return _decode(data, file)


def _decode(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise SpecError(
            _of_file(file, "the file is larger than 1 MiB", "no spec is", "Is it the right file?")
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        what = f"byte 0x{data[error.start]:02x} is not UTF-8 text"
        raise SpecError(Problem(what, "a spec is", "Save it as UTF-8", Place(file, line, column))) from None
    control = _CONTROL.search(text)
    if control:
        before = text[: control.start()]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        what = f"control character U+{ord(control[0]):04X}"
        raise SpecError(Problem(what, "a spec is plain text", "Remove it", Place(file, line, column)))
    if not text.strip():
        fix = "A spec has at least `input:` and `layers:`; see `cnnspec layers`"
        raise SpecError(_of_file(file, "the file is empty", "", fix))
    return text


def _of_file(file: str, what: str, why: str, fix: str) -> Problem:
    return Problem(what, why, fix, Place(file))


def _fix_missing(path: Path) -> str:
    for suffix in (".yaml", ".yml"):
        if path.with_name(path.name + suffix).is_file():
            return f"Did you mean '{path}{suffix}'?"
    return "Check the name, or the folder you are in"


def _fix_folder(path: Path) -> str:
    specs = sorted(path.glob("*.yaml"))
    return f"Name a file in it, like {specs[0]}" if specs else "Name a file"
