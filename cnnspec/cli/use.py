"""evaluate and predict: what comes after training."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from cnnspec.cli.console import err, out, print_json, print_line, report_problems
from cnnspec.cli.options import data_root_option, device_option, format_option, threads_option
from cnnspec.errors import CheckpointError, DataError, Place, Problem, one_line, printable

if TYPE_CHECKING:
    from cnnspec.training import Classifier, Prediction
    from cnnspec.training.evaluate import Evaluation

RUNNERS_UP = 2
"""Other classes shown beside the likeliest one."""

ONNX = ".onnx"

run_argument = click.argument("run", metavar="RUN|FILE.onnx")


@click.command(short_help="Accuracy, scores and confusion matrix.")
@run_argument
@device_option
@threads_option
@data_root_option
@format_option("text", "json")
def evaluate(run: str, device: str, threads: int | None, data_root: str | None, form: str) -> None:
    """Test the network of a RUN, or of an ONNX file exported from one, on the test pictures of its data set.

    Beside accuracy and loss, it tells for each class: precision, the share of its predictions that
    are right; recall, the share of its pictures that are found; and F1, the harmonic mean of the two.
    Macro F1 is the mean over the classes. The weights are those of the best epoch. An ONNX file is
    run by ONNX Runtime on the CPU.
    """
    from cnnspec.data import load_data
    from cnnspec.training.device import choose
    from cnnspec.training.threads import Fixed

    Fixed(threads)
    where = choose(device)
    network = _network(run)
    loaded = load_data(network.plan.spec.data, data_root, sample=False, notice=_notice)
    result = network.evaluate(loaded, where)
    if form == "json":
        print_json(_evaluation_json(network, result))
    else:
        _print_evaluation(network, result, loaded.data_set.title)


def _network(run: str) -> "Classifier":
    """Return the network of a run, or that in an ONNX file; raises CnnspecError."""
    if Path(run).suffix.lower() == ONNX and not Path(run).is_dir():
        from cnnspec.exporting import load_onnx

        return load_onnx(run)
    from cnnspec.training import load_run

    if Path(run).is_file():
        fix = "Name a run folder that `cnnspec train` wrote, or an ONNX file that `cnnspec export` wrote"
        raise CheckpointError(Problem("this is no run", "", fix, Place(run)))
    return load_run(run)


def _notice(text: str) -> None:
    print_line(err(), Text(printable(text)))


def _evaluation_json(network: "Classifier", result: "Evaluation") -> dict[str, Any]:
    from cnnspec.training.scores import per_class

    return {
        "run": str(network.source),
        "epoch": network.best_epoch,
        "dataset": network.plan.spec.data.name,
        "accuracy": result.accuracy,
        "macro_f1": result.macro_f1,
        **({} if result.top_k_accuracy is None else {"top_k_accuracy": result.top_k_accuracy}),
        "loss": result.loss,
        **({} if result.damaged is None else {"damaged": result.damaged}),
        "classes": list(network.classes),
        "per_class": [
            {"class": name, **asdict(one)}
            for name, one in zip(network.classes, per_class(result.confusion), strict=True)
        ],
        "confusion": result.confusion.tolist(),
    }


def _print_evaluation(network: "Classifier", result: "Evaluation", title: str) -> None:
    console, epoch = out(), network.best_epoch
    state = "not trained" if epoch is None else f"epoch {epoch}"
    print_line(console, Text(printable(f"{network.plan.name}, {state}, on {title}"), style="bold"))
    right, total = int(result.confusion.trace()), int(result.confusion.sum())
    console.print(f"accuracy {100 * result.accuracy:.2f} % ({right:,} of {total:,})   loss {result.loss:.4f}")
    console.print(f"macro F1 {100 * result.macro_f1:.2f} %{_top_k(network, result)}")
    if result.damaged:
        console.print(f"{result.damaged:,} pictures cannot be read, and are left out")
    console.print()
    classes = [one_line(name) for name in network.classes]
    _print_scores(classes, result)
    console.print()
    console.print("pictures by true class (row) and predicted class (column)")
    table = _table()
    for name in classes:
        table.add_column(Text(name), justify="right", no_wrap=True)
    for i, (name, row) in enumerate(zip(classes, result.confusion.tolist(), strict=True)):
        cells = [
            Text(str(n) if n else "·", style="bold" if i == j else "" if n else "dim")
            for j, n in enumerate(row)
        ]
        table.add_row(Text(name, style="bold"), *cells)
    console.print(table)


def _print_scores(classes: list[str], result: "Evaluation") -> None:
    from cnnspec.training.scores import per_class

    table = _table()
    for heading in ("precision", "recall", "F1", "pictures"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, one in zip(classes, per_class(result.confusion), strict=True):
        shares = (f"{100 * share:.2f} %" for share in (one.precision, one.recall, one.f1))
        table.add_row(Text(name, style="bold"), *shares, f"{one.support:,}")
    out().print(table)


def _top_k(network: "Classifier", result: "Evaluation") -> str:
    if result.top_k_accuracy is None:
        return ""
    return f"   top-{network.plan.spec.train.top_k} accuracy {100 * result.top_k_accuracy:.2f} %"


def _table() -> Table:
    """Return an empty table whose first column names classes."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    table.add_column("")
    return table


@click.command(short_help="What a network sees in pictures.")
@run_argument
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@format_option("text", "json")
def predict(run: str, images: tuple[str, ...], form: str) -> int:
    """Say what the network of a RUN, or of an ONNX file exported from one, sees in each IMAGE.

    An IMAGE is a PNG or JPEG of any size, and is prepared as those were that the network learned
    from. For a network of digits it shows one digit, dark on light or light on dark. The weights
    are those of the best epoch. An ONNX file is run by ONNX Runtime on the CPU.
    """
    network = _network(run)
    predictions: list[Prediction] = []
    failed = False
    for image in images:
        try:
            prediction = network.predict(image)
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
    others = ", ".join(f"{one_line(name)} {100 * p:.1f} %" for name, p in ranked[1 : 1 + RUNNERS_UP])
    text = Text(f"{printable(prediction.image)}: ")
    text.append(one_line(prediction.label), style="bold").append(f"  {100 * prediction.probability:.1f} %")
    print_line(out(), text.append(f"   then {others}", style="dim"))
