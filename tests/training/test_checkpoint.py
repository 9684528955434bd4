"""Checkpoints keep everything, load exactly, and refuse what is no checkpoint of ours."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from cnnspec.errors import CheckpointError
from cnnspec.language.training import Optimizer
from cnnspec.training import average, checkpoint, optimizer
from cnnspec.training.checkpoint import State, weights_hash

ADAM: dict[str, Any] = {"adam": {"lr": 0.01}}


def new_state(seed: int, options: dict[str, Any] | None = None, *, averaged: bool = True) -> State:
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(16, 2)
    ).to(memory_format=torch.channels_last)
    made = optimizer.make(Optimizer.model_validate(options or ADAM), model)
    return State(model, made, average.make(model, 0.9) if averaged else None)


def steps(state: State, first: int, last: int) -> None:
    for step in range(first, last):
        torch.manual_seed(step)
        state.optimizer.zero_grad()
        state.model(torch.randn(8, 3, 4, 4)).square().sum().backward()
        state.optimizer.step()
        if isinstance(state.average, average.Average):
            state.average.update_parameters(state.model)


OPTIMIZERS: list[dict[str, Any]] = [
    ADAM,
    {"adamw": {"weight_decay": 0.1}},
    {"sgd": {"lr": 0.01}},
    {"sgd": {"lr": 0.01, "momentum": 0.9, "nesterov": True}},
    {"rmsprop": {"momentum": 0.9}},
    {"muon": {}},
]


@pytest.mark.parametrize("options", OPTIMIZERS, ids=str)
def test_going_on_is_exact(options: dict[str, Any], tmp_path: Path) -> None:
    """Three steps, a checkpoint, and three more from it are six steps, to the bit: weights, moments and average."""
    whole = new_state(0, options)
    steps(whole, 0, 3)
    checkpoint.write(tmp_path / "c.safetensors", whole, {"epoch": 3})
    steps(whole, 3, 6)
    resumed = new_state(1, options)
    steps(resumed, 7, 9)  # what is put back leaves nothing of what was there
    assert checkpoint.restore(tmp_path / "c.safetensors", resumed) == {"epoch": 3}
    steps(resumed, 3, 6)
    assert weights_hash(resumed.model) == weights_hash(whole.model)
    assert whole.average is not None
    assert resumed.average is not None
    assert weights_hash(resumed.average) == weights_hash(whole.average)
    assert moments(resumed) == moments(whole)


def moments(state: State) -> dict[tuple[int, str], list[Any]]:
    """Return the optimizer's state as plain values, with each tensor's layout."""
    saved = state.optimizer.state_dict()["state"]
    return {
        (index, name): [value.dtype, value.stride(), value.tolist()] if isinstance(value, Tensor) else [value]
        for index, values in saved.items()
        for name, value in values.items()
        if value is not None
    }


def test_before_the_first_step(tmp_path: Path) -> None:
    """A checkpoint of what has not learned yet empties the moments."""
    checkpoint.write(tmp_path / "c.safetensors", new_state(0), {})
    state = new_state(1)
    steps(state, 0, 1)
    checkpoint.restore(tmp_path / "c.safetensors", state)
    assert moments(state) == {}


def test_options_of_the_optimizer(tmp_path: Path) -> None:
    """The learning rate and the like are put back; how the optimizer computes is this machine's."""
    state, resumed = new_state(0, {"adam": {"lr": 0.5, "beta1": 0.8}}), new_state(0)
    for group in state.optimizer.param_groups:
        group["fused"] = None
    checkpoint.write(tmp_path / "c.safetensors", state, {})
    checkpoint.restore(tmp_path / "c.safetensors", resumed)
    for group in resumed.optimizer.param_groups:
        assert (group["lr"], group["betas"], group["fused"]) == (0.5, (0.8, 0.999), True)


def test_facts_are_the_same(tmp_path: Path) -> None:
    """Numbers come back to the last bit, and names that the format uses itself are no trouble."""
    told = {
        "loss_sum": 0.1 + 0.2,
        "history": [{"epoch": 1}],
        "format": 9,
        "optimizer": '"sha256":"' + "0" * 64,
    }
    checkpoint.write(tmp_path / "c.safetensors", new_state(0), told)
    assert checkpoint.restore(tmp_path / "c.safetensors", new_state(1)) == told
    assert checkpoint.read_weights(tmp_path / "c.safetensors", new_state(1).model) == told


