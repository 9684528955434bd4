"""What a training came to, as it is printed at its end."""

from typing import Any

import click
from rich.text import Text

from cnnspec.catalog import DATA_SETS
from cnnspec.cli.console import out, print_line
from cnnspec.errors import printable
from cnnspec.training import Result, best
from cnnspec.training.reporter import Job


def as_json(result: Result, job: Job) -> dict[str, Any]:
    """Return the result as plain values; `best_accuracy` is that of the epoch kept as the best."""
    row = _best_row(result, job)
    return {
        "run": str(result.folder),
        "dataset": job.data_set,
        "asked": job.asked,
        "epochs": len(result.history),
        "accuracy": result.accuracy,
        "best_epoch": row["epoch"],
        "best_accuracy": row["test_accuracy"],
        "weights_hash": result.weights_hash,
        "history": result.history,
    }


def print_result(result: Result, job: Job, *, quiet: bool) -> None:
    """Print the result's accuracy, on which data, and what to do next."""
    console = out()
    if not quiet:
        console.print()
    print_line(console, Text(f"{job.plan.name}: {_sentence(result, job)}, {_data(job)}."))
    folder = printable(str(result.folder))
    modules = click.get_current_context().find_root().params.get("modules", ())
    call = " ".join(["cnnspec", *(f"--plugin {module}" for module in modules), "predict", folder, "IMAGE"])
    print_line(console, Text(f"The run is in {folder}. Try: {call}"))


def _sentence(result: Result, job: Job) -> str:
    history = result.history
    epochs = f"{len(history)} epoch{'s' * (len(history) != 1)}"
    if len(history) < job.epochs:
        epochs += f" of {job.epochs} (no better one for a while)"
    seconds = sum(row["seconds"] for row in history)
    text = f"{100 * result.accuracy:.2f} % test accuracy after {epochs} in {seconds:.0f} s"
    row, metric = _best_row(result, job), best.metric(job.plan.spec.train).replace("_", " ")
    if row is history[-1]:
        return text
    accuracy = f"{100 * row['test_accuracy']:.2f} %"
    if metric == "test accuracy":
        return f"{text} (best {accuracy} in epoch {row['epoch']})"
    return f"{text} ({accuracy} in epoch {row['epoch']}, the best by {metric})"


def _data(job: Job) -> str:
    if job.is_sample:
        return f"on {job.data_title}; this is no figure for {DATA_SETS[job.data_set].sample_of}"
    return f"on {job.data_title.partition(':')[0]}"


def _best_row(result: Result, job: Job) -> dict[str, Any]:
    """Return the row of the epoch whose weights are kept as the best."""
    found = best.best_row(result.history, job.plan.spec.train)
    assert found  # the last epoch is always tested
    return found
