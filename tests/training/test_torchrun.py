"""Processes started by torchrun train one network together, as one process would, and end together."""

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import crew
import numpy as np
import pytest
from torch import Tensor

import cnnspec
from cnnspec import catalog
from cnnspec.catalog import DataSet
from cnnspec.cli import run as cli
from cnnspec.errors import CheckpointError, CnnspecError, Problem
from cnnspec.training import Reporter, checkpoint
from cnnspec.training.checkpoint import read_weights
from cnnspec.training.stop import Stopped

NET = """
input: [1, 28, 28]
layers:
  - conv: {filters: 4, kernel: 5, stride: 2, bias: false}
  - batchnorm
  - channel_dropout: 0.1
  - relu
  - residual:
      layers: [{conv: {filters: 4, kernel: 3, padding: 1}}, drop_path: 0.2]
  - flatten
  - dropout: 0.2
  - fc: 10
data: {augment: {shift: 2, rotation: 10, elastic: 1}}
train:
  epochs: 2
  batch_size: 47     # of 320 samples: parts of 24 and 23, and a last batch of 38
  optimizer: {sgd: {lr: 0.05, momentum: 0.9}}
  schedule: {one_cycle: {}}
  loss: {cross_entropy: {label_smoothing: 0.1, class_weights: [1, 2, 1, 1, 1, 1, 1, 1, 3, 1]}}
  clip_norm: 1
  ema: 0.9
  accumulate: 2
  checkpoint_every: 3
  top_k: 2
  validation: 0.1
"""
"""Everything that must be made good where a batch is computed in parts."""

Told = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A training: the data, a run folder, and arguments; those in `own` are for one process only.

    The first process may be asked to stop, or its disk may be full; the others may have lost their data.
    """

    data: DataSet
    out: Path
    spec: str = NET
    resume: bool = False
    stop_at: int | None = None
    own: tuple[int, dict[str, Any]] | None = None
    full: bool = False
    lost: bool = False


class Teller(Reporter):
    """Asks its own process to stop at a step."""

    def __init__(self, stop_at: int | None) -> None:
        self.steps, self.stop_at = 0, stop_at

    def step(self, epoch: int, done: int, loss_sum: Tensor) -> None:  # noqa: ARG002  # the reporter's signature
        self.steps += 1
        if self.steps == self.stop_at:
            os.kill(os.getpid(), signal.SIGTERM)


def train(job: Job) -> Told:
    """Train, and return what this process knows then."""
    catalog.DATA_SETS["mnist"] = job.data
    first = os.environ.get("RANK", "0") == "0"
    options: dict[str, Any] = {"resume": job.out}
    if not job.resume:
        options = {"spec": cnnspec.loads(job.spec, file="net.yaml"), "out": job.out}
    if job.own and os.environ["RANK"] == str(job.own[0]):
        options |= job.own[1]
    if job.lost and not first:
        os.environ["CNNSPEC_DATA"] = "nowhere"
    if job.full and first:
        vars(checkpoint)["write"] = _full
    told = Teller(job.stop_at if first else None)
    try:
        result = cnnspec.train(**options, device="cpu", threads=1, reporter=told)
    except Stopped as stop:
        return {"stopped": stop.signal, "at": [stop.epoch, stop.step]}
    except CnnspecError as error:
        return {"error": type(error).__name__, "problems": [str(p) for p in error.problems]}
    rows = [
        {key: row[key] for key in row if key not in ("seconds", "threads", "dataset")}
        for row in result.history
    ]
    return {"hash": result.weights_hash, "rows": rows, "folder": str(result.folder)}


def _full(path: Path, *_arguments: Any, **_options: Any) -> None:
    raise CheckpointError(Problem("the disk is full"))


def weights(out: Path) -> dict[str, np.ndarray[Any, Any]]:
    model = cnnspec.loads(NET).plan().build()
    read_weights(out / "last.safetensors", model)
    return {key: value.numpy() for key, value in model.state_dict().items()}


@dataclass(frozen=True)
class Alone:
    """What one process makes of it, without a stop."""

    told: Told
    weights: dict[str, np.ndarray[Any, Any]]

    def check(self, told: list[Told], out: Path) -> None:
        """Hold what several processes made of it to that."""
        assert all(other == told[0] for other in told)  # with the weights' hash
        for row, expected in zip(told[0]["rows"], self.told["rows"], strict=True):
            assert row == pytest.approx(expected, rel=1e-4)
        made = weights(out)
        for key, value in self.weights.items():
            np.testing.assert_allclose(made[key], value, rtol=1e-3, atol=1e-5, err_msg=key)


@pytest.fixture
def alone(tiny: DataSet, tiny_root: Path, tmp_path: Path) -> Alone:
    told = train(Job(tiny, tmp_path / "alone"))
    return Alone(told, weights(tmp_path / "alone"))


def test_as_one_process(alone: Alone, tiny: DataSet, tmp_path: Path) -> None:
    """Two processes end with the same weights and metrics as one, and one of them writes the run."""
    told = crew.run(train, Job(tiny, tmp_path / "both"))
    alone.check(told, tmp_path / "both")
    environment = json.loads((tmp_path / "both" / "environment.json").read_text("utf-8"))
    assert environment["processes"] == 2
    assert not (tmp_path / "both" / ".lock").exists()


def test_three_processes(alone: Alone, tiny: DataSet, tmp_path: Path) -> None:
    """So do three, whose parts are never all of one size."""
    told = crew.run(train, Job(tiny, tmp_path / "three"), size=3)
    alone.check(told, tmp_path / "three")


def test_goes_on_with_another_number(alone: Alone, tiny: DataSet, tmp_path: Path) -> None:
    """A run that was stopped, by a signal to one process, goes on with fewer or more, also from within an epoch."""
    out = tmp_path / "run"
    assert crew.run(train, Job(tiny, out, stop_at=4)) == [{"stopped": signal.SIGTERM, "at": [0, 4]}] * 2
    stopped = train(Job(tiny, out, resume=True, stop_at=4))
    assert stopped == {"stopped": signal.SIGTERM, "at": [1, 1]}
    # Only the first process's machine need have the folder.
    job = Job(tiny, out, resume=True, own=(1, {"resume": tmp_path / "not here"}))
    alone.check(crew.run(train, job), out)


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize(
    ("job", "error", "words"),
    [
        (
            {"spec": NET.replace("lr: 0.05", "lr: 1e30").replace("clip_norm: 1", "")},
            "SpecError",
            "loss is not finite in step",
        ),
        ({"full": True}, "CheckpointError", "the disk is full"),
        (
            {"spec": NET.replace("size: 47", "size: 1").replace("ate: 2", "ate: 1")},
            "SpecError",
            "too small for 2 processes",
        ),
        ({"own": (1, {"lr": 0.1})}, "SpecError", "started with different specs"),
        ({"own": (1, {"sample": False}), "lost": True}, "DownloadError", "mnist is not on disk"),
        ({"lost": True}, "DataError", "not all machines have the same mnist"),
        ({"own": (0, {"out": "/dev/null/run"})}, "CheckpointError", "run folder cannot be made"),
    ],
)
def test_ends_together(job: dict[str, Any], error: str, words: str, tiny: DataSet, tmp_path: Path) -> None:
    """An error, of all processes or of one, ends all; one of them tells it, and nothing is left half done."""
    told = crew.run(train, Job(tiny, tmp_path / "run", **job))
    assert sorted(one["error"] for one in told) == sorted([error, "OtherProcessError"])
    problems = [problem for one in told for problem in one["problems"]]
    assert len(problems) == 1
    assert words in problems[0]
    assert not (tmp_path / "run").exists()


SMALL = """
name: small
input: [1, 28, 28]
layers: [{conv: {filters: 2, kernel: 5, stride: 4}}, batchnorm, relu, flatten, {fc: 10}]
data: {dataset: mnist-sample}
train: {epochs: 1, batch_size: 500}
"""


def on_the_command_line(*arguments: str) -> tuple[int, str, str]:
    """Run a command as one of several processes; return its exit code, and what it prints."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = cli(list(arguments))
    return code, out.getvalue(), err.getvalue()


