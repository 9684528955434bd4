"""The table of data sets, held to torchvision's own constants."""

import hashlib
from typing import Any

import pytest
from format_files import NAMED, cifar_names
from torchvision import datasets

from cnnspec.catalog import DATA_SETS, DataSet

THEIRS: dict[str, Any] = {
    "mnist": datasets.MNIST,
    "fashion-mnist": datasets.FashionMNIST,
    "kmnist": datasets.KMNIST,
    "qmnist": datasets.QMNIST,
    "usps": datasets.USPS,
    "cifar10": datasets.CIFAR10,
    "cifar100": datasets.CIFAR100,
    "svhn": datasets.SVHN,
    "stl10": datasets.STL10,
} | {f"emnist-{split}": datasets.EMNIST for split in datasets.EMNIST.splits}


def ours(data_set: DataSet) -> dict[str, str]:
    """Return the MD5 of all that is downloaded, by its address at the first mirror."""
    return {data_set.mirrors[0] + download.name: download.md5 for download in data_set.downloads}


def theirs(data_set: DataSet) -> dict[str, str]:
    """Return the same of torchvision."""
    of = THEIRS[data_set.name]
    match data_set.name.partition("-")[0]:
        case "qmnist":
            return {url: md5 for part in ("train", "test") for url, md5 in of.resources[part]}
        case "mnist" | "fashion" | "kmnist":
            return {of.mirrors[0] + name: md5 for name, md5 in of.resources}
        case "usps" | "svhn":
            return {of.split_list[part][0]: of.split_list[part][2] for part in ("train", "test")}
    return {of.url: getattr(of, "tgz_md5", None) or of.md5}


def test_all_of_them() -> None:
    """What torchvision has of a kind, the catalog has; and only the sample has no files."""
    assert set(NAMED) == set(THEIRS) == set(DATA_SETS) - {"mnist-sample"}


@pytest.mark.parametrize("name", NAMED)
def test_downloads(name: str) -> None:
    """Addresses and MD5s are torchvision's; each file that is read comes out of one of the downloads."""
    data_set = DATA_SETS[name]
    assert ours(data_set) == theirs(data_set)
    got = [file for download in data_set.downloads for file in download.files]
    assert sorted(got) == sorted(file.name for file in data_set.files.values())


def test_mirrors() -> None:
    """All mirrors of MNIST are torchvision's, and every URL can be appended to."""
    assert list(DATA_SETS["mnist"].mirrors) == datasets.MNIST.mirrors
    assert all(url.endswith("/") for data_set in DATA_SETS.values() for url in data_set.mirrors)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "stl10", "svhn", "usps"])
def test_files(name: str) -> None:
    """The MD5s of the files on disk are torchvision's."""
    of, data_set = THEIRS[name], DATA_SETS[name]
    if name in ("svhn", "usps"):
        known = {file: md5 for _url, file, md5 in of.split_list.values()}
    else:
        known = dict(of.train_list + of.test_list)
    if hasattr(of, "meta"):
        known[of.meta["filename"]] = of.meta["md5"]
    files = {file.name: file.md5 for file in data_set.files.values()}
    assert files.items() <= known.items()
    assert data_set.folder == getattr(of, "base_folder", "")


def test_classes() -> None:
    """Classes are called what torchvision calls them; digits are digits."""
    spelt = ["0 - zero", "1 - one", "2 - two", "3 - three", "4 - four"]
    assert datasets.MNIST.classes[:5] == datasets.QMNIST.classes[:5] == spelt
    for name in ("mnist", "mnist-sample", "qmnist", "usps", "svhn", "emnist-digits", "emnist-mnist"):
        assert list(DATA_SETS[name].classes) == [text[0] for text in datasets.MNIST.classes]
    assert list(DATA_SETS["fashion-mnist"].classes) == datasets.FashionMNIST.classes
    assert list(DATA_SETS["kmnist"].classes) == datasets.KMNIST.classes
    for split, classes in datasets.EMNIST.classes_split_dict.items():
        assert list(DATA_SETS[f"emnist-{split}"].classes) == [c for c in classes if c != "N/A"]


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_classes_of_cifar(name: str) -> None:
    """Written as CIFAR's own file of names, our names have the MD5 that torchvision lists for that file."""
    content = cifar_names(DATA_SETS[name])
    assert hashlib.md5(content).hexdigest() == THEIRS[name].meta["md5"]  # noqa: S324  # what is published


@pytest.mark.parametrize("name", NAMED)
def test_entry(name: str) -> None:
    """An entry agrees with itself: the files' counts, the statistics of each channel, the name in the title."""
    data_set = DATA_SETS[name]
    for part, count in zip(("train", "test"), data_set.counts, strict=True):
        pictures = [f for key, f in data_set.files.items() if key.startswith(part) and "labels" not in key]
        assert sum(file.shape[0] for file in pictures) == count
    for value in (data_set.mean, data_set.std):
        channels = value if isinstance(value, tuple) else (value,)
        assert len(channels) == data_set.shape[0]
        assert all(0 < one < 1 for one in channels)
    assert "{:,} + {:,}".format(*data_set.counts) in data_set.title
    assert len(set(data_set.classes)) == len(data_set.classes)
