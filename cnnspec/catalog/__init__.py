"""The data sets that a spec can name: what a network must fit, known without loading anything.

To add one in a format that is read already is to add an entry to the table of its kind.
"""

from cnnspec.catalog.base import DataFile, DataSet, Download
from cnnspec.catalog.color import COLOR
from cnnspec.catalog.gray import GRAY, MNIST, MNIST_SAMPLE

__all__ = ["DATA_SETS", "MNIST", "MNIST_SAMPLE", "DataFile", "DataSet", "Download", "sample_for"]

DATA_SETS = {d.name: d for d in (*GRAY, *COLOR)}
"""Every data set by the name that a spec calls it."""


def sample_for(name: str) -> DataSet | None:
    """Return the sample that can stand in for a data set, if there is one."""
    return next((d for d in DATA_SETS.values() if d.sample_of == name), None)
