"""evaluate and predict: what comes after training."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from cnnspec.cli.console import err, out, print_json, print_line, report_problems
from cnnspec.cli.options import data_root_option, device_option, format_option, threads_option
from cnnspec.errors import DataError, printable

if TYPE_CHECKING:
    from cnnspec.training import Prediction, Run
    from cnnspec.training.evaluate import Evaluation

RUNNERS_UP = 2
"""Other classes shown beside the likeliest one."""

run_argument = click.argument("run", metavar="RUN")


@click.command(short_help="Accuracy, scores and confusion matrix of a run.")
@run_argument
@device_option
@threads_option
@data_root_option
@format_option("text", "json")
def evaluate(run: str, device: str, threads: int | None, data_root: str | None, form: str) -> None:
    """Test the network of RUN on the test pictures of its data set.

    Beside accuracy and loss, it tells for each class: precision, the share of its predictions that
    are right; recall, the share of its pictures that are found; and F1, the harmonic mean of the two.
    Macro F1 is the mean over the classes. The weights are those of the best epoch.
    """
    from cnnspec.data import load_data
    from cnnspec.training import load_run
    from cnnspec.training.device import choose
    from cnnspec.training.threads import Fixed

    Fixed(threads)
    where = choose(device)
    loaded_run = load_run(run)
    loaded = load_data(loaded_run.plan.spec.data, data_root, sample=False, notice=_notice)
    result = loaded_run.evaluate(loaded, where)
    if form == "json":
        print_json(_evaluation_json(loaded_run, result))
    else:
        _print_evaluation(loaded_run, result, loaded.data_set.title)


def _notice(text: str) -> None:
    print_line(err(), Text(printable(text)))


def _evaluation_json(run: "Run", result: "Evaluation") -> dict[str, Any]:
    from cnnspec.training.scores import per_class

    return {
        "run": str(run.folder),
        "epoch": run.best_epoch,
        "dataset": run.plan.spec.data.name,
        "accuracy": result.accuracy,
        "macro_f1": result.macro_f1,
        **({} if result.top_k_accuracy is None else {"top_k_accuracy": result.top_k_accuracy}),
        "loss": result.loss,
        **({} if result.damaged is None else {"damaged": result.damaged}),
        "classes": list(run.classes),
        "per_class": [
            {"class": name, **asdict(one)}
            for name, one in zip(run.classes, per_class(result.confusion), strict=True)
        ],
        "confusion": result.confusion.tolist(),
    }


def _print_evaluation(run: "Run", result: "Evaluation", title: str) -> None:
    console = out()
    print_line(console, Text(f"{run.plan.name}, epoch {run.best_epoch}, on {title}", style="bold"))
    right, total = int(result.confusion.trace()), int(result.confusion.sum())
    console.print(f"accuracy {100 * result.accuracy:.2f} % ({right:,} of {total:,})   loss {result.loss:.4f}")
    console.print(f"macro F1 {100 * result.macro_f1:.2f} %{_top_k(run, result)}")
    if result.damaged:
        console.print(f"{result.damaged:,} pictures cannot be read, and are left out")
    console.print()
    _print_scores(run, result)
    console.print()
    console.print("pictures by true class (row) and predicted class (column)")
    table = _table()
    for name in run.classes:
        table.add_column(name, justify="right", no_wrap=True)
    for i, (name, row) in enumerate(zip(run.classes, result.confusion.tolist(), strict=True)):
        cells = [
            Text(str(n) if n else "·", style="bold" if i == j else "" if n else "dim")
            for j, n in enumerate(row)
        ]
        table.add_row(Text(name, style="bold"), *cells)
    console.print(table)


def _print_scores(run: "Run", result: "Evaluation") -> None:
    from cnnspec.training.scores import per_class

    table = _table()
    for heading in ("precision", "recall", "F1", "pictures"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, one in zip(run.classes, per_class(result.confusion), strict=True):
        shares = (f"{100 * share:.2f} %" for share in (one.precision, one.recall, one.f1))
        table.add_row(Text(name, style="bold"), *shares, f"{one.support:,}")
    out().print(table)


def _top_k(run: "Run", result: "Evaluation") -> str:
    if result.top_k_accuracy is None:
        return ""
    return f"   top-{run.plan.spec.train.top_k} accuracy {100 * result.top_k_accuracy:.2f} %"


def _table() -> Table:
    """Return an empty table whose first column names classes."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    table.add_column("")
    return table


@click.command(short_help="What a run's network sees in pictures.")
@run_argument
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@format_option("text", "json")
def predict(run: str, images: tuple[str, ...], form: str) -> int:
    """Say what the network of RUN sees in each IMAGE.

    An IMAGE is a PNG or JPEG of any size, and is prepared as those were that the network learned
    from. For a network of digits it shows one digit, dark on light or light on dark. The weights
    are those of the best epoch.
    """
    from cnnspec.training import load_run

    loaded = load_run(run)
    predictions: list[Prediction] = []
    failed = False
    for image in images:
        try:
            prediction = loaded.predict(image)
        except DataError as error:
            report_problems(error.problems)
            failed = True
            continue
        predictions.append(prediction)
        if form == "text":
            _print_prediction(prediction)
    if form == "json":
        print_json([prediction.as_json() for prediction in predictions])
    return 1 if failed else 0


def _print_prediction(prediction: "Prediction") -> None:
    ranked = sorted(prediction.probabilities.items(), key=lambda item: -item[1])
    others = ", ".join(f"{name} {100 * p:.1f} %" for name, p in ranked[1 : 1 + RUNNERS_UP])
    text = Text(f"{printable(prediction.image)}: ")
    text.append(prediction.label, style="bold").append(f"  {100 * prediction.probability:.1f} %")
    print_line(out(), text.append(f"   then {others}", style="dim"))
