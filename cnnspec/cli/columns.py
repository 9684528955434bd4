"""The columns of the lines that a training prints, an epoch each, for a terminal of any width."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cnnspec.training.reporter import Job
from cnnspec.units import duration

GAP = 2
"""Spaces between two columns."""

SPARED = ("test_loss", "seconds", "validation_accuracy")
"""Columns that a terminal goes without, one after the other, where it is too narrow even for short words."""

NOTHING = "–"
"""Stands for the figures of an epoch that was not tested."""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and how a row of metrics is shown under it."""

    heading: str
    show: Callable[[dict[str, Any]], str]
    key: str
    least: int = 7

    @property
    def width(self) -> int:
        """How wide it is."""
        return max(self.least, len(self.heading))

    def cell(self, row: dict[str, Any]) -> str:
        """Return what the row has here."""
        return self.show(row) if self.key in row else NOTHING


def choose_columns(job: Job, width: int) -> list[Column]:
    """Return the columns that fit into a terminal of this width: few, and in short words, if it is narrow."""
    columns = _columns(job, short=False)
    if _width(columns) <= width:
        return columns
    columns = _columns(job, short=True)
    for key in SPARED:
        if _width(columns) > width:
            columns = [column for column in columns if column.key != key]
    return columns


def _columns(job: Job, *, short: bool) -> list[Column]:
    epoch = Column("epoch", lambda row: f"{row['epoch']}/{job.epochs}", "epoch")
    learned = Column("train loss", lambda row: f"{row['train_loss']:.4f}", "train_loss")
    tested = Column("test loss", lambda row: f"{row['test_loss']:.4f}", "test_loss")
    picked = Column(
        "validation" if short else "validation accuracy", _share("validation_accuracy"), "validation_accuracy"
    )
    right = Column(_accuracy(job, short=short), _share("test_accuracy"), "test_accuracy")
    time = Column("time", lambda row: duration(row["seconds"]), "seconds")
    if not job.validation_size:
        return [epoch, learned, tested, right, time]
    return [epoch, learned, picked, right, time] if short else [epoch, learned, picked, tested, right, time]


def _share(key: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: f"{100 * row[key]:.2f} %"


def _accuracy(job: Job, *, short: bool) -> str:
    """Return the heading over the accuracies, which says where they are not of the full data set."""
    if job.is_sample:
        return f"{job.data_set} only" if short else f"accuracy on {job.data_set} only"
    return "test accuracy"


def _width(columns: list[Column]) -> int:
    return sum(column.width + GAP for column in columns) - GAP
