"""Checkpoints: one safetensors file with weights, optimizer and facts; nothing in it can run.

Format 2 holds a hash of the whole file, so that no damage goes unseen. Format 1 had none,
and states of random generators, which training does not need any more: they are not read.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from cnnspec.errors import CheckpointError, Place, Problem
from cnnspec.training.average import Average
from cnnspec.training.files import write_whole
from cnnspec.training.processes import Processes

FORMAT = 2
"""Version of the format. Every later version of cnnspec must read every earlier format."""

_HEADER, _HASH = "cnnspec", "sha256"
_NO_HASH = "0" * 64
# In a text within the header, quotes have a backslash before them: this is the key and nothing else.
_HASHED = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_MODEL, _OPTIMIZER, _AVERAGE, _AVERAGED = "model.", "optimizer.", "average.", "average.module."
_HOW = ("fused", "foreach", "capturable", "params")
"""What an optimizer's groups say of how it computes, not of what: this may change between machines."""


@dataclass(frozen=True, slots=True)
class State:
    """All that training changes: what a checkpoint keeps, and what going on needs."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: Average | None = None


def write(path: Path, state: State, facts: dict[str, Any], *, keep: Path | None = None) -> None:
    """Write a checkpoint as a whole or not at all; `facts` are plain values.

    The one that is there is kept under the name `keep`, if given. Raises CheckpointError.
    """
    header = _options(state) | {"facts": facts}
    data = save(_tensors(state), {_HEADER: json.dumps(header), _HASH: _NO_HASH})
    found = _HASHED.search(data)
    assert found is not None  # it was just written
    rest = memoryview(data)
    digest = hashlib.sha256(data).hexdigest()
    write_whole(path, rest[: found.start(1)], digest.encode(), rest[found.end(1) :], keep=keep)


def share(state: State, processes: Processes) -> None:
    """Give the first process's state to all others, whose machines need not have its files."""
    sent = processes.broadcast_tensors(_tensors(state) if processes.is_first else {})
    if not processes.is_first:
        _put_back(Path(), state, sent, _options(state))


def read_weights(path: Path, model: nn.Module) -> dict[str, Any]:
    """Load a checkpoint's weights into the model and return its facts. Raises CheckpointError.

    Where an average of the weights was kept, that is what is loaded.
    """
    tensors, header = _read(path)
    _load(path, model, _part(tensors, _AVERAGED) or _part(tensors, _MODEL))
    return _facts(header)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the weights in a safetensors file, of any program. Raises CheckpointError.

    Of a checkpoint these are what `read_weights` would load.
    """
    tensors, _ = _read(path, any_program=True)
    return _part(tensors, _AVERAGED) or _part(tensors, _MODEL) or tensors


def restore(path: Path, state: State) -> dict[str, Any]:
    """Put everything back as it was when the checkpoint was written, and return its facts.

    Raises CheckpointError; the state is then undefined.
    """
    tensors, header = _read(path)
    _put_back(path, state, tensors, header)
    return _facts(header)


def weights_hash(model: nn.Module) -> str:
    """Return the SHA-256 of a network's weights and buffers: names, types, shapes and every bit."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(memoryview(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()))
    return digest.hexdigest()


def _tensors(state: State) -> dict[str, Tensor]:
    """Return all tensors of a state by their names in the file, on the CPU."""
    tensors = {_MODEL + key: value for key, value in state.model.state_dict().items()}
    if state.average is not None:
        tensors |= {_AVERAGE + key: value for key, value in state.average.state_dict().items()}
    for index, values in state.optimizer.state_dict()["state"].items():
        present = {key: value for key, value in values.items() if value is not None}
        tensors |= {f"{_OPTIMIZER}{index}.{key}": value for key, value in present.items()}
    return {key: value.detach().cpu().contiguous() for key, value in tensors.items()}


def _options(state: State) -> dict[str, Any]:
    """Return what the header says of the optimizer."""
    groups = state.optimizer.state_dict()["param_groups"]
    return {"format": FORMAT, "kind": type(state.optimizer).__name__, "optimizer": groups}


def _put_back(path: Path, state: State, tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
    """Load the tensors into model, average and optimizer."""
    _load(path, state.model, _part(tensors, _MODEL))
    if state.average is not None:
        _load(path, state.average, _part(tensors, _AVERAGE))
    try:
        _load_optimizer(state, _part(tensors, _OPTIMIZER), header)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError) as error:
        raise _does_not_belong(path, f"its optimizer's state does not fit: {error}") from None


