"""Data files are checked before use."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from data_fixtures import idx_bytes

from cnnspec.catalog import DataFile
from cnnspec.data import idx
from cnnspec.errors import DataError

LABELS = torch.arange(10, dtype=torch.uint8).repeat(5)
PICTURES = torch.arange(50 * 4 * 6, dtype=torch.int64).remainder(251).to(torch.uint8).view(50, 4, 6)


def declared(values: torch.Tensor) -> DataFile:
    data = idx_bytes(values)
    return DataFile("file", tuple(values.shape), len(data), idx.sha256(data), "")


def read_file(path: Path, expected: DataFile) -> torch.Tensor:
    return idx.parse(idx.content(path, expected), expected, path)


@pytest.mark.parametrize("values", [LABELS, PICTURES], ids=["labels", "pictures"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
def test_reads_what_was_written(values: torch.Tensor, packed: bool, tmp_path: Path) -> None:
    """A file's values come out as they went in, gzipped or not."""
    path = tmp_path / ("file.gz" if packed else "file")
    data = idx_bytes(values)
    path.write_bytes(gzip.compress(data) if packed else data)
    assert torch.equal(read_file(path, declared(values)), values)


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "it has 0 bytes"),
    "header only": (lambda data: data[:16], "it has 16 bytes"),
    "cut in the header": (lambda data: data[:3], "it has 3 bytes"),
    "one byte short": (lambda data: data[:-1], "bytes instead of"),
    "one byte long": (lambda data: data + b"\0", "it has more than"),
    "wrong magic": (lambda data: b"\0\0\x0d\x03" + data[4:], "it begins with 00 00 0d 03"),
    "magic of labels": (lambda data: b"\0\0\x08\x01" + data[4:], "it begins with 00 00 08 01"),
    "other count": (lambda data: data[:4] + (49).to_bytes(4, "big") + data[8:], "its header says 49×4×6"),
    "exchanged sides": (
        lambda data: data[:8] + data[12:16] + data[8:12] + data[16:],
        "its header says 50×6×4",
    ),
    "one bit": (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "its SHA-256 begins with"),
    "a web page": (lambda data: b"<html>403 Forbidden</html>".ljust(len(data)), "it begins with 3c 68 74 6d"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_file(damage: tuple[Callable[[bytes], bytes], str], tmp_path: Path) -> None:
    """A damaged file is named, with what was expected and what was found."""
    change, message = damage
    path = tmp_path / "file"
    path.write_bytes(change(idx_bytes(PICTURES)))
    with pytest.raises(DataError) as caught:
        read_file(path, declared(PICTURES))
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: the file is damaged; ")


@pytest.mark.parametrize("kept", [0, 5, 30, -8, -1])
def test_truncated_gzip(kept: int, tmp_path: Path) -> None:
    """A gzipped file that was cut anywhere is an error, not fewer pictures."""
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(idx_bytes(PICTURES))[:kept])
    with pytest.raises(DataError, match="the file is damaged"):
        read_file(path, declared(PICTURES))


def test_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """Of a file that unpacks to more than it should, no more than that is read."""
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(bytes(10_000_000)))
    assert len(idx.content(path, declared(PICTURES))) == declared(PICTURES).size + 1


def test_label_out_of_range(tmp_path: Path) -> None:
    """A label that is no class is named with its picture."""
    labels = LABELS.clone()
    labels[7] = 10
    with pytest.raises(DataError, match="label 10 of picture 7 is not a class from 0 to 9"):
        idx.check_labels(labels, 10, tmp_path / "labels")


def test_hash_is_optional(tmp_path: Path) -> None:
    """A file whose hash nobody knows is checked by all the rest."""
    path = tmp_path / "file"
    path.write_bytes(idx_bytes(LABELS))
    assert torch.equal(read_file(path, replace(declared(LABELS), sha256="")), LABELS)
