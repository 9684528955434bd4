"""What a notebook shows of a run: its curves, and a table of the epochs that matter."""

from collections.abc import Sequence
from pathlib import Path

from cnnspec.errors import CnnspecError
from cnnspec.report.charts import of_run
from cnnspec.report.plot import plot
from cnnspec.training.best import Row
from cnnspec.training.record import RunRecord, read_record
from cnnspec.units import duration
from cnnspec.views.pages.page import fragment
from cnnspec.views.pages.tables import Table

TEMPLATES = Path(__file__).parent / "templates"

NOTHING = "–"


def run_html(record: RunRecord) -> str:
    """Return a run as a piece of HTML, whose styles are for nothing else in the notebook."""
    return _html(record.spec.name, record.folder, record.history, record.best)


def result_html(history: Sequence[Row], folder: Path) -> str:
    """Return what a training came to, as `run_html` does."""
    try:
        record = read_record(folder)
    except CnnspecError:  # it may be on another machine
        return _html("Result", folder, history, None)
    return _html(record.spec.name, folder, history, record.best)


def _html(name: str, folder: Path, history: Sequence[Row], best: Row | None) -> str:
    curves, hint = [], ""
    try:
        curves = [(chart, plot(chart)) for chart in of_run(history, best["epoch"] if best else None)]
    except CnnspecError as error:  # a notebook shows what it can
        hint = str(error)
    epochs = _epochs(history, best)
    return fragment(
        "history.html", TEMPLATES, name=name, run=str(folder), curves=curves, hint=hint, epochs=epochs
    )


def _epochs(history: Sequence[Row], best: Row | None) -> Table:
    """Return a row for the best epoch and for the last one."""
    columns = ("train_loss", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy", "lr")
    rows = {"best": best, "last": history[-1] if history else None}
    there = {name: row for name, row in rows.items() if row}
    used = [column for column in columns if any(column in row for row in there.values())]
    return Table(
        ("", "epoch", *(column.replace("_", " ") for column in used), "time"),
        [
            (
                name,
                str(row["epoch"]),
                *(_cell(row, column) for column in used),
                duration(row.get("seconds", 0)),
            )
            for name, row in there.items()
        ],
        tuple(range(1, len(used) + 3)),
    )


def _cell(row: Row, column: str) -> str:
    if column not in row:
        return NOTHING
    return f"{100 * row[column]:.2f} %" if column.endswith("accuracy") else f"{row[column]:.4g}"
