"""Damaged files of data sets: each is named, with what was expected and what was found."""

import bz2
import gzip
import io
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from format_files import (
    COUNTS,
    NAMED,
    cifar_batch,
    idx_file,
    mat_file,
    python2_pickle,
    small,
    usps_lines,
    write,
)
from scipy.io import loadmat

from cnnspec.catalog import DATA_SETS
from cnnspec.data.formats import read_named
from cnnspec.errors import DataError

Change = Callable[[bytes], bytes]
N, PAGE = COUNTS["test"], b"<html>403 Forbidden</html>"


def told(name: str, key: str, change: Change, tmp_path: Path, *, hashed: bool) -> str:
    """Return the error that a data set is read with, one file of which is changed; it names that file."""
    data_set, files = small(name, hashed=hashed)
    folder = write(tmp_path, data_set, files | {key: change(files[key])})
    with pytest.raises(DataError) as caught:
        read_named(data_set, folder)
    path, _, message = str(caught.value).partition(": the file is damaged; ")
    assert path == str(folder / data_set.files[key].name)
    assert message.endswith(" Delete it, to have it downloaded again.")
    return message


# What is wrong is told in detail, so where a hash is known, sizes and headers come first.
IDX: dict[str, tuple[str, str, Change, str]] = {
    "empty": ("mnist", "test_images", lambda _: b"", f"it has 0 bytes instead of {16 + N * 784:,}"),
    "header only": ("mnist", "test_images", lambda data: data[:16], "it has 16 bytes instead of"),
    "cut in the header": ("mnist", "test_images", lambda data: data[:3], "it has 3 bytes instead of"),
    "one byte short": ("kmnist", "train_images", lambda data: data[:-1], "bytes instead of"),
    "one byte long": ("kmnist", "train_images", lambda data: data + b"\0", "it has more than"),
    "other type": ("mnist", "test_images", lambda data: b"\0\0\x0d\3" + data[4:], "it begins with 00 00 0d 03 instead of 00 00 08 03"),
    "magic of labels": ("mnist", "test_images", lambda data: b"\0\0\x08\1" + data[4:], "it begins with 00 00 08 01"),
    "a web page": ("mnist", "test_images", lambda data: PAGE.ljust(len(data)), "it begins with 3c 68 74 6d"),
    "zeros": ("mnist", "test_images", lambda data: bytes(len(data)), "it begins with 00 00 00 00"),
    "other count": ("mnist", "test_images", lambda data: data[:4] + (N - 1).to_bytes(4, "big") + data[8:], f"its header says {N - 1}×28×28 instead of {N}×28×28"),
    "other sides": ("mnist", "test_images", lambda data: data[:11] + b"\x0e\0\0\0\x38" + data[16:], f"its header says {N}×14×56"),
    "huge count": ("mnist", "test_images", lambda data: data[:4] + b"\xff" * 4 + data[8:], "its header says 4294967295×28×28"),
    "one bit": ("mnist", "test_images", lambda data: data[:-1] + bytes([data[-1] ^ 1]), "its SHA-256 begins with"),
    "fewer labels": ("mnist", "train_labels", lambda data: data[:-3], "it has 45 bytes instead of 48"),
    "other count of labels": ("mnist", "train_labels", lambda data: data[:7] + b"\x27" + data[8:], "its header says 39 instead of 40"),
    "labels of bytes": ("qmnist", "test_labels", lambda data: b"\0\0\x08\2" + data[4:], "it begins with 00 00 08 02 instead of 00 00 0c 02"),
    "fewer fields": ("qmnist", "test_labels", lambda data: data[:11] + b"\7" + data[12:], f"its header says {N}×7 instead of {N}×8"),
}  # fmt: skip


@pytest.mark.parametrize("case", IDX.values(), ids=IDX)
def test_idx(case: tuple[str, str, Change, str], tmp_path: Path) -> None:
    """A damaged file in IDX is told by the first thing that is wrong with it."""
    name, key, change, message = case
    assert message in told(name, key, change, tmp_path, hashed=True)


def label(value: int, at: int = 7) -> Change:
    """Give a picture's label, a byte, another value."""
    return lambda data: data[: 8 + at] + bytes([value]) + data[9 + at :]


def batch(**changed: Any) -> Change:
    """Put other values into a batch of CIFAR-10; what is None is left out."""

    def change(_data: bytes) -> bytes:
        values = cifar_batch(DATA_SETS["cifar10"], "test", np.random.default_rng(0)) | changed
        return python2_pickle({key: value for key, value in values.items() if value is not None})

    return change


