"""Which epoch is the best, when there have been enough, and what the best is picked on."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import cnnspec
from cnnspec.data import Loaded, Pictures
from cnnspec.data.source import Source
from cnnspec.language.training import Train
from cnnspec.training import best
from cnnspec.training.session import hold_out

NET = """
input: [1, 28, 28]
layers: [{conv: {filters: 4, kernel: 5, stride: 2}}, relu, flatten, {fc: 10}]
train: {epochs: 6, batch_size: 32, optimizer: {adam: {lr: 0.005}}}
"""

HISTORIES: dict[str, tuple[dict[str, object], list[dict[str, float]], list[bool], int | None]] = {
    "the highest accuracy, the first of equals": (
        {},
        [{"test_accuracy": a} for a in (0.5, 0.7, 0.7, 0.6, 0.8)],
        [True, True, False, False, True],
        None,
    ),
    "the lowest loss": (
        {"best": "loss"},
        [{"test_loss": x, "test_accuracy": -x} for x in (2.0, 3.0, 1.0)],
        [True, False, True],
        None,
    ),
    "of the validation split": (
        {"validation": 0.1},
        [{"validation_accuracy": 1 - a, "test_accuracy": a} for a in (0.5, 0.7, 0.4)],
        [True, False, True],
        None,
    ),
    "macro F1": (
        {"best": "macro_f1"},
        [{"test_macro_f1": x, "test_accuracy": 1 - x} for x in (0.2, 0.1, 0.3)],
        [True, False, True],
        None,
    ),
    "enough after two tests without a better one": (
        {"early_stopping": 2},
        [{"test_accuracy": a} for a in (0.5, 0.7, 0.7, 0.6)],
        [True, True, False, False],
        4,
    ),
    "epochs without a test do not count": (
        {"early_stopping": 1, "evaluate_every": 2},
        [{}, {"test_accuracy": 0.5}, {}, {"test_accuracy": 0.4}],
        [False, True, False, False],
        4,
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_best(name: str) -> None:
    """Each row is held to those before it, by the column that the spec picks, and stopping follows from the rows."""
    options, rows, expected, enough = HISTORIES[name]
    train = Train.model_validate(options)
    assert [best.is_best(row, rows[:number], train) for number, row in enumerate(rows)] == expected
    stops = [number for number in range(len(rows) + 1) if best.is_enough(rows[:number], train)]
    assert stops == ([] if enough is None else [enough])


def test_early_stopping(tiny_root: Path, tmp_path: Path) -> None:
    """Training ends after that many tests without a better one, and the best epoch's weights are kept."""
    spec = cnnspec.loads(NET.replace("epochs: 6", "epochs: 200, early_stopping: 3"))
    result = cnnspec.train(spec, out=tmp_path / "run", device="cpu", threads=1)
    accuracies = [row["test_accuracy"] for row in result.history]
    assert len(accuracies) < 200
    assert result.run.best_epoch == accuracies.index(max(accuracies)) + 1 == len(accuracies) - 3


def test_best_by_validation(tiny_root: Path, tmp_path: Path) -> None:
    """With a validation split it picks the epoch, by the metric that is asked for, and nothing of it is learned."""
    spec = cnnspec.loads(NET.replace("epochs: 6", "epochs: 6, validation: 0.25, best: loss"))
    result = cnnspec.train(spec, out=tmp_path / "run", device="cpu", threads=1)
    losses = [row["validation_loss"] for row in result.history]
    assert result.run.best_epoch == losses.index(min(losses)) + 1
    assert all({"test_loss", "test_accuracy", "validation_accuracy"} <= row.keys() for row in result.history)


def test_hold_out(sample: Loaded) -> None:
    """The split follows from the seed, has its share, and together with the rest is all there was."""

    def images(source: Source) -> Tensor:
        assert isinstance(source, Pictures)
        return source.images

    held_out, kept = map(images, hold_out(sample.train, 0.1, seed=3))
    assert (len(held_out), len(kept)) == (400, 3600)
    assert torch.equal(held_out, images(hold_out(sample.train, 0.1, seed=3)[0]))
    assert not torch.equal(held_out, images(hold_out(sample.train, 0.1, seed=4)[0]))
    together = torch.cat([held_out, kept]).flatten(1)
    both = (together.double().pow(2).sum(1).sort().values, images(sample.train).flatten(1).double())
    assert torch.equal(both[0], both[1].pow(2).sum(1).sort().values)
