"""Loops that train specs/lenet5.yaml in turn: the tutorial's, the best one by hand, and cnnspec's."""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from common import LENET5
from rich.console import Console
from torch import Tensor
from turns import Turn
from tutorial import Tutorial

import cnnspec
from cnnspec.cli.progress import Watcher
from cnnspec.data import Normalizer, Pictures, load_data, to_input
from cnnspec.spec import Spec
from cnnspec.training.heap import keep_freed_memory
from cnnspec.training.layout import arrange
from cnnspec.training.reporter import Job

BATCH, TEST_BATCH = 64, 1000


def tutorial(turn: Turn, options: argparse.Namespace) -> None:
    """Train as most tutorials do, with torch's own number of threads."""
    loop = Tutorial(options.data_root)
    turn.ready()
    while True:
        turn.done(accuracy=loop.epoch(), threads=torch.get_num_threads())


def plain(turn: Turn, options: argparse.Namespace) -> None:
    """Train by hand as fast as can be: tensors prepared in advance, the fused Adam, no waiting.

    Memory and its order are as the trainer has them, whose overhead is what is asked.
    """
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    x, y, test_x, test_y = tensors(options.data_root)
    model = cnnspec.load(LENET5).plan().build()
    arrange(model, torch.device("cpu"), x.ndim - 1, wanted=None)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
    turn.ready()
    while True:
        model.train()
        loss_sum = torch.zeros(())
        for batch in torch.randperm(len(y)).split(BATCH):
            loss = F.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
        model.eval()
        correct = torch.zeros((), dtype=torch.int64)
        with torch.inference_mode():
            for a, b in zip(test_x.split(TEST_BATCH), test_y.split(TEST_BATCH), strict=True):
                correct += (model(a).argmax(1) == b).sum()
        turn.done(accuracy=int(correct) / len(test_y), threads=options.threads)


def trainer(turn: Turn, options: argparse.Namespace) -> None:
    """Train specs/lenet5.yaml with cnnspec."""
    train(turn, options, cnnspec.load(LENET5))


def train(turn: Turn, options: argparse.Namespace, spec: Spec) -> None:
    """Train a spec with cnnspec as `cnnspec train` does: bar, metrics and checkpoints included."""
    arguments: dict[str, Any] = {"epochs": options.epochs, "data_root": options.data_root, "sample": False}
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as screen:
        console = Console(file=screen, force_terminal=True, width=100)
        watcher = _Watcher(turn, console)
        cnnspec.train(
            spec, out=Path(folder), device="cpu", threads=options.threads, reporter=watcher, **arguments
        )


def tensors(root: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return MNIST as the network sees it: pictures and labels to learn from, and to test on."""
    plan = cnnspec.load(LENET5).plan()
    loaded = load_data("mnist", root, sample=False)
    statistics = plan.spec.data.statistics(plan.input_shape)
    assert statistics
    normalize = Normalizer(statistics, plan.input_shape, torch.device("cpu"))
    parts = [part for part in (loaded.train, loaded.test) if isinstance(part, Pictures)]
    inputs = [normalize(to_input(part.images, plan.input_shape)) for part in parts]
    return inputs[0], loaded.train.labels, inputs[1], loaded.test.labels


class _Watcher(Watcher):
    """What `cnnspec train` shows on a terminal; between two epochs it waits for its turn."""

    def __init__(self, turn: Turn, console: Console) -> None:
        super().__init__(console, console)
        self.turn = turn
        self.started = time.perf_counter()

    def begin(self, job: Job) -> None:
        """Be ready: the data is prepared, and the network built."""
        super().begin(job)
        self.turn.ready(prepared=time.perf_counter() - self.started)

    def epoch(self, row: dict[str, Any]) -> None:
        """Tell of the epoch."""
        super().epoch(row)
        self.turn.done(accuracy=row["test_accuracy"], threads=row["threads"])