def names(*classes: str) -> Change:
    """Write a file of CIFAR-10's names with other ones."""
    return lambda _data: python2_pickle({"label_names": list(classes)})


def mat(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """Change the arrays of a file of MATLAB's."""

    def changed(data: bytes) -> bytes:
        found = loadmat(io.BytesIO(data))
        return mat_file(**change({name: found[name] for name in "Xy"}))

    return changed


def line(change: Callable[[str], str]) -> Change:
    """Change the second line of a file in libsvm's format."""

    def changed(_data: bytes) -> bytes:
        lines = usps_lines(DATA_SETS["usps"], "test", np.random.default_rng(0))
        lines[1] = change(lines[1])
        return bz2.compress("".join(lines).encode())

    return changed


class Attack:
    """Would write a file if it were unpickled."""

    def __reduce__(self) -> Any:
        return exec, ("open('attacked', 'w')",)


CIFAR10 = DATA_SETS["cifar10"].classes
NO_PICKLE = "it is no pickle of plain values: "

# Without known hashes, the formats' own checks find what is wrong.
OTHERS: dict[str, tuple[str, str, Change, str]] = {
    "label 10": ("mnist", "test_labels", label(10), "label 10 of picture 7 is not a class from 0 to 9."),
    "label 255": ("fashion-mnist", "train_labels", label(255, 0), "label 255 of picture 0 is not a class from 0 to 9"),
    "letter 0": ("emnist-letters", "test_labels", label(0), "label 0 of picture 7 is not a class from 1 to 26"),
    "letter 27": ("emnist-letters", "test_labels", label(27), "label 27 of picture 7 is not a class from 1 to 26"),
    "a negative digit": ("qmnist", "test_labels", lambda data: data[:12] + b"\xff" * 4 + data[16:], "label -1 of picture 0 is not"),
    "a large digit": ("qmnist", "test_labels", lambda data: data[:12] + b"\1\0\0\0" + data[16:], "label 16777216 of picture 0 is not"),
    "batch: empty": ("cifar10", "test", lambda _: b"", NO_PICKLE),
    "batch: a web page": ("cifar10", "test", lambda _: PAGE, NO_PICKLE),
    "batch: zeros": ("cifar10", "test", lambda data: bytes(len(data)), NO_PICKLE),
    "batch: no dictionary": ("cifar10", "test", lambda _: python2_pickle(["data"]), "it holds no dictionary"),
    "batch: no pictures": ("cifar10", "test", batch(data=None), "it has no array 'data'"),
    "batch: pictures that are a text": ("cifar10", "test", batch(data="abc"), "it has no array 'data'"),
    "batch: fewer pictures": ("cifar10", "test", batch(data=np.zeros((N - 1, 3072), np.uint8)), f"its array 'data' is {N - 1}×3072"),
    "batch: other sides": ("cifar10", "test", batch(data=np.zeros((N, 3071), np.uint8)), f"×3071 with {N * 3071:,} bytes instead of {N}×3072"),
    "batch: fewer bytes than its shape": ("cifar10", "test", lambda data: data.replace(b"K\x0eM\0\x0c\x86", b"K\x0eM\1\x0c\x86"), f"{N}×3073 with {N * 3072:,} bytes"),
    "batch: numbers of another type": ("cifar10", "test", lambda data: data.replace(b"U\2u1", b"U\2i2"), "it has no array 'data'"),
    "batch: no labels": ("cifar10", "test", batch(labels=None), "it has no list 'labels' of int"),
    "batch: labels that are texts": ("cifar10", "test", batch(labels=["cat"] * N), "it has no list 'labels' of int"),
    "batch: fewer labels": ("cifar10", "test", batch(labels=[1] * (N - 3)), f"it has {N - 3} labels for {N} pictures"),
    "batch: label 10": ("cifar10", "test", batch(labels=[3] * (N - 1) + [10]), f"label 10 of picture {N - 1} is not"),
    "batch: a label below 0": ("cifar10", "test", batch(labels=[-1] * N), "label -1 of picture 0 is not"),
    "batch: one that attacks": ("cifar10", "test", lambda _: pickle.dumps({"data": Attack()}, 2), "it has no array 'data'"),
    "batch: coarse labels only": ("cifar100", "test", lambda data: data.replace(b"U\x0bfine_labels", b"U\x0bfine_lapels"), "it has no list 'labels' of int"),
    "names: another one": ("cifar10", "names", names(*CIFAR10[:9], "lorry"), "it calls class 9 'lorry' instead of 'truck'"),
    "names: fewer": ("cifar10", "names", names(*CIFAR10[:9]), "it names 9 classes instead of 10"),
    "names: none": ("cifar10", "names", lambda _: python2_pickle({}), "it has no list 'label_names' of str"),
    "mat: empty": ("svhn", "train", lambda _: b"", "it begins with '' instead of 'MATLAB 5.0 MAT-file'"),
    "mat: a web page": ("svhn", "train", lambda _: PAGE, "it begins with '<html>403 Forbidden' instead of"),
    "mat: header only": ("svhn", "train", lambda data: data[:128], "it has no array X"),
    "mat: no labels": ("svhn", "train", mat(lambda all_: {"X": all_["X"]}), "it has no array y"),
    "mat: fewer pictures": ("svhn", "train", mat(lambda all_: all_ | {"X": all_["X"][..., 1:]}), "its array X is 32×32×3×39 instead of 32×32×3×40"),
    "mat: other sides": ("svhn", "train", mat(lambda all_: all_ | {"X": all_["X"][1:]}), "its array X is 31×32×3×40"),
    "mat: fewer labels": ("svhn", "train", mat(lambda all_: all_ | {"y": all_["y"][2:]}), "its array y is 38×1 instead of 40×1"),
    "mat: pictures from 0 to 1": ("svhn", "train", mat(lambda all_: all_ | {"X": all_["X"] / 255}), "its array X holds float64 instead of uint8"),
    "mat: label 0": ("svhn", "train", mat(lambda all_: all_ | {"y": all_["y"] % 10}), "label 0 of picture 0 is not from 1 to 10"),
    "mat: label 11": ("svhn", "train", mat(lambda all_: all_ | {"y": all_["y"] + 10}), "label 20 of picture 0 is not"),
    "stl: one byte short": ("stl10", "test_images", lambda data: data[:-1], "bytes instead of"),
    "stl: fewer labels": ("stl10", "test_labels", lambda data: data[1:], f"it has {N - 1} bytes instead of {N}"),
    "stl: label 0": ("stl10", "test_labels", lambda data: b"\0" + data[1:], "label 0 of picture 0 is not a class from 1 to 10"),
    "stl: label 11": ("stl10", "test_labels", lambda data: data[:-1] + b"\x0b", f"label 11 of picture {N - 1} is not"),
    "text: empty": ("usps", "test", lambda _: b"", "it cannot be unpacked"),
    "text: packed nothing": ("usps", "test", lambda _: bz2.compress(b""), "it has 0 lines with 0 pixels instead of 14 with 256 each"),
    "text: not packed": ("usps", "test", bz2.decompress, "it cannot be unpacked"),
    "text: a web page": ("usps", "test", lambda _: PAGE, "it cannot be unpacked"),
    "text: packed zeros": ("usps", "test", lambda _: bz2.compress(bytes(10_000_000)), "it unpacks to more than 114,688 bytes"),
    "text: a line less": ("usps", "test", line(lambda _: ""), f"it has {N - 1} lines with"),
    "text: a pixel less": ("usps", "test", line(lambda text: text.replace("256:", "")), f"it has {N} lines with {N * 256 - 1:,} pixels"),
    "text: a word": ("usps", "test", line(lambda text: text.replace(" 1:-1", " 1:one")), "what stands in it is not all numbers"),
    "text: nothing": ("usps", "test", line(lambda text: text.replace(" 1:-1", " 1:")), "what stands in it is not all numbers"),
    "text: a number more": ("usps", "test", line(lambda text: f"1 {text}"), "what stands in it is not all numbers"),
    "text: other numbers": ("usps", "test", line(lambda text: text.replace(" 1:", " 0:")), "in line 2, pixels are not numbered from 1 to 256"),
    "text: pixels to 255": ("usps", "test", line(lambda text: text.replace(" 1:-1", " 1:255")), "in line 2, pixels are not from −1 to 1"),
    "text: no pixel": ("usps", "test", line(lambda text: text.replace(" 1:-1", " 1:nan")), "in line 2, pixels are not from −1 to 1"),
    "text: half a label": ("usps", "test", line(lambda text: f"0.5{text[text.index(' ') :]}"), "in line 2, the label is not a whole number"),
    "text: label 0": ("usps", "test", line(lambda text: f"0{text[text.index(' ') :]}"), "label 0 of picture 1 is not a class from 1 to 10"),
    "text: label 11": ("usps", "test", line(lambda text: f"11{text[text.index(' ') :]}"), "label 11 of picture 1 is not"),
    "text: no label": ("usps", "test", line(lambda text: f"nan{text[text.index(' ') :]}"), "in line 2, the label is not a whole number"),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS)
def test_others(case: tuple[str, str, Change, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a hash that is known, too, a damaged file is found; nothing in one is ever run."""
    monkeypatch.chdir(tmp_path)
    name, key, change, message = case
    assert message in told(name, key, change, tmp_path, hashed=False)
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn", "stl10", "usps"])
def test_another_hash(name: str, tmp_path: Path) -> None:
    """Where an MD5 is known, it is checked before the content is looked at, whichever file it is."""
    for key in small(name)[0].files:
        message = told(name, key, lambda data: data[:-1] + bytes([data[-1] ^ 1]), tmp_path, hashed=True)
        assert message.startswith("its MD5 begins with ")


@pytest.mark.parametrize("hashed", [True, False], ids=["hashed", "unhashed"])
@pytest.mark.parametrize("name", NAMED)
def test_truncated(name: str, hashed: bool, tmp_path: Path) -> None:
    """A file that was cut, at any of many places, is named, whichever it is."""
    data_set, files = small(name, hashed=hashed)
    folder = write(tmp_path, data_set, files)
    for key, data in files.items():
        path = folder / data_set.files[key].name
        ends = {0, 1, 2, len(data) - 2, len(data) - 1, *range(3, len(data), len(data) // 10 + 1)}
        for end in ends:
            path.write_bytes(data[:end])
            with pytest.raises(DataError, match="the file is damaged") as caught:
                read_named(data_set, folder)
            assert str(caught.value).startswith(f"{path}: ")
        path.write_bytes(data)
    read_named(data_set, folder)


@pytest.mark.parametrize("kept", [0, 5, 30, -8, -1])
def test_truncated_gzip(kept: int, tmp_path: Path) -> None:
    """A gzipped file that was cut anywhere is an error, not fewer pictures."""
    data_set, files = small("mnist")
    folder = write(tmp_path, data_set, files)
    path = folder / data_set.files["test_images"].name
    path.unlink()
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(files["test_images"])[:kept])
    with pytest.raises(DataError, match=r"images-idx3-ubyte.gz: the file is damaged"):
        read_named(data_set, folder)


def test_gzip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file that unpacks to more than it should, no more than one byte too many is read."""
    data_set, files = small("mnist")
    folder = write(tmp_path, data_set, files)
    path = folder / data_set.files["test_images"].name
    path.unlink()
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(bytes(10_000_000)))
    read = []
    real = gzip.GzipFile.read

    def counted(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        data = real(self, size)
        read.append(len(data))
        return data

    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    with pytest.raises(DataError, match="it has more than"):
        read_named(data_set, folder)
    assert sum(read) == len(files["test_images"]) + 1


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "usps"])
def test_any_damage(name: str, tmp_path: Path) -> None:
    """Whatever bytes are changed, a file whose hash nobody knows is read or is an error of ours."""
    data_set, files = small(name, hashed=False)
    folder = write(tmp_path, data_set, files)
    draw = np.random.default_rng(5)
    path, data = folder / data_set.files["test"].name, files["test"]
    for _ in range(40):
        changed = bytearray(data)
        for at in draw.integers(0, min(len(data), 400), 3):
            changed[at] = draw.integers(0, 256)
        path.write_bytes(changed)
        try:
            found = read_named(data_set, folder).test
        except DataError as error:
            assert str(error).startswith(f"{path}: the file is damaged; ")  # noqa: PT017  # either will do
        else:
            assert len(found) == N


def test_no_permission(tmp_path: Path) -> None:
    """What the system says of a file that cannot be read is told."""
    data_set, files = small("mnist")
    folder = write(tmp_path, data_set, files)
    path = folder / data_set.files["test_images"].name
    path.unlink()
    path.mkdir()
    with pytest.raises(
        DataError, match=r"ubyte: the file cannot be read; Is a directory\. Check its permissions"
    ):
        read_named(data_set, folder)


def test_file_of_a_package(tmp_path: Path) -> None:
    """A damaged file that the system's packages put there is not to be deleted, but to be installed again."""
    data_set, files = small("mnist")
    folder = write(tmp_path, data_set, files | {"test_images": idx_file(np.zeros((1, 28, 28), np.uint8))})
    with pytest.raises(DataError, match="Reinstall the package that it comes from"):
        read_named(replace(data_set, system=(str(folder),)), folder)
