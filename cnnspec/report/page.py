"""The report: the page about one run, or about several beside each other."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cnnspec.report.charts import of_runs
from cnnspec.report.compare import comparison, names
from cnnspec.report.differences import differences
from cnnspec.report.evidence import Evidence
from cnnspec.report.plot import plot
from cnnspec.report.sentences import cut, percent
from cnnspec.report.views import RunView
from cnnspec.units import duration
from cnnspec.views.pages.page import render
from cnnspec.views.pages.tables import Table

TEMPLATES = Path(__file__).parent / "templates"

NOTHING = "–"

LONGEST = 200
"""Characters of a path or title that are shown."""


def html(runs: Sequence[Evidence]) -> str:
    """Return the page about the runs, of which there is at least one.

    Raises CnnspecError where matplotlib is not installed.
    """
    called = names(runs)
    shown = [
        RunView(f"run-{n}", name, run) for n, (name, run) in enumerate(zip(called, runs, strict=True), 1)
    ]
    found, left_out = differences([run.record.spec.resolved() for run in runs])
    histories = [(name, run.record.history) for name, run in zip(called, runs, strict=True)]
    return render(
        "report.html",
        runs[0].record.spec.name if len(runs) == 1 else f"{len(runs)} runs",
        folder=TEMPLATES,
        subtitle=_subtitle(runs[0]) if len(runs) == 1 else "A comparison of what they came to.",
        runs=shown,
        compared=comparison(runs),
        results=_results(called, runs),
        differences=Table(("value", *called), [(path, *values) for path, values in found]),
        left_out=left_out,
        curves=[(chart, plot(chart)) for chart in of_runs(histories)] if len(runs) > 1 else [],
        made=f"{datetime.now().astimezone():%Y-%m-%d %H:%M}",
    )


def _subtitle(run: Evidence) -> str:
    record = run.record
    begun = f", begun {record.started:%Y-%m-%d %H:%M}" if record.started else ""
    title = cut(str(record.data.get("title", record.asked)), LONGEST)
    return f"A run on {title}{begun}, in {cut(str(record.folder), LONGEST)}."


def _results(called: Sequence[str], runs: Sequence[Evidence]) -> Table:
    """Return what the runs came to, a row each."""
    measured = ("epochs", "best", "test accuracy", "macro F1", "test loss", "parameters", "MACs", "time")
    headings = ("run", "spec", "data", "state", *measured)
    rows = [(name, *_result(run)) for name, run in zip(called, runs, strict=True)]
    return Table(headings, rows, tuple(range(4, len(headings))))


def _result(run: Evidence) -> tuple[str, ...]:
    record, tested = run.record, run.tested
    accuracy = tested.evaluation.accuracy if tested else record.accuracy
    data = f"{record.spec.data.name}, a sample" if record.sample_of else record.spec.data.name
    return (
        record.spec.name,
        data,
        record.state,
        f"{len(record.history)} of {record.spec.train.epochs}",
        str(record.best["epoch"]) if record.best else NOTHING,
        NOTHING if accuracy is None else percent(accuracy),
        percent(tested.evaluation.macro_f1) if tested else NOTHING,
        f"{tested.evaluation.loss:.4g}" if tested else NOTHING,
        f"{record.plan.params:,}",
        f"{record.plan.macs:,}",
        NOTHING if record.seconds is None else duration(record.seconds),
    )