def _read(path: Path, *, any_program: bool = False) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return all tensors and the header of a checkpoint that is whole; that of other programs is empty."""
    try:
        data = path.read_bytes()
        header = _header(data)
        if header != {} or not any_program:
            _check_format(path, header, _is_whole(data))
        return load(data), header
    except FileNotFoundError:
        what, why, fix = "there is no such checkpoint", "", "It is written at the end of the first epoch"
    except OSError as error:
        what, why, fix = "the file cannot be read", error.strerror or str(error), "Use another one"
    except (SafetensorError, ValueError, LookupError, AssertionError, RecursionError) as error:
        what, fix = "the file cannot be read", "It is damaged, or no safetensors file; use another one"
        why = str(error).splitlines()[0] if str(error) else "its header makes no sense"
    raise CheckpointError(Problem(what, why, fix, Place(str(path))))


def _header(data: bytes) -> Any:
    """Return what `write` put into the header; an empty dictionary where another program wrote the file."""
    end = 8 + int.from_bytes(data[:8], "little")
    try:
        whole = json.loads(data[8:end])
    except ValueError:
        whole = None
    if whole is None or end > len(data):
        raise ValueError("it has no whole header")
    metadata = whole.get("__metadata__") if isinstance(whole, dict) else None
    text = metadata.get(_HEADER) if isinstance(metadata, dict) else None
    return json.loads(text) if isinstance(text, str) else {}


def _is_whole(data: bytes) -> bool | None:
    """Tell whether the hash in the file is the file's; None if there is none."""
    length = int.from_bytes(data[:8], "little")
    found = _HASHED.search(data, 8, 8 + length)
    if found is None:
        return None
    digest = hashlib.sha256(memoryview(data)[: found.start(1)])
    digest.update(_NO_HASH.encode())
    digest.update(memoryview(data)[found.end(1) :])
    return digest.hexdigest().encode() == found[1]


def _check_format(path: Path, header: Any, whole: bool | None) -> None:
    version = header.get("format") if isinstance(header, dict) else None
    if whole is False or (version == FORMAT and whole is None):
        what, why = "the file cannot be read", "its content is not what was written: it is damaged"
        raise CheckpointError(Problem(what, why, "Use another one", Place(str(path))))
    if version is None:
        what, why = "this is no checkpoint of cnnspec", "it has no header of ours"
        fix = "Name a run folder that `cnnspec train` wrote"
        raise CheckpointError(Problem(what, why, fix, Place(str(path))))
    if version not in range(1, FORMAT + 1):
        what, why = f"the checkpoint has format {version}", f"this version reads format {FORMAT} and earlier"
        raise CheckpointError(Problem(what, why, "Update cnnspec", Place(str(path))))


def _facts(header: dict[str, Any]) -> dict[str, Any]:
    """Return what was told to `write`; in format 1 it stood beside what is ours."""
    if header["format"] == 1:
        return {key: value for key, value in header.items() if key not in ("format", "optimizer")}
    return dict(header["facts"])


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _load(path: Path, module: nn.Module, weights: dict[str, Tensor]) -> None:
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise _does_not_belong(path, str(error)) from None


def _does_not_belong(path: Path, why: str) -> CheckpointError:
    what, fix = "the checkpoint does not belong to this spec", "Were spec.yaml or the checkpoint exchanged?"
    return CheckpointError(Problem(what, " ".join(why.split())[:300], fix, Place(str(path))))


def _load_optimizer(state: State, tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
    """Load the optimizer's state; whatever does not fit raises one of Python's errors."""
    optimizer = state.optimizer
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    groups = optimizer.state_dict()["param_groups"]
    numbers = list(range(len(parameters)))
    if header["format"] == 1:
        # It had one group, of all parameters in the network's order; the options are the spec's.
        order = {id(p): number for number, p in enumerate(parameters)}
        numbers = [order[id(p)] for p in state.model.parameters()]
    else:
        if header["kind"] != type(optimizer).__name__:
            raise ValueError(f"it is {header['kind']}'s, and the spec has {type(optimizer).__name__}")
        groups = [_group(ours, saved) for ours, saved in zip(groups, header["optimizer"], strict=True)]
    saved: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        number = numbers[int(index)]
        # The kernels trust the shapes: one that is wrong would be read past its end.
        if value.shape != (() if name == "step" else parameters[number].shape):
            raise ValueError(f"{name} of parameter {number} has shape {list(value.shape)}")
        saved.setdefault(number, {})[name] = value
    optimizer.load_state_dict({"state": saved, "param_groups": groups})
    _lay_out(optimizer)


def _group(ours: dict[str, Any], saved: dict[str, Any]) -> dict[str, Any]:
    """Return a group's options as saved; JSON has no tuples, and another torch other options."""
    kept = {key: value for key, value in saved.items() if key in ours and key not in _HOW}
    if len(ours["params"]) != len(saved["params"]):
        raise ValueError(f"a group has {len(saved['params'])} parameters, not {len(ours['params'])}")
    scale = saved.get("lr_scale", 1.0)  # earlier versions had no such thing
    wanted = ours.get("lr_scale", 1.0)  # an optimizer made by hand has none either
    if scale != wanted:
        raise ValueError(f"a group has lr_scale {scale}, not {wanted}")
    return ours | {key: tuple(v) if isinstance(ours[key], tuple) else v for key, v in kept.items()}


def _lay_out(optimizer: torch.optim.Optimizer) -> None:
    """Give moments their weights' order in memory (channels last), which fused kernels take for granted."""
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if value.shape == parameter.shape and value.stride() != parameter.stride():
                values[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
