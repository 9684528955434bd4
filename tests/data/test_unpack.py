"""What mirrors serve is unpacked to the files declared, whatever an archive says of itself."""

import bz2
import gzip
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from mirror_fixtures import CONTENT, OTHER, Start, inside, made, tar

from cnnspec.catalog import DataFile
from cnnspec.data import unpack, whole
from cnnspec.data.download import DownloadError, fetch


def zipped(*members: tuple[str, bytes]) -> bytes:
    """Return a .zip of these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


FILES = {"one.bin": CONTENT, "two": OTHER}

SERVED = {
    "gz": {"one.bin.gz": gzip.compress(CONTENT), "two.gz": gzip.compress(OTHER)},
    "bz2": {"one.bin.bz2": bz2.compress(CONTENT), "two.bz2": bz2.compress(OTHER)},
    "as they are": FILES,
    "of other names": {"first/1.gz": gzip.compress(CONTENT), "second.bz2": bz2.compress(OTHER)},
    "tar.gz": {"all.tar.gz": tar(("some/readme", b"-"), ("some/two", OTHER), ("some/one.bin", CONTENT))},
    "zip": {"all.zip": zipped(("two", OTHER), ("x/readme", b"-"), ("x/one.bin", CONTENT))},
    "zip of gz": {
        "all.zip": zipped(("x/two.gz", gzip.compress(OTHER)), ("x/one.bin.gz", gzip.compress(CONTENT)))
    },
}


@pytest.mark.parametrize("served", SERVED.values(), ids=SERVED)
def test_ways_of_packing(served: dict[str, bytes], start_mirror: Start, tmp_path: Path) -> None:
    """However a data set is served, its files and nothing else come to its folder, once, with progress."""
    server = start_mirror({name.rpartition("/")[2]: data for name, data in served.items()})
    data_set = made(served, FILES, server.url)
    seen: dict[str, tuple[int, int | None]] = {}
    fetched = fetch(
        data_set, tmp_path / "some" / "raw", lambda name, done, total: seen.update({name: (done, total)})
    )
    assert sorted(fetched) == sorted(FILES)
    assert inside(tmp_path / "some" / "raw") == FILES
    assert seen == {name: (len(data), len(data)) for name, data in server.files.items()}
    assert len(server.log) == len(served)
    assert fetch(data_set, tmp_path / "some" / "raw") == []
    assert len(server.log) == len(served)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, target
    return header


def folder_called(name: str) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type = tarfile.DIRTYPE
    return header


BOTH = (("one.bin", CONTENT), ("two", OTHER))

HOSTILE = {
    "paths": tar(
        ("../../above", b"x"),
        ("/etc/absolute", b"x"),
        ("..", b"x"),
        ("", b"x"),
        link("a", "/etc"),
        ("a/two/x", b"x"),
        folder_called("one.bin"),
        link("two", "/etc/passwd"),
        link("one.bin", "../x", tarfile.LNKTYPE),
        ("../../one.bin", CONTENT),
        ("/etc/two", OTHER),
        ("two.exe", b"x"),
    ),
    "paths in a zip": zipped(
        ("../../above", b"x"), ("two/", b""), ("../../one.bin", CONTENT), ("/etc/two", OTHER)
    ),
}


@pytest.mark.parametrize("archive", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names(archive: bytes, start_mirror: Start, tmp_path: Path) -> None:
    """Whatever an archive calls its members, only the declared files are written, and only into the folder."""
    served = {"all.zip" if archive[:2] == b"PK" else "all.tar.gz": archive}
    folder = tmp_path / "a" / "b" / "c"
    fetch(made(served, FILES, start_mirror(served).url), folder)
    assert inside(folder) == FILES
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == [
        folder / "one.bin",
        folder / "two",
    ]
    assert not any(path.is_symlink() for path in folder.iterdir())


def huge_name(size: int) -> bytes:
    """Return a .tar.gz that says of a name that it is of so many bytes."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, size
    return gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))


def bent_zip() -> bytes:
    """Return a .zip whose content is not what its checksum says."""
    data = bytearray(zipped(*BOTH))
    data[60] ^= 1
    return bytes(data)


def changed_zip(field: int, value: int) -> bytes:
    """Return a .zip in which a field of each header has another value."""
    data = bytearray(zipped(*BOTH))
    for start, offset in ((b"PK\x03\x04", 4), (b"PK\x01\x02", 6)):
        at = data.find(start)
        while at >= 0:
            data[at + offset + field] = value
            at = data.find(start, at + 1)
    return bytes(data)


