"""train: the main job."""

import os
import shlex
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rich.text import Text

from cnnspec import fit
from cnnspec import spec as specs
from cnnspec.catalog import DATA_SETS
from cnnspec.cli.console import err, out, print_json, print_line, report_problems
from cnnspec.cli.options import (
    data_root_option,
    device_option,
    format_option,
    parse_settings,
    set_option,
    thread_count,
    variant_option,
)
from cnnspec.errors import CnnspecError, SpecError, printable
from cnnspec.expansion import make_plan
from cnnspec.plan import Plan
from cnnspec.spec import Spec

if TYPE_CHECKING:
    from cnnspec.cli.progress import Announcer
    from cnnspec.training.reporter import Reporter

GO_WITH_RESUME = {
    "resume": "--resume RUN",
    "epochs": "--epochs",
    "device": "--device",
    "threads": "--threads",
    "data_root": "--data-root",
    "tensorboard": "--tensorboard",
    "mlflow": "--mlflow",
    "quiet": "--quiet",
    "form": "--format",
}
"""The options that a run which goes on may be given; all else is as it began."""

PATIENCE = 10
"""Seconds that a process waits for the one that tells what is wrong to end before it."""


@click.command(short_help="Train the network; writes a run folder.")
@click.argument("spec", metavar="[SPEC]", required=False)
@variant_option
@set_option
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(),
    help="Run folder, new or empty.  [default: runs/NAME-TIMESTAMP]",
)
@click.option(
    "--resume",
    metavar="RUN",
    type=click.Path(),
    help="Go on with the run in a folder, as if it had never stopped; --epochs N goes on longer.",
)
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Passes over the training data.")
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", help="Samples a step.")
@click.option("--lr", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Learning rate.")
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Number that all random draws follow from."
)
@click.option(
    "--train",
    "changes",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another value of the spec's section train, as schedule=cosine or optimizer.sgd.momentum=0.9.",
)
@device_option
@click.option(
    "--threads",
    callback=thread_count,
    default="auto",
    show_default=True,
    metavar="N|auto",
    help="Threads on the CPU; auto measures which number is fastest, a number makes runs repeat exactly.",
)
@click.option("--dataset", type=click.Choice(list(DATA_SETS)), help="Data set to learn from.")
@data_root_option
@click.option(
    "--no-sample", is_flag=True, help="Fail where the data set cannot be had, rather than use its sample."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done and try two batches; write nothing.")
@click.option("--tensorboard", is_flag=True, help="Write event files for TensorBoard into the run folder.")
@click.option("--mlflow", metavar="URI", help="Send parameters and metrics to an MLflow server or database.")
@click.option("--quiet", is_flag=True, help="Print the final line only.")
@format_option("text", "json")
@click.pass_context
def train(context: click.Context, /, spec: str | None, resume: str | None, **options: Any) -> None:
    """Train the network of SPEC on its data set, and write a run folder.

    The folder holds the spec as trained, a line of metrics for each epoch, the weights of
    the last and of the best epoch, and what the result depends on. Options go before what
    SPEC says. Ctrl-C finishes the step and saves; --resume goes on from there.
    """
    plan = None
    with _told_once():
        if resume is None:
            plan = _checked(spec, options)
        else:
            _check_resume(context)
    job = {name: options[name] for name in ("device", "threads", "data_root")}
    if plan is None:
        _train(None, job | {"resume": resume, "epochs": options["epochs"]}, options)
    else:
        _train(plan.spec, job | {"out": options["out"], "sample": not options["no_sample"]}, options)


@contextmanager
def _told_once() -> Iterator[None]:
    """Let only one of the processes that torchrun starts on a machine tell what all of them find."""
    try:
        yield
    except (CnnspecError, click.ClickException) as error:
        if os.environ.get("LOCAL_RANK", "0") == "0":
            raise
        # torchrun ends all processes when the first one fails: that must be the one that tells.
        time.sleep(PATIENCE)
        raise click.exceptions.Exit(getattr(error, "exit_code", 1)) from None


def _checked(spec: str | None, options: dict[str, Any]) -> Plan:
    """Return the plan of what is to be trained; raises SpecError."""
    if spec is None:
        raise click.UsageError("name a SPEC to train, or a run to go on with: --resume RUN")
    loaded = specs.load(spec, options["variant"], parse_settings(options["settings"]))
    names = ("dataset", "epochs", "batch_size", "lr", "seed")
    settings = parse_settings(options["changes"], "--train")
    changed = loaded.overridden(**{name: options[name] for name in names}, settings=settings)
    plan = make_plan(changed)
    if _is_first():
        report_problems(fit.warnings(plan))
    problems = fit.data_problems(plan)
    if problems:
        raise SpecError(*problems)
    return plan


def _check_resume(context: click.Context) -> None:
    """Refuse what a run that goes on cannot be given."""
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is not ParameterSource.DEFAULT
        if given and name not in GO_WITH_RESUME:
            told = "SPEC" if name == "spec" else parameter.opts[0]
            others = ", ".join(option for name, option in GO_WITH_RESUME.items() if name != "resume")
            raise click.UsageError(
                f"{told} does not go with --resume: a run goes on as it began. It takes {others}"
            )


def _train(spec: Spec | None, job: dict[str, Any], options: dict[str, Any]) -> None:
    """Train, and show it; only here is torch imported: it takes seconds, and a mistake is told at once."""
    from cnnspec.cli.dry import print_dry_run
    from cnnspec.cli.progress import Announcer, Watcher
    from cnnspec.cli.result import as_json, print_result
    from cnnspec.training import dry_run, train
    from cnnspec.training.reporter import Reporter, Reporters

    quiet, form = options["quiet"], options["form"]
    silent = quiet or options["dry_run"]
    watcher = Announcer(err()) if silent else Watcher(err() if form == "json" else out(), err())
    reporter = Reporter()  # in all processes but one, nothing is told
    if _is_first():
        reporter = Reporters(
            watcher, *_loggers(watcher, options["mlflow"], tensorboard=options["tensorboard"])
        )
    if options["dry_run"]:
        assert spec
        tried = dry_run(spec, **job, reporter=reporter)
        if _is_first():
            watcher.begin(tried.job)
            print_dry_run(tried, form, options)
        return
    try:
        with closing(reporter):
            result = train(spec, **job, reporter=reporter)
    except KeyboardInterrupt as stop:
        if _is_first():
            _say_stopped(watcher, stop, options)
        raise click.Abort from stop
    if not _is_first():
        return
    if form == "json":
        print_json(as_json(result, watcher.known))
    else:
        print_result(result, watcher.known, quiet=quiet)


def _is_first() -> bool:
    """Tell whether this is the process that prints, of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def _loggers(watcher: "Announcer", mlflow: str | None, *, tensorboard: bool) -> "list[Reporter]":
    from cnnspec.training.logs import MLflow, TensorBoard

    found: list[Reporter] = [TensorBoard(watcher.warning)] if tensorboard else []
    return [*found, MLflow(mlflow, watcher.warning)] if mlflow else found


def _say_stopped(watcher: "Announcer", stop: KeyboardInterrupt, options: dict[str, Any]) -> None:
    """Say where training stopped, and the command that goes on with it."""
    from cnnspec.cli.progress import place_in
    from cnnspec.training.stop import Stopped

    console, job = err(), watcher.job
    if console.is_terminal:
        console.print()  # the line that has a ^C
    if not (job and Path(job.folder).exists()):
        print_line(console, Text("Stopped; nothing is kept."))
        return
    # A second signal ends at once, and what it interrupts has no place.
    where = place_in(job, stop.epoch, stop.step) if isinstance(stop, Stopped) else "at once"
    command = ["cnnspec", "train", "--resume", job.folder]
    command += ["--data-root", options["data_root"]] if options["data_root"] else []
    command += ["--tensorboard"] if options["tensorboard"] else []
    command += ["--mlflow", options["mlflow"]] if options["mlflow"] else []
    print_line(console, Text(printable(f"Stopped {where}. Go on with: {shlex.join(command)}")))
