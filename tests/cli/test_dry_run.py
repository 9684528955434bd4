"""`cnnspec train --dry-run`: the plan of a run, and two batches."""

import json
from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.cli import run
from cnnspec.cli.dry import rates
from cnnspec.training import dry_run

ROOT = Path(__file__).parents[2]
LENET5 = str(ROOT / "specs" / "lenet5.yaml")
RECIPE = (
    "schedule=one_cycle",
    "optimizer.sgd.momentum=0.9",
    "validation=0.25",
    "ema=0.9",
    "checkpoint_every=2",
)


@pytest.fixture
def here(tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, with a small MNIST elsewhere."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def dry(*arguments: str) -> int:
    settings = [word for setting in RECIPE for word in ("--train", setting)]
    return run(["train", LENET5, "--dry-run", "--threads", "1", *settings, *arguments])


def test_plan(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says all that would be done, tries two batches, and writes nothing."""
    assert dry() == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    told = {line[:12].strip(): line[12:] for line in lines if line[:1].strip()}
    assert told["network"] == "14 layers, 61,750 parameters, 416,520 MACs; 1×32×32 → 10"
    assert told["data"].startswith("240 pictures to learn from, 80 to pick the best epoch, 80 to test; ")
    assert told["batches"] == "of 64; 4 steps an epoch, 40 in 10 epochs"
    assert told["optimizer"] == "sgd: lr 0.01, momentum 0.9, nesterov false, weight_decay 0"
    assert told["schedule"] == "one_cycle: pct_start 0.3, div_factor 25, final_div_factor 10000"
    assert told["also"] == "moving average of the weights, decay 0.9"
    assert told["best epoch"] == "by validation accuracy"
    assert told["threads"] == "1"
    assert told["writes"] == "runs/lenet5-TIMESTAMP"
    assert "every 2 steps" in out
    assert [line[:12] for line in lines[-3:-1]] == ["step 1: loss", "step 2: loss"]
    assert lines[-1] == "Nothing was written."
    assert not list(here.iterdir())


def test_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as JSON, with nothing else on standard output."""
    pytest.importorskip("tensorboard")
    assert dry("--format", "json", "--out", "x", "--tensorboard") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["train_size"], plan["validation_size"], plan["test_size"]) == (240, 80, 80)
    assert (plan["steps_per_epoch"], plan["epochs"], plan["batch_size"]) == (4, 10, 64)
    assert plan["train"]["optimizer"]["sgd"]["momentum"] == 0.9
    assert plan["run"] == "x"
    assert "tensorboard/" in plan["writes"]
    assert [step["step"] for step in plan["steps"]] == [1, 2]
    assert all(step["loss"] > 0 and step["seconds"] > 0 for step in plan["steps"])
    assert not list(here.iterdir())


def test_fine_tuning(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Weights, what is frozen and where the learning rate is another are told, as text and as JSON, and before training."""
    assert run(["train", LENET5, "--epochs", "1", "--out", "first", "--quiet", "--threads", "1"]) == 0
    capsys.readouterr()
    tuned = ["train", LENET5, "--threads", "1", "--epochs", "1", "--train", "weights=first"]
    tuned += ["--train", "freeze=[conv1, batchnorm1]", "--train", "lr_scale.fc3=10"]
    assert run([*tuned, "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = {line[:12].strip(): line[12:] for line in lines if line[:1].strip()}
    path = here / "first" / "best.safetensors"
    assert told["weights"].startswith(f"{path}: 20 of 20 tensors")
    assert told["frozen"] == "conv1, batchnorm1; 168 of 61,750 parameters stay as they are"
    assert told["lr scale"] == "10 in fc3"
    assert run([*tuned, "--dry-run", "--format", "json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["network"]["trainable"] == 61_582
    assert plan["weights"][0] == f"{path}: 20 of 20 tensors, matched by name"
    assert plan["train"]["lr_scale"] == {"fc3": 10.0}
    assert run([*tuned, "--out", "second"]) == 0
    out, err = capsys.readouterr()
    assert f"Begins with {path}: 20 of 20 tensors, matched by name\n" in out
    assert "Frozen: conv1, batchnorm1; 168 of 61,750 parameters stay as they are\n" in out
    assert "Learning rate times 10 in fc3\n" in out
    assert err == ""


def test_losses_are_those_of_the_run(here: Path) -> None:
    """The two batches are the first two of the run that it is the plan of."""
    spec = cnnspec.load(LENET5).overridden(batch_size=200, epochs=1)
    tried = dry_run(spec, device="cpu", threads=1)
    result = cnnspec.train(spec, out="run", device="cpu", threads=1)
    mean = (tried.losses[0] * 200 + tried.losses[1] * 120) / 320
    assert mean == pytest.approx(result.history[0]["train_loss"])


def test_rates(here: Path) -> None:
    """The learning rates that are told are from the first step to the last, the highest among them."""
    settings: dict[str, Any] = {"schedule": "one_cycle", "optimizer.sgd.lr": 0.5}
    spec = cnnspec.load(LENET5).overridden(settings=settings)
    found = rates(dry_run(spec, device="cpu", threads=1).job)
    assert (min(found), max(found)) == (0, 10 * 5 - 1)
    assert list(found) == sorted(found)
    assert max(found.values()) == pytest.approx(0.5)
    assert found[0] == pytest.approx(0.5 / 25)


def test_sixty_columns(here: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """In 60 columns no line of the plan is longer, and the texts keep their own column."""
    monkeypatch.setenv("COLUMNS", "60")
    assert dry() == 0
    lines = capsys.readouterr().out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("network"))
    assert max(map(len, lines[first:])) <= 60
    assert lines[first + 1].startswith(" " * 12)


def test_bad_network(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What would go wrong in the run goes wrong in its dry run."""
    spec = tmp_path / "bad.yaml"
    spec.write_text("input: [1, 28, 28]\nlayers: [flatten, fc: 12]\n")
    assert run(["train", str(spec), "--dry-run"]) == 1
    assert "fc1 has 12 units; mnist has 10 classes" in capsys.readouterr().err
