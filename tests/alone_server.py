"""Runs sources where there is no cnnspec: reads a job in JSON a line, and answers with a line of JSON.

It is a program of its own, and what it answers with is calculated for our models by the tests, too.
"""

import contextlib
import hashlib
import importlib.util
import io
import json
import runpy
import sys
import traceback
from typing import Any

import torch
from torch import Tensor, nn


class NoCnnspec:
    """Keeps Python from finding cnnspec."""

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> None:
        if name.partition(".")[0] == "cnnspec":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def facts(make: Any, shape: list[int] | None) -> dict[str, Any]:
    """Return what a network is: its state's names and shapes, and for a `shape` its weights and outputs, too."""
    torch.manual_seed(0)
    with torch.device("meta" if shape is None else "cpu"):
        model: nn.Module = make()
    state = model.state_dict()
    found: dict[str, Any] = {"state": [[name, list(value.shape)] for name, value in state.items()]}
    if shape is not None:
        found["weights"] = [digest(value) for value in state.values()]
        with torch.no_grad():
            for value in model.parameters():
                if value.numel() == value.shape[0]:  # scales and shifts, which begin alike, or far too small
                    value.uniform_(0.5, 1.5)
            x = torch.randn(2, *shape)
            # In training, normalizations get statistics of their own, and what is dropped is drawn.
            found["outputs"] = [digest(model.train()(x)), digest(model.eval()(x))]
            found["differs"] = bool((model(x) != model(x.flip(0))).any())
    return found


def digest(tensor: Tensor) -> str:
    """Return a hash of a tensor's shape and every bit of it."""
    told = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
    told.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return told.hexdigest()


def network(path: str) -> type[nn.Module]:
    """Return the last class that a file defines."""
    spec = importlib.util.spec_from_file_location("net", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own = (one for one in vars(module).values() if isinstance(one, type) and one.__module__ == "net")
    return [one for one in own if issubclass(one, nn.Module)][-1]


def program(path: str, arguments: list[str]) -> dict[str, Any]:
    """Return what a file prints that is run as a program, and what it ends with."""
    sys.argv, end, output = [path, *arguments], None, io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as error:
            end = error.code
    return {"output": output.getvalue(), "end": end}


def serve() -> None:
    """Answer until there are no more jobs."""
    sys.meta_path.insert(0, NoCnnspec())
    for line in sys.stdin:
        job = json.loads(line)
        try:
            answer = program(**job) if "arguments" in job else facts(network(job["path"]), job["shape"])
        except Exception:  # noqa: BLE001  # whatever is wrong with a source, the test shows it
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)  # noqa: T201  # it talks to the tests


if __name__ == "__main__":
    serve()
