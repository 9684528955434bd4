"""Arrays in a file .npz: what is read, and what is refused with what to do."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from own_data import cut

from cnnspec.data import arrays
from cnnspec.data.own import Own
from cnnspec.data.source import Pictures
from cnnspec.errors import DataError

X = np.random.default_rng(0).integers(0, 256, (12, 5, 6), np.uint8)
Y = np.arange(12) % 3
COLOUR = np.random.default_rng(1).integers(0, 256, (12, 5, 6, 3), np.uint8)


def saved(path: Path, **named: Any) -> Path:
    np.savez(path, **named)
    return path


def read(path: Path, test_share: float = 0.25) -> Own:
    return arrays.read(path, test_share=test_share)


def test_reads_both_parts(tmp_path: Path) -> None:
    """Pictures and labels of both parts are as they were saved, gray or in colour, packed or not."""
    for x, channels in ((X, 1), (COLOUR, 3), (X[..., None], 1)):
        for save in (np.savez, np.savez_compressed):
            path = tmp_path / "digits.npz"
            save(path, x_train=x[:9], y_train=Y[:9], x_test=x[9:], y_test=Y[9:, None].astype(np.uint8))
            own = read(path)
            assert isinstance(own.train, Pictures)
            assert isinstance(own.test, Pictures)
            whole = torch.cat([own.train.images, own.test.images])
            assert torch.equal(whole, torch.from_numpy(x.reshape(12, 5, 6, channels)).permute(0, 3, 1, 2))
            assert (own.train.labels.tolist(), own.test.labels.tolist()) == (Y[:9].tolist(), Y[9:].tolist())
            assert own.data_set.classes == ("0", "1", "2")
            assert own.data_set.shape == (channels, 5, 6)
            assert own.hashes == {"arrays": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_automatic_test_part(tmp_path: Path) -> None:
    """Without a test part a share of each class is for the test; each picture is in one part."""
    own = read(saved(tmp_path / "a.npz", x_train=X, y_train=Y, classes=np.array(["a", "b", "c"])))
    assert isinstance(own.train, Pictures)
    assert isinstance(own.test, Pictures)
    assert torch.bincount(own.train.labels).tolist() == [3, 3, 3]
    assert torch.bincount(own.test.labels).tolist() == [1, 1, 1]
    together = torch.cat([own.train.images, own.test.images]).numpy()[:, 0]
    assert sorted(p.tobytes() for p in together) == sorted(p.tobytes() for p in X)
    assert own.data_set.classes == ("a", "b", "c")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no x_train": ({"images": X, "y_train": Y}, "no array x_train; the file has 'images' or 'y_train'"),
    "x_Train": ({"x_Train": X, "y_train": Y}, "no array x_train.* Rename 'x_Train'"),
    "no labels": ({"x_train": X}, "there is no array y_train"),
    "test without labels": ({"x_train": X, "y_train": Y, "x_test": X}, "there is no array y_test"),
    "test without pictures": ({"x_train": X, "y_train": Y, "y_test": Y}, "there is no array x_test"),
    "nothing": ({}, "the file is empty"),
    "float 0 to 1": ({"x_train": X / 255, "y_train": Y}, r"\(x_train \* 255\).round\(\).astype\('uint8'\)"),
    "float 0 to 255": ({"x_train": X * 1.0, "y_train": Y}, r"Use x_train.round\(\).astype\('uint8'\)"),
    "normalized": ({"x_train": X / 128 - 1, "y_train": Y}, "values from -1 to .* normalization is the spec's"),
    "not finite": ({"x_train": np.where(X > 9, np.nan, X), "y_train": Y}, "Replace what is not finite"),
    "16 bits": ({"x_train": X.astype(np.uint16) * 257, "y_train": Y}, r"Scale it: \(x_train"),
    "64 bits": ({"x_train": X.astype(np.int64), "y_train": Y}, r"from 0 to 255. Use x_train.round"),
    "truth values": ({"x_train": X > 9, "y_train": Y}, r"x_train.astype\('uint8'\) \* 255"),
    "texts": ({"x_train": X.astype("U3"), "y_train": Y}, "x_train is of type <U3"),
    "objects": ({"x_train": np.array([X, None], object), "y_train": Y}, "no array of numbers; it holds Python"),
    "channels first": ({"x_train": COLOUR.transpose(0, 3, 1, 2), "y_train": Y}, r"transpose\(0, 2, 3, 1\)"),
    "transparency": ({"x_train": np.zeros((12, 5, 6, 4), np.uint8), "y_train": Y}, r"x_train\[..., :3\]"),
    "two channels": ({"x_train": np.zeros((12, 5, 6, 2), np.uint8), "y_train": Y}, "it is 12×5×6×2"),
    "flat": ({"x_train": X.reshape(12, -1), "y_train": Y}, r"x_train.reshape\(-1, height, width\)"),
    "one number": ({"x_train": np.uint8(3), "y_train": Y}, "it is a single number"),
    "no pixels": ({"x_train": X[:, :0], "y_train": Y}, "have no pixels"),
    "no pictures": ({"x_train": X[:0], "y_train": Y[:0]}, "x_train is empty"),
    "fewer labels": ({"x_train": X, "y_train": Y[:7]}, "x_train has 12 pictures, and y_train has 7 labels"),
    "one hot": ({"x_train": X, "y_train": np.eye(3, dtype=int)[Y]}, r"y_train.argmax\(axis=1\)"),
    "label of no shape": ({"x_train": X, "y_train": np.int64(1)}, "one label for each picture"),
    "float labels": ({"x_train": X, "y_train": Y * 1.0}, r"Use y_train.astype\('int64'\)"),
    "names as labels": ({"x_train": X, "y_train": Y.astype("U1")}, r"numpy.unique\(y_train, return_inverse"),
    "negative label": ({"x_train": X, "y_train": Y - 1}, "y_train has the label -1; classes are counted from 0"),
    "from 1": ({"x_train": X, "y_train": Y + 1}, "1 class has no training picture; 0. .*labels count from 0"),
    "label far out": ({"x_train": X, "y_train": Y * 1000}, "labels up to 2,000, and 12 pictures"),
    "label beyond": ({"x_train": X, "y_train": Y.astype(np.uint64) << 60}, "y_train has the label 1152921504606846976"),
    "test label": (
        {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y * 2},
        "y_test has the label 4, of picture 2; the classes are 0 to 2 as y_train has them",
    ),
    "too few names": (
        {"x_train": X, "y_train": Y, "classes": np.array(["a", "b"])},
        "y_train has the label 2, of picture 2; the classes are 0 to 1",
    ),
    "too many names": ({"x_train": X, "y_train": Y, "classes": np.array(list("abcd"))}, "no training picture; d"),
    "names twice": ({"x_train": X, "y_train": Y, "classes": np.array(list("aab"))}, "a different one for each"),
    "numbers as names": ({"x_train": X, "y_train": Y, "classes": np.arange(3)}, "classes must be a list of texts"),
    "one class": ({"x_train": X, "y_train": Y * 0}, "there is only one class, 0"),
    "single": ({"x_train": X[:4], "y_train": Y[:4]}, "2 classes have only one picture, and none for the test; 1, 2"),
    "other size": ({"x_train": X, "y_train": Y, "x_test": COLOUR, "y_test": Y}, "x_test are 3×5×6, those of x_train 1×5×6"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path) -> None:
    """Arrays that are not as they should be are refused, with what was found and what to do."""
    named, message = REFUSED[case]
    path = saved(tmp_path / "a.npz", **named)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.5, 0.9, 0.99])
def test_truncated(share: float, tmp_path: Path) -> None:
    """A file that breaks off anywhere is an error that names it."""
    path = saved(tmp_path / "a.npz", x_train=X, y_train=Y)
    cut(path, share)
    with pytest.raises(DataError, match=r"a\.npz: the file is no whole \.npz file"):
        read(path)


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there, or is a folder or a text, is told as what it is."""
    with pytest.raises(DataError, match="there is no such file"):
        read(tmp_path / "a.npz")
    with pytest.raises(DataError, match="this is a folder"):
        read(tmp_path)
    (tmp_path / "a.npz").write_text("x_train")
    with pytest.raises(DataError, match="no whole"):
        read(tmp_path / "a.npz")


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x_train is damaged"),
        (b"no array at all", "x_train is damaged"),
        (npy(X)[:-7], "header tells of 360 bytes, and there are 353"),
        (npy(X) + b"more", "header tells of 360 bytes, and there are 364"),
        (npy(X).replace(b"(12, 5, 6)", b"(12, 5,"), "x_train is damaged"),
        (npy(X).replace(b"(12, 5, 6), }      ", b"(9999999, 99999), }"), "header tells of 999,"),
        (npy(X).replace(b"'|u1'", b"'|x1'"), "x_train is damaged"),
        (b"\x93NUMPY\x09\x00" + npy(X)[8:], "x_train is damaged"),
    ],
)
def test_damaged_array(data: bytes, message: str, tmp_path: Path) -> None:
    """An array whose bytes are not what its header tells is refused, before memory is taken for it."""
    with pytest.raises(DataError, match=message):
        read(zipped(tmp_path / "a.npz", x_train=data, y_train=npy(Y)))


def test_changed_byte(tmp_path: Path) -> None:
    """A byte that changed within a member is found by its checksum."""
    path = saved(tmp_path / "a.npz", x_train=X, y_train=Y)
    data = path.read_bytes()
    at = data.index(X.tobytes()) + 100
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(DataError, match=r"no whole .npz file; Bad CRC-32"):
        read(path)


def test_larger_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An array that does not fit into memory is refused before it is read."""
    monkeypatch.setattr(arrays, "memory", lambda: 500)
    with pytest.raises(
        DataError, match=r"x_train does not fit into memory; it takes .* Use `folder` or `shards`"
    ):
        read(saved(tmp_path / "a.npz", x_train=X, y_train=Y))