def test_weights_alone(tmp_path: Path) -> None:
    """The weights can be loaded without the rest, and by any program that reads safetensors."""
    state = new_state(0, averaged=False)
    checkpoint.write(tmp_path / "c.safetensors", state, {"epoch": 1})
    model = new_state(1).model
    checkpoint.read_weights(tmp_path / "c.safetensors", model)
    tensors = load_file(tmp_path / "c.safetensors")
    assert weights_hash(model) == weights_hash(state.model)
    for key, value in state.model.state_dict().items():
        assert torch.equal(tensors[f"model.{key}"], value)


def test_weights_of_the_average(tmp_path: Path) -> None:
    """Where an average is kept, it is what evaluation and prediction get."""
    state, model = new_state(0), new_state(1).model
    steps(state, 0, 3)
    checkpoint.write(tmp_path / "c.safetensors", state, {"epoch": 1})
    checkpoint.read_weights(tmp_path / "c.safetensors", model)
    assert isinstance(state.average, average.Average)
    assert weights_hash(model) == weights_hash(state.average.module)
    assert weights_hash(model) != weights_hash(state.model)


def test_hash_of_weights() -> None:
    """Every weight, buffer, name, type and shape counts for the hash; the order in memory does not."""
    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)).to(memory_format=torch.channels_last)
    conv, norm = nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)
    same = nn.Sequential(conv, norm)
    same.load_state_dict(model.state_dict())
    assert weights_hash(same) == weights_hash(model)
    seen = [weights_hash(model)]
    with torch.no_grad():
        conv.weight[0, 0, 0, 0] = torch.nextafter(conv.weight[0, 0, 0, 0], torch.tensor(9.0))
    seen.append(weights_hash(same))
    norm.register_buffer("num_batches_tracked", torch.tensor(1))
    seen.append(weights_hash(same))
    conv.weight = nn.Parameter(conv.weight.reshape(3, 2, 4, 1))
    seen.append(weights_hash(same))
    seen.append(weights_hash(nn.ModuleDict({"0": conv, "2": norm})))
    seen.append(weights_hash(same.bfloat16()))
    assert len(set(seen)) == len(seen)


