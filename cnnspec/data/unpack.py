"""Files out of what mirrors serve: by their declared names and sizes, whatever an archive says of itself."""

import bz2
import gzip
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol, Self

from cnnspec.catalog import DataFile
from cnnspec.data.whole import CHUNK, Measure, write, writing
from cnnspec.errors import one_line

MAX_ARCHIVE = 1 << 33
"""Bytes that an archive unpacks to at most, with all that is not wanted of it."""

MAX_HEADER = 1 << 20
"""Bytes of a header in an archive at most; they are read into memory."""

_BEFORE_A_MEMBER = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE)

_BROKEN = (
    EOFError,
    zlib.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    RuntimeError,  # a zip file with a password, or packed in a way that nobody uses
    ValueError,  # numbers in headers that are none
    OSError,  # bz2 and gzip, where something else is given to them
)


class Readable(Protocol):
    """What can be read."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many of the next bytes; none at the end."""


class UnexpectedError(Exception):
    """What was served is not the file expected; the text says why."""


def unpack(served: Path, name: str, files: Iterable[DataFile], folder: Path) -> None:
    """Unpack the files that `served` holds, a file that mirrors call `name`, into `folder`.

    One that has the name of the file wanted is that file. All files are checked before
    the first gets its name. Raises UnexpectedError, and DataError where they cannot be
    written.
    """
    wanted = {file.name: file for file in files}
    temporary = {file: folder / f".{file}.unpacked" for file in wanted}
    done = set[str]()
    try:
        for found, stream in _streams(served, name, wanted):
            if found in done:
                raise UnexpectedError(f"it has two files {found}")
            _write(stream, temporary[found], wanted[found])
            done.add(found)
        if wanted.keys() - done:
            raise UnexpectedError(f"it has no file {min(wanted.keys() - done)}")
        for file, path in temporary.items():
            with writing(folder / file):
                path.replace(folder / file)
    except _BROKEN as error:
        raise UnexpectedError(f"it cannot be unpacked: {one_line(str(error))}") from None
    finally:
        for path in temporary.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _write(stream: Readable, path: Path, file: DataFile) -> None:
    """Write and check a file, of which no more than its size is read."""
    measure = Measure(file)
    with writing(path):
        target = path.open("wb", buffering=0)
    with target:
        while not measure.is_too_large and (chunk := stream.read(CHUNK)):
            measure.add(chunk)
            write(target, chunk, path)
        with writing(path):
            os.fsync(target.fileno())
    if measure.flaw:
        raise UnexpectedError(f"{file.name}: {measure.flaw}")


def _streams(served: Path, name: str, wanted: Iterable[str]) -> Iterator[tuple[str, Readable]]:
    """Give each wanted file that is in `served`, to be read before the next one."""
    if name.endswith((".tar.gz", ".tgz")):
        yield from _in_tar(served, wanted)
    elif name.endswith(".zip"):
        yield from _in_zip(served, wanted)
    else:
        (only,) = wanted
        with served.open("rb") as stream:
            yield only, _plain(stream, name, only)


def _in_tar(served: Path, wanted: Iterable[str]) -> Iterator[tuple[str, Readable]]:
    with _Bounded(served) as stream, tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
        for member in archive:
            file = _meant(member.name, wanted)
            content = archive.extractfile(member) if file and member.isreg() else None
            if file and content:
                yield file, _plain(content, member.name, file)


def _in_zip(served: Path, wanted: Iterable[str]) -> Iterator[tuple[str, Readable]]:
    with zipfile.ZipFile(served) as archive:
        for member in archive.infolist():
            file = _meant(member.filename, wanted)
            if file:
                with archive.open(member) as content:
                    yield file, _plain(content, member.filename, file)


def _meant(path: str, wanted: Iterable[str]) -> str:
    """Return the wanted file that a member is, by the last part of its path; empty where it is none."""
    last = path.rpartition("/")[2]
    return next((file for file in wanted if last in (file, f"{file}.gz")), "")


def _plain(stream: IO[bytes], name: str, wanted: str) -> Readable:
    """Return the stream, unpacked if its name says that it is the wanted file packed."""
    if name.rpartition("/")[2] == wanted:
        return stream
    if name.endswith(".bz2"):
        return bz2.open(stream)
    return gzip.GzipFile(fileobj=stream)


class _Bounded(gzip.GzipFile):
    """What is gzipped, up to a bound."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if self.tell() > MAX_ARCHIVE:
            raise UnexpectedError(f"it unpacks to more than {MAX_ARCHIVE:,} bytes")
        return data


class _Header(tarfile.TarInfo):
    """A member's header; those that go before it, for long names, are small."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.size > MAX_HEADER and header.type in _BEFORE_A_MEMBER:
            raise UnexpectedError(f"it has a header of {header.size:,} bytes")
        return header
