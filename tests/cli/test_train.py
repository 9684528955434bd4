"""`cnnspec train` as its users meet it."""

import json
from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.cli import run

ROOT = Path(__file__).parents[2]
LENET5 = str(ROOT / "specs" / "lenet5.yaml")


def train(*arguments: str) -> int:
    return run(["train", *arguments])


def test_output(tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What stays goes to standard output: a heading, a line an epoch, the result, and what to do next."""
    assert train(LENET5, "--out", str(tmp_path / "run"), "--epochs", "2", "--threads", "1") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("lenet5 on MNIST: 60,000")
    assert lines[1].startswith("320 pictures to learn from, 80 to test; cpu, 1 thread; ")
    assert lines[3].split() == ["epoch", "train", "loss", "test", "loss", "test", "accuracy", "time"]
    assert [line.split()[0] for line in lines[4:6]] == ["1/2", "2/2"]
    assert "% test accuracy after 2 epochs" in lines[7]
    assert lines[7].endswith("on MNIST.")
    assert lines[8] == f"The run is in {tmp_path / 'run'}. Try: cnnspec predict {tmp_path / 'run'} IMAGE"
    assert err == ""


def test_quiet(tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --quiet the result is all that is printed."""
    assert train(LENET5, "--out", str(tmp_path / "run"), "--epochs", "1", "--quiet") == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert err == ""


def test_json(tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --format json standard output is JSON alone, and progress goes to standard error."""
    assert train(LENET5, "--out", str(tmp_path / "run"), "--epochs", "1", "--format", "json") == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert (result["dataset"], result["epochs"], result["run"]) == ("mnist", 1, str(tmp_path / "run"))
    assert (result["best_epoch"], result["best_accuracy"]) == (1, result["accuracy"])
    assert len(result["weights_hash"]) == 64
    assert result["accuracy"] == result["history"][-1]["test_accuracy"]
    assert "1/1" in err


def test_default_folder(tiny_root: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Without --out each run gets a folder of its own under runs/, named after the spec."""
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert train(LENET5, "--epochs", "1", "--quiet") == 0
    assert len(list((tmp_path / "runs").glob("lenet5-*"))) == 2


def test_options_are_recorded(tiny_root: Path, tmp_path: Path) -> None:
    """Options go before what the spec says, and the run's spec has them."""
    options = ["--epochs", "1", "--batch-size", "50", "--lr", "0.01", "--seed", "7", "--quiet"]
    assert train(LENET5, "--out", str(tmp_path / "run"), *options) == 0
    trained = cnnspec.load(tmp_path / "run/spec.yaml").train
    assert (trained.epochs, trained.batch_size, trained.optimizer.options.lr, trained.seed) == (
        1,
        50,
        0.01,
        7,
    )


@pytest.mark.parametrize("quiet", [[], ["--quiet"]], ids=["loud", "quiet"])
def test_sample_is_announced(quiet: list[str], tiny: Any, tmp_path: Path, capsys: Any) -> None:
    """Where the sample stands in, that is said before the start, over the accuracies, and at the end."""
    assert train(LENET5, "--out", str(tmp_path / "run"), "--epochs", "1", "--threads", "1", *quiet) == 0
    out, err = capsys.readouterr()
    assert "Training on a sample of MNIST" in err
    assert "not on mnist: mnist is not on disk and cannot be downloaded" in err
    assert ("accuracy on mnist-sample only" in out) == (not quiet)
    assert "this is no figure for mnist" in out.splitlines()[-2]


def test_no_sample(tiny: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --no-sample the lack of MNIST is an error."""
    assert train(LENET5, "--out", str(tmp_path / "run"), "--no-sample") == 1
    assert "mnist is not on disk and cannot be downloaded" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_asking_for_the_sample(tiny: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sample can be asked for by name, and its figures are marked all the same."""
    options = ["--dataset", "mnist-sample", "--epochs", "1", "--threads", "1"]
    assert train(LENET5, "--out", str(tmp_path / "run"), *options) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "accuracy on mnist-sample only" in out
    assert "this is no figure for mnist" in out


BAD = {
    "units": ("- fc: 12", "bad.yaml:4:5: fc1 has 12 units; mnist has 10 classes"),
    "not flat": ("- conv: {filters: 10, kernel: 3}", "the output is 10×26×26, not flat"),
    "no parameters": ("- adaptive_avgpool: [2, 5]\n  - flatten", "there is nothing to train"),
    "too wide": ("- fc: 10", "fc needs a flat input, but gets 1×28×28"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_network_that_does_not_fit(
    case: tuple[str, str], tiny_root: Path, tmp_path: Path, capsys: Any
) -> None:
    """A network that does not fit its data or loss is told before anything is loaded or written."""
    layers, message = case
    spec = tmp_path / "bad.yaml"
    flatten = "- flatten\n  " if layers == "- fc: 12" else ""
    spec.write_text(f"input: [1, 28, 28]\nlayers:\n  {flatten}{layers}\n")
    assert train(str(spec), "--out", str(tmp_path / "run")) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert not (tmp_path / "run").exists()


def test_softmax_is_warned_about(tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A softmax before cross-entropy is warned about, and trained all the same."""
    spec = tmp_path / "soft.yaml"
    spec.write_text("input: [1, 28, 28]\nlayers:\n  - flatten\n  - fc: 10\n  - softmax\n")
    assert train(str(spec), "--out", str(tmp_path / "run"), "--epochs", "1") == 0
    assert "soft.yaml:5:5: warning: softmax1 stands before the loss cross_entropy" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    [
        ["--epochs", "0"],
        ["--epochs", "two"],
        ["--batch-size", "-1"],
        ["--lr", "0"],
        ["--dataset", "imagenet"],
        ["--epoch"],
        ["--threads", "0"],
        ["--threads", "1025"],
        ["--threads", "all"],
        ["--train", "epochs"],
        ["--resume"],
    ],
    ids=" ".join,
)
def test_wrong_usage(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong option is a usage error: exit code 2 and a hint."""
    assert train(LENET5, *option) == 2
    assert "Error: " in capsys.readouterr().err


def test_nothing_to_train(capsys: pytest.CaptureFixture[str]) -> None:
    """With neither spec nor run, both ways are named."""
    assert train("--epochs", "1") == 2
    assert "name a SPEC to train, or a run to go on with: --resume RUN" in capsys.readouterr().err


def test_changes(tiny_root: Path, tmp_path: Path) -> None:
    """--train gives any value of the section `train`, read as YAML; the run's spec has it."""
    options = [
        "epochs=1",
        "schedule=cosine",
        "optimizer.sgd.momentum=0.9",
        "loss={cross_entropy: {label_smoothing: 0.1}}",
    ]
    settings = [word for option in options for word in ("--train", option)]
    assert train(LENET5, "--out", str(tmp_path / "run"), "--lr", "0.02", "--quiet", *settings) == 0
    trained = cnnspec.load(tmp_path / "run/spec.yaml").train
    assert (trained.epochs, trained.schedule.name) == (1, "cosine")
    assert (trained.optimizer.options.momentum, trained.optimizer.options.lr) == (0.9, 0.02)
    assert trained.loss.options.label_smoothing == 0.1


def test_wrong_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong with --train is told at once, at its own name, with what was surely meant."""
    assert train(LENET5, "--train", "schedule=cosin", "--train", "optimizer.adam.lr=high") == 1
    assert capsys.readouterr().err.splitlines() == [
        "--train optimizer.adam.lr: lr is 'high'; it must be a number.",
        "--train schedule: unknown schedule 'cosin'. Did you mean 'cosine'?",
    ]


def test_validation(tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a validation split its accuracy has a column, and an epoch that was not tested has dashes."""
    settings = ["--train", "validation=0.25", "--train", "evaluate_every=2", "--epochs", "3"]
    assert train(LENET5, "--out", str(tmp_path / "run"), *settings) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("240 pictures to learn from, 80 to pick the best epoch, 80 to test; ")
    assert "validation accuracy" in lines[3]
    assert lines[4].count("–") == 3
    assert [line.count("%") for line in lines[4:7]] == [0, 2, 2]


def test_narrow_terminal(tiny: Any, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    """In 60 columns the table is no wider, also with the most columns, and where a sample stands in."""
    monkeypatch.setenv("COLUMNS", "60")
    settings = ["--train", "validation=0.25", "--epochs", "1", "--threads", "1"]
    assert train(LENET5, "--out", str(tmp_path / "run"), *settings) == 0
    lines = capsys.readouterr().out.splitlines()
    table = next(number for number, line in enumerate(lines) if "train loss" in line)
    assert max(map(len, lines[table : table + 2])) <= 60
    assert lines[table].split() == ["epoch", "train", "loss", "validation", "mnist-sample", "only", "time"]
    assert lines[table + 1].split()[0] == "1/1"


def test_best_by_another_metric(tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where test accuracy does not pick the best epoch, the last line says what does."""
    settings = ["--train", "best=loss", "--lr", "0.02", "--epochs", "8", "--threads", "1"]
    assert train(LENET5, "--out", str(tmp_path / "run"), "--format", "json", *settings) == 0
    result = json.loads(capsys.readouterr().out)
    losses = [row["test_loss"] for row in result["history"]]
    assert result["best_epoch"] == 1 + losses.index(min(losses))
    assert result["best_accuracy"] == result["history"][result["best_epoch"] - 1]["test_accuracy"]


def test_stopped_early(tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where early stopping ended training, the last line says so."""
    settings = ["--train", "early_stopping=1", "--lr", "0.05", "--epochs", "500", "--threads", "1"]
    assert train(LENET5, "--out", str(tmp_path / "run"), *settings, "--quiet") == 0
    assert " of 500 (no better one for a while) in " in capsys.readouterr().out
