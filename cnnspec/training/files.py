"""Files that are written as a whole or not at all, also when the process or the machine dies meanwhile."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cnnspec.errors import CheckpointError, Place, Problem

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)


def write_whole(path: Path, *parts: bytes | memoryview, keep: Path | None = None) -> None:
    """Write a file, from parts one after the other; the one that is there is replaced at once.

    It is kept under the name `keep` if that is given. At every moment there is a whole
    file under `path`, if there was one before. Raises CheckpointError.
    """
    with whole(path, keep) as stream:
        for part in parts:
            stream.write(part)


@contextmanager
def whole(path: Path, keep: Path | None = None) -> Iterator[BinaryIO]:
    """Give a stream to write a file to, which gets its name at the end, and as in `write_whole`.

    If anything goes wrong before, nothing is left of it. Raises CheckpointError where it cannot be written.
    """
    new = part_of(path)
    try:
        with new.open("w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if keep is not None and path.exists():
            _also_named(path, keep)
        new.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise CheckpointError(writing_problem(path, error)) from None
    finally:
        for left in (new, *([] if keep is None else [part_of(keep)])):
            with suppress(OSError):
                left.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """Return where a file is written to before it gets its name."""
    return path.with_name(f".{path.name}.part")


def writing_problem(path: Path, error: OSError, kind: str = "file") -> Problem:
    """Return what to tell where a file, or what else it is, cannot be written."""
    fix = "Use another folder"
    if error.errno in FULL:
        fix = "Make room, or use another folder"
    elif error.errno in FORBIDDEN:
        fix = "Make the folder writable, or use another one"
    return Problem(f"the {kind} cannot be written", error.strerror or str(error), fix, Place(str(path)))


def _also_named(path: Path, other: Path) -> None:
    """Give a file a second name, which another file may have had until now."""
    link = part_of(other)
    link.unlink(missing_ok=True)  # a killed process may have left it
    try:
        os.link(path, link)
    except OSError:
        path.replace(other)  # a file system without links: for a moment, the second name is the only one
    else:
        link.replace(other)


def _sync(folder: Path) -> None:
    """Let the names in a folder outlast a power failure, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no such thing
            raise
    finally:
        os.close(descriptor)
