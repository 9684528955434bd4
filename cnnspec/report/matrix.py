"""The confusion matrix as a page shows it: of many classes, those that are confused most."""

from typing import NamedTuple

from torch import Tensor

MOST = 20
"""Classes that are shown at most."""

LEVELS = 5
"""Shades of mistakes, from few to the most."""


NARROW = 4
"""Characters of a name that have room over a column."""


class Cell(NamedTuple):
    """So many pictures; `shade` is 0 for none, and on the diagonal, where they are right."""

    pictures: int
    shade: int
    right: bool


class Matrix(NamedTuple):
    """Rows of true classes with columns of predicted ones; `left_out` classes are not shown."""

    classes: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: int

    @property
    def is_wide(self) -> bool:
        """Whether names of columns are so long that they must be turned."""
        return max(map(len, self.classes)) > NARROW


def matrix(confusion: Tensor, classes: tuple[str, ...]) -> Matrix:
    """Return the matrix of a table (true, predicted) of numbers of pictures."""
    wrong = confusion.clone().fill_diagonal_(0)
    confused = wrong.sum(0) + wrong.sum(1)
    most = confused.argsort(descending=True, stable=True)[:MOST].sort().values
    if len(classes) > MOST and confused.any():
        most = most[confused[most] > 0]
    shown = confusion[most][:, most].tolist()
    worst = int(wrong[most][:, most].max())
    rows = tuple(
        tuple(Cell(n, 0 if i == j else _shade(n, worst), i == j) for j, n in enumerate(row))
        for i, row in enumerate(shown)
    )
    names = tuple(classes[label] for label in most.tolist())
    return Matrix(names, rows, len(classes) - len(names))


def _shade(count: int, worst: int) -> int:
    return -(-LEVELS * count // worst) if worst else 0
