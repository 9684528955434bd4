"""`cnnspec train` stopped and resumed, as its users meet it."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.cli import run
from cnnspec.training.reporter import Job, Reporter
from cnnspec.training.stop import Stopped

ROOT = Path(__file__).parents[2]
LENET5 = str(ROOT / "specs" / "lenet5.yaml")


def start(tmp_path: Path, *options: str) -> "subprocess.Popen[str]":
    """Start a training that won't end by itself."""
    command = [sys.executable, "-m", "cnnspec", "train", LENET5, "--dataset", "mnist-sample"]
    command += ["--threads", "1", "--out", str(tmp_path / "run"), *options]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def wait_for(process: "subprocess.Popen[str]", word: str) -> None:
    """Read the training's output until a line has the word."""
    assert process.stdout
    assert any(word in line for line in process.stdout), "it ended early"


def test_stopped(tmp_path: Path) -> None:
    """Ctrl-C finishes the step and saves; the command that is told goes on from there."""
    process = start(tmp_path, "--epochs", "100000")
    wait_for(process, "1/100000")
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    (line,) = err.splitlines()
    where, _, command = line.partition(" Go on with: ")
    assert where.startswith(("Stopped in epoch ", "Stopped after epoch "))
    epochs = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])["epoch"]
    program, *arguments = shlex.split(command)
    assert program == "cnnspec"
    assert run([*arguments, "--epochs", str(epochs + 1), "--threads", "1", "--quiet"]) == 0
    assert len(cnnspec.load_run(tmp_path / "run").history) == epochs + 1


def test_stopped_in_the_first_epoch(tmp_path: Path) -> None:
    """A request to end before an epoch is done keeps the steps that are done, and says from where it goes on."""
    process = start(tmp_path, "--batch-size", "1")
    wait_for(process, "epoch")
    process.send_signal(signal.SIGTERM)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 143
    place = err.removeprefix("Stopped ").partition(".")[0]
    assert place.startswith("in epoch 1 of 10, after step ")
    assert place.endswith(" of 4,000")
    assert err.endswith(f"Go on with: cnnspec train --resume {tmp_path / 'run'}\n")
    assert (tmp_path / "run" / "last.safetensors").exists()


@pytest.fixture
def stopped(tiny_root: Path, tmp_path: Path) -> Path:
    """A run that was trained for one epoch of two, on a small MNIST."""
    folder = tmp_path / "run"
    spec = cnnspec.load(LENET5)
    cnnspec.train(spec, out=folder, epochs=1, device="cpu", threads=1)
    return folder


def test_resume(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--resume says from where it goes on, prints the epochs that are left, and the whole run's result."""
    assert run(["train", "--resume", str(stopped), "--epochs", "3", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "Going on after epoch 1 of 3"
    assert [line.split()[0] for line in lines[5:7]] == ["2/3", "3/3"]
    assert "after 3 epochs" in lines[8]
    assert len(cnnspec.load_run(stopped).history) == 3


def test_resume_of_a_complete_run(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that is complete says so, and prints its result again."""
    assert run(["train", "--resume", str(stopped), "--threads", "1"]) == 0
    out, err = capsys.readouterr()
    assert "The run is complete: it has 1 epoch" in err
    assert "Going on" not in out
    assert "train loss" not in out
    assert "after 1 epoch in" in out


@pytest.mark.parametrize(
    "option",
    [
        [LENET5],
        ["--lr", "0.1"],
        ["--batch-size", "64"],
        ["--seed", "0"],
        ["--train", "epochs=3"],
        ["--set", "a=1"],
        ["--variant", "a"],
        ["--dataset", "mnist"],
        ["--out", "elsewhere"],
        ["--no-sample"],
        ["--dry-run"],
    ],
    ids=lambda option: option[0].rpartition("/")[2],
)
def test_not_with_resume(option: list[str], stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run goes on as it began: what would change it is a usage error that names what may be given."""
    before = {path: path.read_bytes() for path in stopped.iterdir()}
    assert run(["train", "--resume", str(stopped), *option]) == 2
    name = "SPEC" if option[0] == LENET5 else option[0]
    told = (
        f"Error: {name} does not go with --resume: a run goes on as it began. It takes --epochs, --device, "
    )
    assert told in capsys.readouterr().err
    assert {path: path.read_bytes() for path in stopped.iterdir()} == before


def test_fallback_is_told(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That a checkpoint is damaged, and the one before it used, is told on standard error, --quiet or not."""
    assert run(["train", "--resume", str(stopped), "--epochs", "2", "--threads", "1", "--quiet"]) == 0
    (stopped / "last.safetensors").write_bytes(b"damaged")
    capsys.readouterr()
    assert run(["train", "--resume", str(stopped), "--epochs", "3", "--threads", "1", "--quiet"]) == 0
    err = capsys.readouterr().err
    assert f"{stopped / 'last.safetensors'}: " in err
    assert "previous.safetensors" in err


def test_no_run_to_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is no run is named in the one form."""
    assert run(["train", "--resume", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path}: there is no run to resume; ")


def test_command_that_goes_on(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    """The command that is told has the options for data and logs, too, and is quoted for a shell."""
    pytest.importorskip("tensorboard")
    folder = tmp_path / "a run"
    folder.mkdir()

    def stop(spec: cnnspec.Spec, *, reporter: Reporter, **_: Any) -> None:
        reporter.begin(
            Job(
                plan=spec.plan(),
                asked="mnist",
                data_set="mnist",
                data_title="MNIST",
                is_sample=False,
                sample_because="",
                train_size=640,
                test_size=10,
                epochs=10,
                device="cpu",
                folder=str(folder),
                steps=10,
            )
        )
        raise Stopped(signal.SIGTERM, folder, 2, 7)

    monkeypatch.setattr("cnnspec.training.train", stop)
    assert run(["train", LENET5, "--data-root", "my data", "--tensorboard", "--quiet"]) == 143
    command = f"cnnspec train --resume '{folder}' --data-root 'my data' --tensorboard"
    told = f"Stopped in epoch 3 of 10, after step 7 of 10. Go on with: {command}"
    assert capsys.readouterr().err.strip() == told


def test_stopped_at_once(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    """What stops before there is a run leaves nothing, and says so."""

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnspec.training.train", stop)
    assert run(["train", LENET5]) == 130
    assert capsys.readouterr().err.strip() == "Stopped; nothing is kept."
