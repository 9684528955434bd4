"""Checkpoints keep everything, load exactly, and refuse what is no checkpoint of ours."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from cnnspec.errors import CheckpointError
from cnnspec.training import checkpoint
from cnnspec.training.checkpoint import State


def new_state(seed: int) -> State:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01 * (seed + 1))
    return State(model, optimizer, torch.Generator().manual_seed(seed))


def steps(state: State, count: int) -> None:
    for _ in range(count):
        inputs = torch.randn(8, 3, generator=state.shuffle)
        state.optimizer.zero_grad()
        state.model(inputs).square().sum().backward()
        state.optimizer.step()


def test_going_on_is_exact(tmp_path: Path) -> None:
    """Three steps, a checkpoint, and three more from it are six steps, to the bit, with dropout and moments."""
    whole = new_state(0)
    steps(whole, 3)
    checkpoint.write(tmp_path / "c.safetensors", whole, {"epoch": 3})
    steps(whole, 3)
    resumed = new_state(1)
    assert checkpoint.restore(tmp_path / "c.safetensors", resumed)["epoch"] == 3
    steps(resumed, 3)
    for ours, theirs in zip(
        resumed.model.state_dict().values(), whole.model.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_weights_alone(tmp_path: Path) -> None:
    """The weights can be loaded without the rest, and by any program that reads safetensors."""
    state = new_state(0)
    checkpoint.write(tmp_path / "c.safetensors", state, {"epoch": 1})
    model = new_state(1).model
    checkpoint.read_weights(tmp_path / "c.safetensors", model)
    tensors = load_file(tmp_path / "c.safetensors")
    for key, value in state.model.state_dict().items():
        assert torch.equal(model.state_dict()[key], value)
        assert torch.equal(tensors[f"model.{key}"], value)


def truncated(path: Path) -> None:
    checkpoint.write(path, new_state(0), {})
    path.write_bytes(path.read_bytes()[:-10])


def foreign(path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, path)


def newer(path: Path) -> None:
    save_file({"model.0.weight": torch.zeros(2)}, path, {"cnnspec": json.dumps({"format": 99})})


def of_another_net(path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Linear(2, 2)
    checkpoint.write(path, State(model, torch.optim.Adam(model.parameters()), torch.Generator()), {})


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "there is no such checkpoint"),
    "empty": (Path.touch, "cannot be read"),
    "text": (lambda path: path.write_text("hello, world"), "cannot be read"),
    "truncated": (truncated, "cannot be read"),
    "endless header": (lambda path: path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}"), "cannot be read"),
    "pickle": (lambda path: torch.save({"weight": torch.zeros(2)}, path), "cannot be read"),
    "another program's": (foreign, "this is no checkpoint of cnnspec"),
    "a later format": (newer, "has format 99; this version reads format 1. Update cnnspec"),
    "another network's": (of_another_net, "does not belong to this spec"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_checkpoint(name: str, tmp_path: Path) -> None:
    """What is no checkpoint of this network is named with what is wrong, and nothing in it runs."""
    make, message = BAD[name]
    path = tmp_path / "c.safetensors"
    make(path)
    with pytest.raises(CheckpointError, match=message) as caught:
        checkpoint.read_weights(path, new_state(0).model)
    assert str(caught.value).startswith(f"{path}: ")


def test_full_disk_keeps_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a new checkpoint cannot be written, the old one stays whole and no part is left."""
    path = tmp_path / "c.safetensors"
    checkpoint.write(path, new_state(0), {"epoch": 1})
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left on device"):
        checkpoint.write(path, new_state(1), {"epoch": 2})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
