"""Tables as ``table.html`` writes them."""

from collections.abc import Sequence
from typing import NamedTuple

from cnnspec.plan import Plan
from cnnspec.shape import times
from cnnspec.views import summary


class Table(NamedTuple):
    """Headings and rows, whose first cell is what they are about; `numbers` are the columns of those."""

    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: tuple[int, ...] = ()


def summary_table(plan: Plan) -> Table:
    """Return the rows of a network's summary."""
    rows = [summary.Row("input", times(plan.input_shape)), *summary.rows(plan)]
    return Table(summary.HEADINGS, rows, tuple(map(summary.Row._fields.index, summary.NUMBERS)))