def odd_header(key: str, value: str) -> bytes:
    """Return a .tar.gz whose first member has a field of its own in its header."""
    header = tarfile.TarInfo("x")
    header.pax_headers = {key: value}
    return tar(header, *BOTH)


DAMAGED: dict[str, tuple[str, bytes, str]] = {
    "no archive": ("all.tar.gz", CONTENT, "it cannot be unpacked: "),
    "no zip": ("all.zip", CONTENT, "it cannot be unpacked: "),
    "cut off": ("all.tar.gz", tar(*BOTH)[:150_000], "it cannot be unpacked: "),
    "cut off zip": ("all.zip", zipped(*BOTH)[:150_000], "it cannot be unpacked: "),
    "empty": ("all.tar.gz", b"", "it cannot be unpacked: "),
    "checksum": ("all.zip", bent_zip(), "it cannot be unpacked: "),
    "password": ("all.zip", changed_zip(2, 1), "it cannot be unpacked: "),
    "odd packing": ("all.zip", changed_zip(4, 99), "it cannot be unpacked: "),
    "odd number": ("all.tar.gz", odd_header("GNU.sparse.map", "x,y"), "it cannot be unpacked: "),
    "one is missing": ("all.tar.gz", tar(("one.bin", CONTENT)), "it has no file two"),
    "only a link": ("all.tar.gz", tar(("one.bin", CONTENT), link("two", "one.bin")), "it has no file two"),
    "twice": ("all.tar.gz", tar(*BOTH, ("x/two", OTHER)), "it has two files two"),
    "too short": (
        "all.zip",
        zipped(("one.bin", CONTENT), ("two", OTHER[:-1])),
        "two: it has 69,999 bytes instead of 70,000",
    ),
    "too long": (
        "all.zip",
        zipped(("one.bin", CONTENT + b"x"), ("two", OTHER)),
        "one.bin: it has more than 100,000 bytes",
    ),
    "a bomb": ("all.tar.gz", tar(("one.bin", bytes(10_000_000))), "one.bin: it has more than 100,000 bytes"),
    "a bomb in a zip": (
        "all.zip",
        zipped(("one.bin.gz", gzip.compress(bytes(10_000_000)))),
        "one.bin: it has more than 100,000",
    ),
    "a bomb that is not wanted": (
        "all.tar.gz",
        tar(("x", bytes(3_000_000))),
        "it unpacks to more than 2,000,000 bytes",
    ),
    "a name without end": ("all.tar.gz", huge_name(1 << 33), "it has a header of 8,589,934,592 bytes"),
    "other content": (
        "all.zip",
        zipped(("one.bin", CONTENT), ("two", OTHER[::-1])),
        "two: its SHA-256 begins with ",
    ),
}


@pytest.mark.parametrize("case", DAMAGED.values(), ids=DAMAGED)
def test_damaged_archives(
    case: tuple[str, bytes, str], start_mirror: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive that is not what it should be is refused as a whole, and nothing of it stays."""
    monkeypatch.setattr(unpack, "MAX_ARCHIVE", 2_000_000)
    name, archive, told = case
    served = {name: archive}
    with pytest.raises(DownloadError) as caught:
        fetch(made(served, FILES, start_mirror(served).url), tmp_path)
    assert f"{name} is not the file expected: {told}" in caught.value.reasons
    assert inside(tmp_path) == {}


@pytest.mark.parametrize("packing", ["gz", "bz2"])
def test_packed_bombs(
    packing: str, start_mirror: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more is unpacked than a file's declared size, or, where that is not known, than a file may have."""
    content, made_of = bytes(10_000_000), {"file": b"x" * 1000}
    served = {f"file.{packing}": gzip.compress(content) if packing == "gz" else bz2.compress(content)}
    data_set = made(served, made_of, start_mirror(served).url)
    read: list[int] = []
    real = whole.Measure.add

    def add(measure: whole.Measure, chunk: bytes) -> None:
        read.append(len(chunk))
        real(measure, chunk)

    monkeypatch.setattr(whole.Measure, "add", add)
    with pytest.raises(DownloadError, match="file: it has more than 1,000 bytes"):
        fetch(data_set, tmp_path)
    monkeypatch.setattr(whole, "MAX_BYTES", 2000)
    with pytest.raises(DownloadError, match="file: it has more than 2,000 bytes"):
        fetch(replace(data_set, files={"file": DataFile("file")}), tmp_path)
    (tmp_path / "file.gz").write_bytes(gzip.compress(content))
    assert whole.flaw(tmp_path / "file.gz", data_set.files["file0"]) == "it has more than 1,000 bytes"
    assert sum(read) <= 3 * whole.CHUNK
