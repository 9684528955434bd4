"""The formats of the data sets with a name: each of their files is checked while it is read."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cnnspec.catalog import DataSet
from cnnspec.data.formats import cifar, idx, stl10, svhn, usps
from cnnspec.data.formats.content import Contents
from cnnspec.data.source import Pictures

READERS: dict[str, Callable[[Contents, str], Pictures]] = {
    "idx": idx.read,
    "cifar": cifar.read,
    "svhn": svhn.read,
    "stl10": stl10.read,
    "usps": usps.read,
}
"""What reads a part, train or test, of a data set, by the name of its format."""


class Named(NamedTuple):
    """A data set in its two parts, with the SHA-256 of each of its files."""

    train: Pictures
    test: Pictures
    hashes: dict[str, str]


def read_named(data_set: DataSet, folder: Path) -> Named:
    """Return the data set that a folder holds, all of it checked. Raises DataError."""
    contents = Contents(data_set, folder)
    train, test = (READERS[data_set.format](contents, part) for part in ("train", "test"))
    return Named(train, test, contents.hashes)
