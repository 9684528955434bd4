"""Checkpoints: one safetensors file with weights, optimizer and random generators; nothing in it can run."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from cnnspec.errors import CheckpointError, Place, Problem

FORMAT = 1
"""Version of the format. Every later version of cnnspec must read every earlier format."""

_HEADER = "cnnspec"


@dataclass(frozen=True, slots=True)
class State:
    """All that training changes: what a checkpoint keeps, and what continuing needs."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    shuffle: torch.Generator


def write(path: Path, state: State, facts: dict[str, Any]) -> None:
    """Write a checkpoint as a whole or not at all; `facts` are plain values. Raises CheckpointError."""
    tensors = {f"model.{key}": value for key, value in state.model.state_dict().items()}
    optimizer = state.optimizer.state_dict()
    for index, values in optimizer["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items()}
    tensors |= {"random.torch": torch.get_rng_state(), "random.shuffle": state.shuffle.get_state()}
    header = {"format": FORMAT, "optimizer": optimizer["param_groups"], **facts}
    data = save(
        {key: value.detach().cpu().contiguous() for key, value in tensors.items()},
        {_HEADER: json.dumps(header)},
    )
    write_whole(path, data)


def read_weights(path: Path, model: nn.Module) -> dict[str, Any]:
    """Load a checkpoint's weights into the model and return its facts. Raises CheckpointError."""
    tensors, header = _read(path, "model.")
    _load(path, model, tensors)
    return header


def restore(path: Path, state: State) -> dict[str, Any]:
    """Put everything back as it was when the checkpoint was written, and return its facts.

    Raises CheckpointError.
    """
    tensors, header = _read(path, "")
    weights = {
        key.removeprefix("model."): value for key, value in tensors.items() if key.startswith("model.")
    }
    _load(path, state.model, weights)
    saved: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == "optimizer":
            index, _, name = rest.partition(".")
            saved.setdefault(int(index), {})[name] = value
    state.optimizer.load_state_dict({"state": saved, "param_groups": header["optimizer"]})
    torch.set_rng_state(tensors["random.torch"])
    state.shuffle.set_state(tensors["random.shuffle"])
    return header


def write_whole(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all, also when the machine fails. Raises CheckpointError."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except KeyboardInterrupt:
        temporary.unlink(missing_ok=True)
        raise
    except OSError as error:
        temporary.unlink(missing_ok=True)
        why, fix = error.strerror or str(error), "Make room, or choose another folder with --out"
        raise CheckpointError(Problem("the file cannot be written", why, fix, Place(str(path)))) from None


def _read(path: Path, prefix: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors whose names begin with the prefix, without it, and the header."""
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(_HEADER, "{}"))
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118  # no mapping
            tensors = {name.removeprefix(prefix): file.get_tensor(name) for name in names}
    except FileNotFoundError:
        fix = "It is written at the end of the first epoch"
        raise CheckpointError(Problem("there is no such checkpoint", "", fix, Place(str(path)))) from None
    except (SafetensorError, OSError, ValueError) as error:
        what, fix = "the checkpoint cannot be read", "It is damaged, or no safetensors file; use another one"
        raise CheckpointError(Problem(what, str(error), fix, Place(str(path)))) from None
    version = header.get("format") if isinstance(header, dict) else None
    if version != FORMAT:
        what = (
            "this is no checkpoint of cnnspec" if version is None else f"the checkpoint has format {version}"
        )
        why = "it has no header of ours" if version is None else f"this version reads format {FORMAT}"
        fix = "Name a run folder that `cnnspec train` wrote" if version is None else "Update cnnspec"
        raise CheckpointError(Problem(what, why, fix, Place(str(path))))
    return tensors, header


def _load(path: Path, model: nn.Module, weights: dict[str, Tensor]) -> None:
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        what, why = "the checkpoint does not belong to this spec", " ".join(str(error).split())[:300]
        fix = "Were spec.yaml or the checkpoint exchanged?"
        raise CheckpointError(Problem(what, why, fix, Place(str(path)))) from None
