"""Files that are whole: checked by their declared size and hash, and told where they cannot be written."""

import errno
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnspec.catalog import DataFile
from cnnspec.errors import DataError, Place, Problem

CHUNK = 1 << 16

MAX_BYTES = 1 << 30
"""Bytes of a file whose size is not declared, at most."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)


class Measure:
    """Size and hash of a file's bytes, as they pass."""

    def __init__(self, file: DataFile) -> None:
        self.file = file
        self.size = 0
        kind, self.expected = ("sha256", file.sha256) if file.sha256 else ("md5", file.md5)
        self.hash = hashlib.new(kind, usedforsecurity=False)

    def add(self, chunk: bytes | bytearray) -> None:
        """Count the next bytes of the file."""
        self.size += len(chunk)
        if self.expected:
            self.hash.update(chunk)

    @property
    def is_too_large(self) -> bool:
        """Tell that there is more already than the file can have."""
        return self.size > (self.file.size or MAX_BYTES)

    @property
    def flaw(self) -> str:
        """What is not as declared, now that all has passed; empty where nothing is."""
        if self.is_too_large:
            return f"it has more than {self.file.size or MAX_BYTES:,} bytes"
        if self.file.size and self.size < self.file.size:
            return f"it has {self.size:,} bytes instead of {self.file.size:,}"
        found = self.hash.hexdigest()
        if self.expected and found != self.expected:
            name = {"sha256": "SHA-256", "md5": "MD5"}[self.hash.name]
            return f"its {name} begins with {found[:12]} instead of {self.expected[:12]}"
        return ""


def flaw(path: Path, file: DataFile) -> str:
    """Return what is wrong with a file on disk, plain or gzipped; empty where it is as declared.

    Raises DataError where it cannot be read.
    """
    measure = Measure(file)
    packed = path.name == f"{file.name}.gz"
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            while not measure.is_too_large and (chunk := stream.read(CHUNK)):
                measure.add(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        return f"it cannot be unpacked: {error}"
    except OSError as error:
        what, why = "the file cannot be read", error.strerror or str(error)
        raise DataError(Problem(what, why, "Check its permissions", Place(str(path)))) from None
    return measure.flaw


def write(stream: io.FileIO, data: bytes, path: Path) -> None:
    """Write all of the data to an unbuffered stream, whose closing then has nothing left to fail at."""
    view = memoryview(data)
    with writing(path):
        while view:
            view = view[stream.write(view) :]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's errors meanwhile into DataError: `path` cannot be written."""
    try:
        yield
    except OSError as error:
        fix = "Name another folder with --data-root"
        if error.errno in FULL:
            fix = "Make room, or name another folder with --data-root"
        elif error.errno in FORBIDDEN:
            fix = "Make the folder writable, or name another one with --data-root"
        why = error.strerror or str(error)
        raise DataError(Problem("the file cannot be written", why, fix, Place(str(path)))) from None
