"""Every format, held to torchvision's reading of the same folder."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from format_files import COUNTS, NAMED, cifar_batch, python2_pickle, small, write
from torchvision import datasets

from cnnspec.catalog import DATA_SETS
from cnnspec.data import Pictures
from cnnspec.data.formats import read_named

Parts = tuple[Any, Any]
"""Pictures and labels, as torchvision has them."""


def _mnist(kind: Any, root: Path, part: str) -> Parts:
    of = kind(root, train=part == "train")
    return of.data, of.targets


def _emnist(split: str) -> Callable[[Path, str], Parts]:
    def read(root: Path, part: str) -> Parts:
        of = datasets.EMNIST(root, split, train=part == "train")
        return of.data.transpose(1, 2), of.targets - int(split == "letters")

    return read


def _qmnist(root: Path, part: str) -> Parts:
    of = datasets.QMNIST(root, train=part == "train")
    return of.data, [of[i][1] for i in range(len(of))]


def _cifar(kind: Any) -> Callable[[Path, str], Parts]:
    def read(root: Path, part: str) -> Parts:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("train_list", "test_list"):
                patch.setattr(kind, name, [[file, None] for file, _ in getattr(kind, name)])
            of = kind(root, train=part == "train")
        assert tuple(of.classes) == DATA_SETS[kind.__name__.lower()].classes
        return of.data.transpose(0, 3, 1, 2), of.targets

    return read


def _svhn(root: Path, part: str) -> Parts:
    with pytest.MonkeyPatch.context() as patch:
        unhashed = {key: [url, file, None] for key, (url, file, _) in datasets.SVHN.split_list.items()}
        patch.setattr(datasets.SVHN, "split_list", unhashed)
        of = datasets.SVHN(root, part)
    return of.data, of.labels


def _stl10(root: Path, part: str) -> Parts:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("train_list", "test_list"):
            known = [[file, None] for file, _ in getattr(datasets.STL10, name) if "unlabeled" not in file]
            patch.setattr(datasets.STL10, name, known)
        of = datasets.STL10(root, part)
    return of.data, of.labels


def _usps(root: Path, part: str) -> Parts:
    of = datasets.USPS(root, train=part == "train")
    return of.data, of.targets


THEIRS: dict[str, Callable[[Path, str], Parts]] = {
    "mnist": lambda root, part: _mnist(datasets.MNIST, root, part),
    "fashion-mnist": lambda root, part: _mnist(datasets.FashionMNIST, root, part),
    "kmnist": lambda root, part: _mnist(datasets.KMNIST, root, part),
    "qmnist": _qmnist,
    "usps": _usps,
    "cifar10": _cifar(datasets.CIFAR10),
    "cifar100": _cifar(datasets.CIFAR100),
    "svhn": _svhn,
    "stl10": _stl10,
} | {f"emnist-{split}": _emnist(split) for split in datasets.EMNIST.splits}


def same(ours: Pictures, theirs: Parts) -> None:
    """Compare pictures and labels, their types and the order of their axes, too."""
    images = torch.as_tensor(np.asarray(theirs[0]))
    images = images.unsqueeze(1) if images.dim() == 3 else images
    assert ours.images.dtype == torch.uint8
    assert ours.images.is_contiguous()
    assert ours.labels.dtype == torch.int64
    assert torch.equal(ours.images, images)
    assert ours.labels.tolist() == list(map(int, theirs[1]))


@pytest.mark.parametrize("name", NAMED)
def test_as_torchvision(name: str, tmp_path: Path) -> None:
    """Of a folder that both can read, both make the same pictures and labels; hashes are of the files."""
    data_set, files = small(name)
    folder = write(tmp_path, data_set, files)
    train, test, hashes = read_named(data_set, folder)
    same(train, THEIRS[name](tmp_path, "train"))
    same(test, THEIRS[name](tmp_path, "test"))
    assert train.images.shape[1:] == data_set.shape
    assert {0, len(data_set.classes) - 1} <= set(train.labels.tolist()) <= set(range(len(data_set.classes)))
    assert hashes == {
        data_set.files[key].name: hashlib.sha256(data).hexdigest() for key, data in files.items()
    }


@pytest.mark.parametrize("name", ["mnist", "emnist-letters", "qmnist", "cifar100"])
def test_packed(name: str, tmp_path: Path) -> None:
    """A folder with gzipped files is as good as one with plain files."""
    data_set, files = small(name)
    plain = read_named(data_set, write(tmp_path / "plain", data_set, files))
    folder = write(tmp_path / "packed", data_set, files)
    for path in folder.iterdir():
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    packed = read_named(data_set, folder)
    assert torch.equal(packed.train.images, plain.train.images)
    assert torch.equal(packed.test.labels, plain.test.labels)
    assert packed.hashes == plain.hashes


def test_cifar_by_columns(tmp_path: Path) -> None:
    """An array of a batch whose first axis runs fastest comes out the same as others do."""
    data_set, files = small("cifar10", hashed=False)
    batch = cifar_batch(data_set, "test", np.random.default_rng(1))
    rows = batch["data"]
    files["test"] = python2_pickle(batch | {"data": np.asfortranarray(rows)})
    found = read_named(data_set, write(tmp_path, data_set, files)).test
    assert torch.equal(found.images, torch.from_numpy(rows).view(COUNTS["test"], 3, 32, 32))
    same(found, THEIRS["cifar10"](tmp_path, "test"))
