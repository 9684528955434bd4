"""Fixtures for downloads: mirrors on this machine, and small data sets that they serve."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mirror import Mirror, breaks_off, status

from cnnspec.catalog import DataFile, DataSet, Download
from cnnspec.data.download import DownloadError, fetch

CONTENT = hashlib.shake_128(b"one").digest(100_000)
OTHER = hashlib.shake_128(b"two").digest(70_000)


def declared(name: str, content: bytes) -> DataFile:
    return DataFile(name, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def made(served: dict[str, bytes], files: dict[str, bytes], *mirrors: str) -> DataSet:
    """Return a data set whose files come out of what is served: all of one archive, or each of its own."""
    names = [tuple(files)] if len(served) == 1 else [(name,) for name in files]
    md5 = [hashlib.md5(content, usedforsecurity=False).hexdigest() for content in served.values()]
    return DataSet(
        name="some",
        title="some data",
        classes=("a", "b"),
        shape=(1, 2, 2),
        mean=0.5,
        std=0.5,
        format="idx",
        folder="some/raw",
        files={
            f"file{number}": declared(name, content) for number, (name, content) in enumerate(files.items())
        },
        downloads=tuple(Download(*each) for each in zip(served, md5, names, strict=True)),
        mirrors=mirrors,
    )


Start = Callable[..., Mirror]


@pytest.fixture
def start_mirror() -> Iterator[Start]:
    """Start a mirror of the files given."""
    started: list[Mirror] = []

    def start(files: dict[str, bytes], **more: Any) -> Mirror:
        started.append(Mirror(files, **more))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def server(start_mirror: Start) -> Mirror:
    """A mirror of one file that is served as it is."""
    return start_mirror({"data": CONTENT})


@pytest.fixture
def plain(server: Mirror) -> DataSet:
    """The data set of that file."""
    return made({"data": CONTENT}, {"data": CONTENT}, server.url)


def inside(folder: Path) -> dict[str, bytes]:
    """Return all that is in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def break_off(plain: DataSet, server: Mirror, folder: Path, end: int = 1000) -> None:
    """Leave a part, as after a connection that broke off."""
    server.answers = [breaks_off(end), status(503)]
    with pytest.raises(DownloadError):
        fetch(plain, folder)
    server.log.clear()


def tar(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    """Return a .tar.gz of these members, in this order, whatever they are called."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            header = tarfile.TarInfo(member[0])
            header.size = len(member[1])
            archive.addfile(header, io.BytesIO(member[1]))
    return stream.getvalue()