def first_format(path: Path, state: State, row: dict[str, Any], **header: Any) -> None:
    """Write a checkpoint as the first version did: no hash, one group, states of generators."""
    model = state.model
    theirs = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    theirs.state = state.optimizer.state
    saved = theirs.state_dict()
    tensors = {f"model.{key}": value.contiguous() for key, value in model.state_dict().items()}
    for index, values in saved["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value.contiguous() for key, value in values.items()}
    tensors |= {"random.torch": torch.get_rng_state(), "random.shuffle": torch.Generator().get_state()}
    save_file(
        tensors,
        path,
        {"cnnspec": json.dumps({"format": 1, "optimizer": saved["param_groups"], **row, **header})},
    )


def test_first_format(tmp_path: Path) -> None:
    """A checkpoint of the first version is gone on from, though the optimizer's groups are others now."""
    path, row = tmp_path / "c.safetensors", {"epoch": 1, "test_accuracy": 0.5, "lr": 0.01}
    whole, resumed = new_state(0, averaged=False), new_state(1, averaged=False)
    steps(whole, 0, 3)
    first_format(path, whole, row)
    assert checkpoint.restore(path, resumed) == row
    assert checkpoint.read_weights(path, new_state(2).model) == row
    assert moments(resumed) == moments(whole)
    steps(whole, 3, 6)
    steps(resumed, 3, 6)
    assert weights_hash(resumed.model) == weights_hash(whole.model)


def truncated(path: Path) -> None:
    checkpoint.write(path, new_state(0), {})
    path.write_bytes(path.read_bytes()[:-10])


def foreign(path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, path)


def newer(path: Path) -> None:
    save_file({"model.0.weight": torch.zeros(2)}, path, {"cnnspec": json.dumps({"format": 99})})


def nested(path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, path, {"cnnspec": "[" * 100_000})


def of_another_net(path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Linear(2, 2)
    checkpoint.write(path, State(model, torch.optim.Adam(model.parameters())), {})


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "there is no such checkpoint"),
    "folder": (Path.mkdir, "cannot be read; Is a directory"),
    "empty": (Path.touch, "cannot be read"),
    "text": (lambda path: path.write_text("hello, world"), "cannot be read; it has no whole header"),
    "truncated": (truncated, "cannot be read; its content is not what was written"),
    "endless header": (lambda path: path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}"), "cannot be read"),
    "deep header": (nested, "cannot be read"),
    "pickle": (lambda path: torch.save({"weight": torch.zeros(2)}, path), "cannot be read"),
    "another program's": (foreign, "this is no checkpoint of cnnspec"),
    "a later format": (newer, "has format 99; this version reads format 2 and earlier. Update cnnspec"),
    "another network's": (of_another_net, "does not belong to this spec"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_checkpoint(name: str, tmp_path: Path) -> None:
    """What is no checkpoint of this network is named with what is wrong, and nothing in it runs."""
    make, message = BAD[name]
    path = tmp_path / "c.safetensors"
    make(path)
    reads: tuple[Callable[[], object], ...] = (
        lambda: checkpoint.read_weights(path, new_state(0).model),
        lambda: checkpoint.restore(path, new_state(0)),
    )
    for read in reads:
        with pytest.raises(CheckpointError, match=message) as caught:
            read()
        assert str(caught.value).startswith(f"{path}: ")


def spoiled(path: Path, key: str, value: Tensor | None) -> None:
    """Write a checkpoint of the first format, which has no hash, with one tensor changed or left out."""
    state = new_state(0)
    steps(state, 0, 1)
    first_format(path, state, {"epoch": 1})
    with path.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))["__metadata__"]
    tensors = load_file(path) | ({} if value is None else {key: value})
    save_file({k: v for k, v in tensors.items() if value is not None or k != key}, path, header)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("optimizer.0.exp_avg", torch.zeros(1)),
        ("optimizer.0.exp_avg", torch.zeros(3, 4, 3, 3)),
        ("optimizer.0.step", torch.zeros(4, 3, 3, 3)),
        ("optimizer.99.step", torch.tensor(1.0)),
        ("optimizer.x.step", torch.tensor(1.0)),
        ("model.0.weight", torch.zeros(1)),
        ("model.0.weight", None),
    ],
)
def test_tensors_that_do_not_fit(key: str, value: Tensor | None, tmp_path: Path) -> None:
    """A moment of another shape is refused before a kernel reads past its end, and so is whatever does not fit."""
    path = tmp_path / "c.safetensors"
    spoiled(path, key, value)
    with pytest.raises(CheckpointError, match="the checkpoint does not belong to this spec"):
        checkpoint.restore(path, new_state(1, averaged=False))


def test_another_optimizer(tmp_path: Path) -> None:
    """A spec whose optimizer was changed does not go on from another's moments."""
    path = tmp_path / "c.safetensors"
    checkpoint.write(path, new_state(0), {})
    with pytest.raises(CheckpointError, match="it is Adam's, and the spec has SGD"):
        checkpoint.restore(path, new_state(0, {"sgd": {"lr": 0.1}}))
    checkpoint.write(path, new_state(0, averaged=False), {})
    with pytest.raises(CheckpointError, match="does not belong to this spec"):
        checkpoint.restore(path, new_state(0))


def test_full_disk_keeps_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a new checkpoint cannot be written, the old one stays whole and no part is left."""
    path = tmp_path / "c.safetensors"
    checkpoint.write(path, new_state(0), {"epoch": 1})
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"No space left on device\. Make room"):
        checkpoint.write(path, new_state(1), {"epoch": 2})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_interrupted_keeps_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C in the middle of a save leaves the old checkpoint, and no part."""
    path = tmp_path / "c.safetensors"
    checkpoint.write(path, new_state(0), {"epoch": 1})
    before = path.read_bytes()

    def interrupted(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.write(path, new_state(1), {"epoch": 2})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
