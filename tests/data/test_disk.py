"""Disks that are full, read-only or damaged while a data set is downloaded."""

import errno
import io
from itertools import count
from pathlib import Path
from typing import IO, Any

import pytest
from faults import Faults, fail
from mirror import Mirror
from mirror_fixtures import CONTENT, OTHER, Start, break_off, inside, made, tar

from cnnspec.catalog import DataSet
from cnnspec.data import download, whole
from cnnspec.data.download import fetch
from cnnspec.errors import DataError

ERRORS = {
    errno.ENOSPC: "No space left on device. Make room, or name another folder with --data-root",
    errno.EROFS: "Read-only file system. Make the folder writable, or name another one with --data-root",
    errno.EIO: "Input/output error. Name another folder with --data-root",
}


PARTS = {"all.tar.gz.part", "all.tar.gz.part.json"}


def test_disk(start_mirror: Start, tmp_path: Path) -> None:
    """Whichever operation the disk refuses, it is told, only parts and whole files stay, and the next call goes on."""
    files = {"one": CONTENT[:3000], "two": OTHER[:2000]}
    served = {"all.tar.gz": tar(*files.items())}
    data_set = made(served, files, start_mirror(served).url)
    for at in count():
        number = list(ERRORS)[at % len(ERRORS)]
        folder = tmp_path / f"at {at}"
        with (faults := Faults(at, fail(number))).injected():
            told = failure(data_set, folder)
        if at >= len(faults.names):
            assert faults.names.count("fsync") == 3  # what is served, and each file
            break
        if not told:
            # What cannot be removed is in nobody's way, and filelock opens its file a second time.
            assert faults.names[at] in ("unlink", "open")
            assert files.items() <= inside(folder).items()
            continue
        assert told.startswith(str(folder))
        assert told.endswith(f": the file cannot be written; {ERRORS[number]}.")
        left = inside(folder)
        assert {name: left[name] for name in left.keys() - PARTS} in ({}, {"one": files["one"]})
        assert fetch(data_set, folder)
        assert inside(folder) == files


def failure(data_set: DataSet, folder: Path) -> str:
    """Return what is told where a data set cannot be had."""
    try:
        fetch(data_set, folder)
    except DataError as error:
        return str(error)
    return ""


def test_short_writes(tmp_path: Path) -> None:
    """Where the disk takes only a part of what is given, it is given the rest."""

    class Slow(io.FileIO):
        def write(self, data: Any, /) -> int:
            return super().write(data[:3])

    with Slow(tmp_path / "file", "w") as stream:
        whole.write(stream, b"ten bytes!", tmp_path / "file")
    assert inside(tmp_path) == {"file": b"ten bytes!"}


def test_full_disk_later(
    server: Mirror, plain: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk gets full while a download goes on, all that found room is kept."""
    break_off(plain, server, tmp_path)
    real = whole.write

    def full(stream: io.FileIO, data: bytes, path: Path) -> None:
        real(stream, data[:500], path)
        with whole.writing(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "write", full)
    with pytest.raises(
        DataError, match=r"data\.part: the file cannot be written; No space left on device\. Make room"
    ):
        fetch(plain, tmp_path)
    monkeypatch.undo()
    assert (tmp_path / "data.part").read_bytes() == CONTENT[:1500]
    server.log.clear()
    assert fetch(plain, tmp_path) == ["data"]
    assert server.sent == [len(CONTENT) - 1500]


def test_no_folder(server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """A folder that cannot be made, as there is a file of its name, is told."""
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"the file cannot be written; Not a directory\. Name another folder with"
    ):
        fetch(plain, tmp_path / "taken" / "raw")


def test_unreadable_file(plain: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is there and cannot be read is told, and not replaced."""
    (tmp_path / "data").write_bytes(CONTENT)
    real = Path.open

    def refuse(path: Path, mode: str = "r", *more: Any, **options: Any) -> IO[Any]:
        if path.name == "data" and mode == "rb":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, mode, *more, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(
        DataError, match=r"data: the file cannot be read; Permission denied\. Check its permissions"
    ):
        fetch(plain, tmp_path)
