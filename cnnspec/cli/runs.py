"""runs: what was trained, how well, how long, and where each run is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from cnnspec.cli.columns import NOTHING
from cnnspec.cli.console import err, out, print_json, print_line, report_problems
from cnnspec.cli.options import format_option
from cnnspec.errors import CnnspecError, Place, Problem, SpecError, one_line
from cnnspec.training.find import find_runs
from cnnspec.training.record import RunRecord, read_record
from cnnspec.units import duration

DEFAULT = "runs"
"""The folder that `train` writes to, unless told otherwise."""

DAMAGED = "damaged"

SPARED = ("started", "spec", "epochs", "time", "data")
"""Columns that a terminal goes without, one after the other, where it is too narrow for all."""

SAMPLE = "*"
"""Marks accuracies that are not of the whole data set."""

STYLES = {"running": "bold cyan", "interrupted": "yellow", DAMAGED: "bold red"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A run folder; with what it says, or with what is wrong with it."""

    folder: Path
    record: RunRecord | None = None
    problem: Problem | None = None

    @property
    def state(self) -> str:
        """The run's state in a word or two."""
        return self.record.state if self.record else DAMAGED


Value = Callable[[RunRecord], Any]

ORDERS: dict[str, tuple[Value, bool]] = {
    "started": (lambda run: run.started, True),
    "accuracy": (lambda run: run.accuracy, True),
    "time": (lambda run: run.seconds, False),
    "epochs": (lambda run: len(run.history), True),
    "name": (lambda run: str(run.folder), False),
    "spec": (lambda run: run.spec.name, False),
    "data": (lambda run: run.spec.data.name, False),
    "state": (lambda run: run.state, False),
}
"""What runs can be sorted by, and whether the greatest comes first."""


def _accuracy(run: RunRecord) -> str:
    if run.accuracy is None:
        return NOTHING
    return f"{SAMPLE if run.sample_of else ''} {100 * run.accuracy:.2f} %".lstrip()


CELLS: dict[str, Callable[[RunRecord], str]] = {
    "spec": lambda run: run.spec.name,
    "data": lambda run: run.spec.data.name,
    "epochs": lambda run: f"{len(run.history)}/{run.spec.train.epochs}",
    "accuracy": _accuracy,
    "time": lambda run: NOTHING if run.seconds is None else duration(run.seconds),
    "state": lambda run: run.state,
    "started": lambda run: f"{run.started:%Y-%m-%d %H:%M}" if run.started else NOTHING,
}
"""What the columns after the name hold."""


@click.command(short_help="The runs there are: on what, how well, how long.")
@click.argument("folders", metavar="[FOLDER]...", nargs=-1)
@click.option(
    "--sort",
    "order",
    type=click.Choice(list(ORDERS)),
    default="started",
    show_default=True,
    help="What comes first: the newest, the most accurate, the fastest, the longest; texts from a to z.",
)
@format_option("table", "json")
def runs(folders: tuple[str, ...], order: str, form: str) -> int:
    """List the runs in each FOLDER, also some levels down; a FOLDER may be a run, and is `runs` if not given.

    The accuracy is that of the test after the best epoch, whose weights `evaluate` and `predict`
    use; the time is that of all epochs together.

    A run is finished; stopped early, where early stopping ended it; running, where a process trains it
    now; interrupted, where `cnnspec train --resume RUN` goes on; or damaged, where its files cannot be read.
    """
    paths, failed = _find(folders)
    found = _sorted([_listed(path) for path in paths], order)
    report_problems(run.problem for run in found if run.problem)
    if form == "json":
        print_json([_as_json(run) for run in found])
    elif found:
        _print_table(found)
    return 1 if failed else 0


def _find(folders: tuple[str, ...]) -> tuple[list[Path], bool]:
    """Return the run folders, each once, and whether a FOLDER cannot be read; what is wrong is told."""
    if not folders and not Path(DEFAULT).exists():
        told = f"There is no folder {DEFAULT} here; `cnnspec train SPEC` makes it. "
        print_line(err(), Text(f"{told}Name a FOLDER to look elsewhere."))
        return [], False
    found: dict[Path, Path] = {}
    failed = False
    for folder in folders or (DEFAULT,):
        try:
            paths, problems = find_runs(folder)
        except CnnspecError as error:
            report_problems(error.problems)
            failed = True
            continue
        report_problems(problems)
        if not paths:
            what, fix = "there is no run in this folder", "`cnnspec train SPEC --out FOLDER/NAME` writes one"
            report_problems([Problem(what, "", fix, Place(folder), "warning")])
        for path in paths:
            found.setdefault(path.resolve(), path)
    return list(found.values()), failed


