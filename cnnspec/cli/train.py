"""train: the main job."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from cnnspec import fit
from cnnspec.catalog import DATA_SETS
from cnnspec.cli.console import err, out, print_json, print_line, report_problems
from cnnspec.cli.options import data_root_option, device_option, format_option, spec_argument, threads_option
from cnnspec.errors import SpecError, printable
from cnnspec.expansion import make_plan
from cnnspec.spec import Spec

if TYPE_CHECKING:
    from cnnspec.training import Result


@click.command(short_help="Train the network; writes a run folder.")
@spec_argument
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(),
    help="Run folder, new or empty.  [default: runs/NAME-TIMESTAMP]",
)
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Passes over the training data.")
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", help="Samples a step.")
@click.option("--lr", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Learning rate.")
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Number that all random draws follow from."
)
@device_option
@threads_option
@click.option("--dataset", type=click.Choice(list(DATA_SETS)), help="Data set to learn from.")
@data_root_option
@click.option(
    "--no-sample", is_flag=True, help="Fail where the data set cannot be had, rather than use its sample."
)
@click.option("--quiet", is_flag=True, help="Print the final line only.")
@format_option("text", "json")
def train(spec: Spec, no_sample: bool, quiet: bool, form: str, **options: Any) -> None:
    """Train the network of SPEC on its data set, and write a run folder.

    The folder holds the spec as trained, a line of metrics for each epoch, the weights of
    the last and of the best epoch, and what the result depends on. Options go before what
    SPEC says.
    """
    plan = make_plan(spec.overridden(dataset=options["dataset"]))
    report_problems(fit.warnings(plan))
    problems = fit.data_problems(plan)
    if problems:
        raise SpecError(*problems)
    # Only now: torch takes seconds to import, and a mistake should be told at once.
    from cnnspec.cli.progress import Announcer, Watcher
    from cnnspec.training import train

    watcher = Announcer(err()) if quiet else Watcher(err() if form == "json" else out(), err())
    try:
        result = train(plan.spec, sample=not no_sample, reporter=watcher, **options)
    except KeyboardInterrupt:
        watcher.close()
        _say_stopped(watcher.job.folder if watcher.job else "")
        raise
    finally:
        watcher.close()
    if form == "json":
        print_json(_as_json(result))
    else:
        _print_result(result, quiet=quiet)


def _say_stopped(folder: str) -> None:
    kept = folder and Path(folder).exists()
    text = (
        f"Stopped. {printable(folder)} holds the epochs that were finished."
        if kept
        else "Stopped; nothing is kept."
    )
    print_line(err(), Text(text))


def _as_json(result: "Result") -> dict[str, Any]:
    data = result.run.environment["data"]
    best = max(row["test_accuracy"] for row in result.history)
    return {
        "run": str(result.run.folder),
        "dataset": data["used"],
        "asked": data["asked"],
        "epochs": len(result.history),
        "accuracy": result.accuracy,
        "best_accuracy": best,
        "history": result.history,
    }


def _print_result(result: "Result", *, quiet: bool) -> None:
    console = out()
    run, history = result.run, result.history
    seconds = sum(row["seconds"] for row in history)
    best = max(row["test_accuracy"] for row in history)
    data = run.environment["data"]
    used = DATA_SETS[data["used"]]
    where = f"on {used.title.partition(':')[0]}"
    if used.sample_of:
        where = f"on {used.title}; this is no figure for {used.sample_of}"
    epochs = f"{len(history)} epoch{'s' * (len(history) != 1)}"
    text = f"{100 * result.accuracy:.2f} % test accuracy after {epochs} in {seconds:.0f} s"
    if best > result.accuracy:
        text += f" (best {100 * best:.2f} % in epoch {run.best_epoch})"
    if not quiet:
        console.print()
    print_line(console, Text(f"{run.plan.name}: {text}, {where}."))
    folder = printable(str(run.folder))
    print_line(console, Text(f"The run is in {folder}. Try: cnnspec predict {folder} IMAGE"))