def test_printed(tmp_path: Path) -> None:
    """Two processes train, and print as one process does."""
    (tmp_path / "net.yaml").write_text(SMALL, "utf-8")
    told = crew.run(on_the_command_line, "train", str(tmp_path / "net.yaml"), "--out", str(tmp_path / "run"))
    (code, out, _), other = told
    assert other == (0, "", "")
    assert code == 0
    assert out.count("1/1") == 1
    assert out.count("The run is in") == 1
    assert len((tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()) == 1


def test_mistake(tmp_path: Path) -> None:
    """A mistake in the spec is told once."""
    (tmp_path / "net.yaml").write_text(SMALL.replace("relu", "rlu"), "utf-8")
    told = crew.run(on_the_command_line, "train", str(tmp_path / "net.yaml"))
    assert [code for code, _, _ in told] == [1, 1]
    assert "".join(err for _, _, err in told).count("Did you mean 'relu'?") == 1


def test_torchrun(tmp_path: Path) -> None:
    """The command of the README trains; SIGTERM to it stops all processes, which save and say once how to go on."""
    (tmp_path / "net.yaml").write_text(SMALL.replace("epochs: 1", "epochs: 100000"), "utf-8")
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    start += ["--master-port", str(crew.free_port()), "-m", "cnnspec", "train"]
    started = subprocess.Popen(
        [*start, tmp_path / "net.yaml", "--out", tmp_path / "run"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert started.stdout is not None
    try:
        assert any("1/100000" in line for line in started.stdout)
        started.send_signal(signal.SIGTERM)
        _, errors = started.communicate(timeout=crew.SECONDS)
    finally:
        started.terminate()
        started.communicate()
    assert errors.count("Go on with: cnnspec train --resume") == 1
    assert "cnnspec went wrong" not in errors
    assert (tmp_path / "run" / "last.safetensors").exists()
