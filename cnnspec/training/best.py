"""Which epoch is the best, and when there have been enough of them: from the rows of metrics alone."""

from collections.abc import Sequence
from typing import Any

from cnnspec.language.training import Train

Row = dict[str, Any]


def metric(options: Train) -> str:
    """Return the column that the best epoch is picked by: of the validation split, if there is one."""
    return f"{'validation' if options.validation else 'test'}_{options.best}"


def best_row(history: Sequence[Row], options: Train) -> Row | None:
    """Return the row of the best epoch, the first of equals; None where none was tested."""
    column = metric(options)
    choose = min if options.best == "loss" else max  # both take the first of equals
    return choose((row for row in history if column in row), key=lambda row: row[column], default=None)


def is_best(row: Row, earlier: Sequence[Row], options: Train) -> bool:
    """Tell whether a row is better than all earlier ones."""
    return best_row([*earlier, row], options) is row


def is_enough(history: Sequence[Row], options: Train) -> bool:
    """Tell whether so many tests in a row were no better that training is to stop early."""
    best = best_row(history, options)
    if options.early_stopping is None or best is None:
        return False
    tested = (row for row in reversed(history) if metric(options) in row)
    return next(number for number, row in enumerate(tested) if row is best) >= options.early_stopping
