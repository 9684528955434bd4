"""Which epoch is the best, and when there have been enough of them: from the rows of metrics alone."""

from collections.abc import Sequence
from typing import Any

from cnnspec.language.training import Train

Row = dict[str, Any]


def metric(options: Train) -> str:
    """Return the column that the best epoch is picked by: of the validation split, if there is one."""
    return f"{'validation' if options.validation else 'test'}_{options.best}"


def is_best(row: Row, earlier: Sequence[Row], options: Train) -> bool:
    """Tell whether a row is better than all earlier ones; the first of equals is the best."""
    column = metric(options)
    if column not in row:
        return False
    return all(_better(row, other, options) for other in earlier if column in other)


def is_enough(history: Sequence[Row], options: Train) -> bool:
    """Tell whether so many tests in a row were no better that training is to stop early."""
    tested = [row for row in history if metric(options) in row]
    if options.early_stopping is None or not tested:
        return False
    best = max(number for number, row in enumerate(tested) if is_best(row, tested[:number], options))
    return len(tested) - 1 - best >= options.early_stopping


def _better(row: Row, other: Row, options: Train) -> bool:
    column = metric(options)
    return bool(row[column] < other[column] if options.best == "loss" else row[column] > other[column])