def _listed(folder: Path) -> Listed:
    try:
        record = read_record(folder)
        record.check_weights()
    except CnnspecError as error:
        first = error.problems[0]
        return Listed(folder, None, Problem(first.what, first.why, first.fix, first.place, "warning"))
    return Listed(folder, record)


def _sorted(found: list[Listed], order: str) -> list[Listed]:
    """Return the runs in an order, the newer of equals first; those that have no such value come last."""
    for name in ("name", "started", order):
        value, descending = ORDERS[name]
        keyed = [(value(run.record) if run.record else None, run) for run in found]
        with_value = [(key, run) for key, run in keyed if key is not None]
        with_value.sort(key=lambda pair: pair[0], reverse=descending)
        found = [*(run for _, run in with_value), *(run for key, run in keyed if key is None)]
    return found


def _print_table(found: list[Listed]) -> None:
    console = out()
    left_out: list[str] = []
    wide = console.options.update(max_width=1 << 16)
    table = _table(found, left_out)
    for name in SPARED:
        if Measurement.get(console, wide, table).maximum <= console.width:
            break
        left_out.append(name)
        table = _table(found, left_out)
    console.print(table)
    lines = list(_notes(found))
    if lines:
        console.print()
    for line in lines:
        print_line(console, Text(line))


def _table(found: list[Listed], left_out: list[str]) -> Table:
    """Return the table of all columns but those left out."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    table.add_column("name", overflow="fold")
    headings = [heading for heading in CELLS if heading not in left_out]
    for heading in headings:
        is_text = heading in ("spec", "data")
        is_number = heading in ("epochs", "accuracy", "time")
        table.add_column(
            heading, justify="right" if is_number else "left", no_wrap=not is_text, overflow="fold"
        )
    for run in found:
        cells = {heading: Text(one_line(_cell(run, heading))) for heading in headings}
        cells["state"].stylize(STYLES.get(run.state, ""))
        table.add_row(Text(one_line(str(run.folder))), *cells.values())
    return table


def _cell(run: Listed, heading: str) -> str:
    if run.record is None:
        return DAMAGED if heading == "state" else NOTHING
    return CELLS[heading](run.record)


def _notes(found: list[Listed]) -> Iterator[str]:
    """Yield what must be known to read the table."""
    tested = [run.record for run in found if run.record and run.record.accuracy is not None]
    samples = {record.spec.data.name: record.sample_of for record in tested if record.sample_of}
    for name, whole in samples.items():
        yield f"{SAMPLE} on {name} only; this is no figure for {whole}."
    if tested:
        yield "Accuracy: the best epoch's in the test; evaluate and predict use its weights."
    if any(run.state == "interrupted" for run in found):
        yield "Go on with an interrupted run: cnnspec train --resume RUN"


def _last_accuracy(run: RunRecord) -> float | None:
    return next((row["test_accuracy"] for row in reversed(run.history) if "test_accuracy" in row), None)


def _device(run: RunRecord) -> str | None:
    device = run.environment.get("device")
    return device if isinstance(device, str) else None


def _params(run: RunRecord) -> int | None:
    try:
        return run.plan.params
    except SpecError:  # changed by hand: each item is right, and their shapes do not fit
        return None


FACTS: dict[str, Value] = {
    "spec": lambda run: run.spec.name,
    "dataset": lambda run: run.spec.data.name,
    "asked": lambda run: run.asked,
    "sample_of": lambda run: run.sample_of or None,
    "epochs": lambda run: len(run.history),
    "epochs_asked": lambda run: run.spec.train.epochs,
    "best_epoch": lambda run: run.best["epoch"] if run.best else None,
    "accuracy": lambda run: run.accuracy,
    "last_accuracy": _last_accuracy,
    "seconds": lambda run: run.seconds,
    "started": lambda run: run.started.isoformat() if run.started else None,
    "device": _device,
    "seed": lambda run: run.spec.train.seed,
    "params": _params,
}
"""What programs are told of a run that is not damaged."""


def _as_json(run: Listed) -> dict[str, Any]:
    """Return all that is known of a run as plain values; each has the same keys."""
    told: dict[str, Any] = {"run": str(run.folder), "state": run.state}
    told["problem"] = f"{run.problem.place}: {run.problem.message}" if run.problem else None
    return told | {name: fact(run.record) if run.record else None for name, fact in FACTS.items()}
