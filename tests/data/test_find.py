"""Where data sets are looked for on disk."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from format_files import small, write

from cnnspec.catalog import DATA_SETS
from cnnspec.data.find import cache_folder, find, home
from cnnspec.data.formats import read_named
from cnnspec.errors import DataError


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder is named, and the cache is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CNNSPEC_DATA", raising=False)


def test_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root goes first, then $CNNSPEC_DATA, the cache, and what packages of the system bring."""
    data_set, files = small("fashion-mnist")
    system = tmp_path / "system"
    write(system, replace(data_set, folder=""), files)
    data_set = replace(data_set, system=(str(tmp_path / "nothing"), str(system)))
    assert find(data_set) == system
    cached = write(cache_folder(), data_set, files)
    assert find(data_set) == cached == home(data_set)
    named = write(tmp_path / "environment", data_set, files)
    assert find(data_set) == cached
    monkeypatch.setenv("CNNSPEC_DATA", str(tmp_path / "environment"))
    assert find(data_set) == named
    assert find(data_set, tmp_path / "root") == named
    write(tmp_path / "root", data_set, files)
    assert find(data_set, tmp_path / "root") == home(data_set, tmp_path / "root")


@pytest.mark.parametrize("name", ["svhn", "usps"])
def test_no_folder_of_its_own(name: str, tmp_path: Path) -> None:
    """The data sets that torchvision puts into the root itself are found there."""
    data_set, files = small(name)
    write(tmp_path, data_set, files)
    assert find(data_set, tmp_path) == tmp_path


def test_one_split_of_several(tmp_path: Path) -> None:
    """Of data sets that share a folder, one is there without the others."""
    data_set, files = small("emnist-digits")
    write(tmp_path, data_set, files)
    assert find(data_set, tmp_path)
    assert find(DATA_SETS["emnist-letters"], tmp_path) is None


def test_incomplete(tmp_path: Path) -> None:
    """A folder that was named and holds some of the files only is an error; the cache is passed over."""
    data_set, files = small("cifar10")
    write(tmp_path, data_set, {"test": files["test"], "names": files["names"]})
    with pytest.raises(DataError) as caught:
        find(data_set, tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/cifar-10-batches-py: of the files of cifar10, data_batch_1 and data_batch_2 and "
        "data_batch_3 and data_batch_4 and data_batch_5 are missing; test_batch is there. "
        "Add what is missing, or remove the folder to have all of them downloaded."
    )
    write(cache_folder(), data_set, {"test": files["test"]})
    assert find(data_set) is None


def test_nothing_to_find() -> None:
    """A data set that has no files is nowhere."""
    assert find(DATA_SETS["mnist-sample"]) is None


def test_imports_no_torch() -> None:
    """Where data lies is found out without torch, which `cnnspec.data` imports for what needs it."""
    code = "import cnnspec.data.find, sys; assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


FASHION = Path("/usr/share/datasets/fashion-mnist")


@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_fashion_mnist_of_debian() -> None:
    """The full Fashion-MNIST of Debian's package is found and whole; its statistics are those of the catalog."""
    data_set = DATA_SETS["fashion-mnist"]
    assert find(data_set) == FASHION
    train, test, _ = read_named(data_set, FASHION)
    assert torch.bincount(train.labels).tolist() == [6_000] * 10
    assert torch.bincount(test.labels).tolist() == [1_000] * 10
    pixels = train.images
    mean = float(pixels.sum(dtype=torch.float64)) / pixels.numel() / 255
    squares = float(pixels.float().square_().sum(dtype=torch.float64)) / pixels.numel() / 255**2
    found = (round(mean, 4), round((squares - mean**2) ** 0.5, 4))
    assert found == (data_set.mean, data_set.std)
