"""A network learns from mixed pictures as from a loop written by hand, stopped or not, in one process or two."""

import os
import signal
from pathlib import Path
from typing import Any

import crew
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import cnnspec
from cnnspec import catalog
from cnnspec.catalog import DataSet
from cnnspec.data import Pictures, load_data
from cnnspec.data.augment import Augmenter
from cnnspec.training import Reporter, batches, draws
from cnnspec.training.processes import Processes
from cnnspec.training.stop import Stopped

WEIGHTS = [1.0, 2.0, 1.0, 0.5, 1.0, 1.0, 1.0, 3.0, 1.0, 1.0]
NET = f"""
input: [1, 28, 28]
layers:
  - conv: {{filters: 4, kernel: 5, stride: 2}}
  - relu
  - flatten
  - fc: 10
data: {{augment: {{crop: 2, flip: 0.5, brightness: 0.2, mixup: 0.5, cutmix: 1}}}}
train:
  epochs: 2
  batch_size: 32
  accumulate: 3
  optimizer: {{adam: {{lr: 0.005}}}}
  loss: {{cross_entropy: {{class_weights: {WEIGHTS}}}}}
"""


class Stop(Reporter):
    """Asks the training to stop in an epoch."""

    def __init__(self, epoch: int) -> None:
        self.at = epoch

    def step(self, epoch: int, done: int, loss_sum: Tensor) -> None:  # noqa: ARG002  # the base class's
        if epoch == self.at:
            signal.raise_signal(signal.SIGINT)


def by_hand(processes: int) -> dict[str, Tensor]:
    """The weights after an epoch of a loop written out, with the classes' shares as targets."""
    data, options = load_data("mnist").train, cnnspec.loads(NET).data.augment
    assert isinstance(data, Pictures)
    assert options
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(576, 10))
    optimizer, weights = torch.optim.Adam(model.parameters(), lr=0.005), torch.tensor(WEIGHTS)
    augment, generator = Augmenter(options, (1, 28, 28), torch.device("cpu")), torch.Generator()
    for step, chosen in enumerate(batches.order(0, 0, len(data)).split(32)):
        total, divisor = torch.zeros(()), torch.zeros(())
        for rank in range(processes):
            start, end = Processes(rank, processes).part(0, 32)
            own = chosen[start:end]
            generator.manual_seed(draws.seed_for(0, draws.AUGMENT, step))
            labels = data.labels[own]
            pictures, mixed = augment(data.images[own].float(), labels, generator, 32, start)
            assert mixed
            shares = torch.zeros(len(own), 10)
            shares[range(len(own)), labels] += mixed.shares
            shares[range(len(own)), mixed.others] += 1 - mixed.shares
            logarithms = model((pictures / 255 - 0.1307) / 0.3081).log_softmax(1)
            total = total - (weights * shares * logarithms).sum()
            divisor = divisor + (weights * shares).sum()
        optimizer.zero_grad()
        (total / divisor).backward()
        optimizer.step()
    return model.state_dict()


def check(folder: Path, expected: dict[str, Tensor]) -> None:
    found = load_file(folder / "last.safetensors")
    ours = [found[f"model.{name}"] for name in ("conv1.weight", "conv1.bias", "fc1.weight", "fc1.bias")]
    for one, other in zip(ours, expected.values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_learns_as_a_loop_by_hand(tiny_root: Path, tmp_path: Path) -> None:
    """An epoch of mixed pictures, in parts, is what a loop with soft targets makes of the same draws."""
    cnnspec.train(cnnspec.loads(NET), out=tmp_path / "run", epochs=1, device="cpu", threads=1)
    check(tmp_path / "run", by_hand(1))


@pytest.mark.parametrize("epoch", [1, 2])
def test_goes_on(epoch: int, tiny_root: Path, tmp_path: Path) -> None:
    """A run that was stopped in the middle of an epoch ends with the weights of one that was not."""
    options: dict[str, Any] = {"device": "cpu", "threads": 1}
    whole = cnnspec.train(cnnspec.loads(NET), out=tmp_path / "whole", **options)
    with pytest.raises(Stopped):
        cnnspec.train(cnnspec.loads(NET), out=tmp_path / "run", reporter=Stop(epoch), **options)
    resumed = cnnspec.train(resume=tmp_path / "run", **options)
    assert resumed.weights_hash == whole.weights_hash
    assert [row["train_loss"] for row in resumed.history] == [row["train_loss"] for row in whole.history]


def train(data_set: DataSet, out: Path) -> str:
    """Train in one of several processes."""
    os.environ.pop("CNNSPEC_DATA", None)
    catalog.DATA_SETS["mnist"] = data_set
    options: dict[str, Any] = {"device": "cpu", "threads": 1, "data_root": out.parent / "data"}
    return cnnspec.train(cnnspec.loads(NET), out=out, epochs=1, **options).weights_hash


def test_two_processes(tiny: DataSet, tiny_root: Path, tmp_path: Path) -> None:
    """Each of two processes mixes the pictures of its own part, and the loss is that of the whole batch."""
    first, second = crew.run(train, tiny, tmp_path / "run")
    assert first == second
    check(tmp_path / "run", by_hand(2))
