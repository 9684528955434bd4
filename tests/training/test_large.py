"""What makes larger networks fast changes how training computes, but not what it comes to."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import cnnspec
from cnnspec.training import Reporter, Stopped, batches
from cnnspec.training.device import available
from cnnspec.training.reporter import Job

NET = """
input: [1, 28, 28]
data: {augment: {shift: 1, rotation: 5}}
layers:
  - conv: {filters: 8, kernel: 5, stride: 2}
  - relu
  - conv: {filters: 8, kernel: 3}
  - relu
  - flatten
  - fc: 10
train: {epochs: 2, batch_size: 64, optimizer: {sgd: {lr: 0.05, momentum: 0.9}}, ema: 0.9}
"""
pytestmark = pytest.mark.usefixtures("tiny_root")

PLAIN = {"channels_last": False, "data_on_device": True}
COMPILER = shutil.which(os.environ.get("CXX", "g++"))


@pytest.fixture
def spec() -> cnnspec.Spec:
    return cnnspec.loads(NET, file="net.yaml")


class Listener(Reporter):
    """Knows how a training computes, and asks it to stop after so many samples of the second epoch."""

    job: Job

    def __init__(self, stop: int = -1) -> None:
        self.stop = stop

    def begin(self, job: Job) -> None:
        self.job = job

    def step(self, epoch: int, done: int, loss_sum: Tensor) -> None:  # noqa: ARG002  # the base class's
        if (epoch, done) == (2, self.stop):
            signal.raise_signal(signal.SIGINT)


class Trained:
    """A training with some settings, on one thread."""

    def __init__(self, spec: cnnspec.Spec, folder: Path, device: str = "cpu", **settings: Any) -> None:
        told = Listener()
        changed = PLAIN | settings
        result = cnnspec.train(spec, out=folder, settings=changed, device=device, threads=1, reporter=told)
        assert told.job.channels_last == changed["channels_last"]
        assert told.job.data_on_device == changed["data_on_device"]
        self.hash, self.history = result.weights_hash, result.history
        self.tensors: dict[str, Tensor] = load_file(folder / "last.safetensors")

    def is_close_to(self, other: "Trained", share: float) -> None:
        """Hold weights, moments and losses to another training's, within that share of the largest value."""
        assert self.tensors.keys() == other.tensors.keys()
        for key, value in self.tensors.items():
            assert value.dtype == other.tensors[key].dtype
            limit = share * float(other.tensors[key].abs().max())
            torch.testing.assert_close(value, other.tensors[key], rtol=0, atol=limit)
        for ours, theirs in zip(self.history, other.history, strict=True):
            for name in ("train_loss", "test_loss"):
                assert ours[name] == pytest.approx(theirs[name], rel=share)


@pytest.mark.parametrize("device", available())
@pytest.mark.parametrize(
    ("settings", "share"),
    [
        ({"channels_last": True}, 1e-3),
        ({"accumulate": 4}, 1e-3),
        ({"accumulate": 64, "channels_last": True}, 1e-3),
        ({"precision": "bf16"}, 0.1),
        ({"precision": "bf16", "accumulate": 3, "channels_last": True, "data_on_device": False}, 0.1),
    ],
    ids=str,
)
def test_as_plain_training(
    spec: cnnspec.Spec, settings: dict[str, Any], share: float, device: str, tmp_path: Path
) -> None:
    """However a batch is laid out, cut up or rounded, training comes to the same but for rounding."""
    changed = Trained(spec, tmp_path / "changed", device, **settings)
    plain = Trained(spec, tmp_path / "plain", device)
    changed.is_close_to(plain, share)
    assert plain.history[1]["train_loss"] < plain.history[0]["train_loss"]
    assert changed.hash != plain.hash or settings == {"channels_last": True}  # or nothing was changed


@pytest.mark.parametrize("device", available())
def test_streamed_data(spec: cnnspec.Spec, device: str, tmp_path: Path) -> None:
    """Data that comes batch by batch to the device gives what data held there gives, on the CPU to the bit."""
    held = Trained(spec, tmp_path / "held", device)
    streamed = Trained(spec, tmp_path / "streamed", device, data_on_device=False)
    streamed.is_close_to(held, 1e-3)
    if device == "cpu":  # a GPU's sums may be taken in any order
        assert streamed.hash == held.hash


@pytest.mark.parametrize("fits", [True, False])
def test_what_does_not_fit_is_streamed(
    fits: bool, spec: cnnspec.Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the spec says where the data is held, a device with room for it holds it, and no other."""
    monkeypatch.setattr(batches, "fits", lambda _size, _device: fits)
    told = Listener()
    cnnspec.train(spec, out=tmp_path / "run", epochs=1, device="cpu", reporter=told)
    assert told.job.data_on_device is fits


@pytest.mark.parametrize(
    "settings",
    [
        {"channels_last": True, "optimizer": "adamw"},
        {"channels_last": True, "data_on_device": False},
        {"precision": "bf16", "accumulate": 3},
    ],
    ids=str,
)
def test_goes_on_exactly(spec: cnnspec.Spec, settings: dict[str, Any], tmp_path: Path) -> None:
    """A training that was stopped in the middle of an epoch comes to the very weights of one that was not."""
    whole = cnnspec.train(spec, out=tmp_path / "whole", settings=settings, device="cpu", threads=1)
    with pytest.raises(Stopped):
        cnnspec.train(
            spec,
            out=tmp_path / "run",
            settings=settings,
            device="cpu",
            threads=1,
            reporter=Listener(stop=128),
        )
    resumed = cnnspec.train(resume=tmp_path / "run", device="cpu", threads=1)
    assert resumed.weights_hash == whole.weights_hash


@pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler, which torch.compile needs")
def test_compiled(spec: cnnspec.Spec, tmp_path: Path) -> None:
    """The compiled network learns what the network itself learns, and its weights have the same names."""
    compiled = Trained(spec, tmp_path / "compiled", compile=True)
    compiled.is_close_to(Trained(spec, tmp_path / "plain"), 1e-3)
