"""Trainings that are killed, each in a process of its own, and what is left for the next one to go on with."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import forked
from faults import Faults

import cnnspec
from cnnspec import catalog
from cnnspec.catalog import DataSet
from cnnspec.training.folder import RunFolder

WAITS = [10.0] * 12
"""How long a training may take, in seconds; far longer than it does. A pause of all costs one wait only."""

SPEC = """
input: [1, 28, 28]
layers:
  - conv: {filters: 4, kernel: 5, stride: 4}
  - batchnorm
  - relu
  - flatten
  - dropout: 0.3
  - fc: 10
data: {augment: {shift: 2, rotation: 10}}
train:
  epochs: 2
  batch_size: 128
  accumulate: 2
  checkpoint_every: 2
  ema: 0.9
  clip_norm: 1
  optimizer: {sgd: {lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 0.01}}
  schedule: {one_cycle: {}}
  loss: {cross_entropy: {label_smoothing: 0.1}}
"""
"""Everything that could make going on inexact; checkpoints after steps 2, 3 (an epoch), 4 and 6."""

Told = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """A small MNIST, and the root of the folder that it is in."""

    data_set: DataSet
    root: Path


def train(data: Data, out: Path) -> Told:
    """Train in a folder, or go on with the run in it; return the hash of the weights, and how long it took."""
    catalog.DATA_SETS["mnist"] = data.data_set
    started = time.perf_counter()
    common: Told = {"threads": 1, "device": "cpu", "data_root": data.root}
    if (out / "spec.yaml").exists():
        result = cnnspec.train(resume=out, **common)
    else:
        result = cnnspec.train(cnnspec.loads(SPEC, file="net.yaml"), out=out, **common)
    seconds = time.perf_counter() - started
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in result.history]
    return {"hash": result.weights_hash, "seconds": seconds, "history": rows}


def train_until_operation(data: Data, out: Path, at: int) -> Told:
    """Train, and die at the file operation with that number; return what `train` does, and all operations."""
    faults = Faults(at, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with faults.injected():
        return train(data, out) | {"operations": faults.names}


def train_until_save(data: Data, out: Path, number: int) -> Told:
    """Train, and die right after that many checkpoints were written."""
    real, count = RunFolder.save, 0

    def save(*arguments: Any) -> None:
        nonlocal count
        real(*arguments)
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    RunFolder.save = save  # type: ignore[method-assign, assignment]  # in this process alone
    return train(data, out)


def run(work: Callable[..., Told], *arguments: Any, seconds: float | None = None) -> Told | None:
    """Do work in a new process; None if it was killed: by itself, or from here after so many seconds."""
    context = forked.context()
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs, work, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.recv() == "begun"
        if not any(ours.poll(wait) for wait in (WAITS if seconds is None else [seconds])):
            assert seconds is not None, "the process hangs"
            process.kill()
        try:
            told: Told = ours.recv()
        except EOFError:
            process.join()
            assert process.exitcode == -signal.SIGKILL
            return None
        assert "error" not in told, told["error"]
        return told
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def _main(pipe: Connection, work: Callable[..., Told], arguments: tuple[Any, ...]) -> None:
    import traceback

    import torch

    torch.set_num_threads(1)
    pipe.send("begun")
    try:
        told = work(*arguments)
    except Exception:  # noqa: BLE001  # the test shows it
        told = {"error": traceback.format_exc()}
    pipe.send(told)
