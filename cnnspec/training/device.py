"""Where a network is trained: CUDA, Apple's MPS, or the CPU."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import nn

from cnnspec.errors import Place, Problem, SpecError, one_of


def choose(name: str = "auto") -> torch.device:
    """Return the device called `name`; ``auto`` is the GPU where there is one. Raises SpecError."""
    there = available()
    if name == "auto":
        return torch.device(there[0])
    if name.partition(":")[0] not in there:
        fix = f"Use {one_of(['auto', *there])}"
        raise SpecError(Problem(f"there is no device '{name}' here", "", fix))
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError):
        raise SpecError(
            Problem(f"there is no device '{name}' here", "", f"Use {one_of(['auto', *there])}")
        ) from None
    return device


def available() -> list[str]:
    """Return the kinds of devices on this machine, best first."""
    found = ["cuda"] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def describe(device: torch.device) -> str:
    """Return what a device is called: its name for a GPU, with the threads for the CPU."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu, {threads} thread{'s' * (threads != 1)}"
    return str(device)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return the context in which the network computes: in bfloat16, where that is safe, or float32."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def slow(device: torch.device, precision: str) -> str:
    """Return what to tell the user where a precision is slow on the device; empty where it is not."""
    there: Callable[[], bool] = torch.ops.mkldnn._is_mkldnn_bf16_supported  # noqa: SLF001  # nothing public tells
    if precision != "bf16" or device.type != "cpu" or there():
        return ""
    return "This CPU has no arithmetic for bfloat16, so bf16 is much slower here than float32."


def compiled(network: nn.Module, *, wanted: bool) -> nn.Module:
    """Return the network as training calls it, compiled if that is wanted; the weights are the same.

    Batches have few sizes, so each gets code of its own.
    """
    return cast(nn.Module, torch.compile(network, dynamic=False)) if wanted else network


@contextmanager
def compile_errors(place: Place | None, *, wanted: bool) -> Iterator[None]:
    """Say what to do where a network cannot be compiled, which its first steps tell. Raises SpecError."""
    if not wanted:  # the import takes seconds
        yield
        return
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        cause = getattr(error, "inner_exception", error)
        why = next((line for line in str(cause).splitlines() if line), type(cause).__name__)
        fix = "Install a C++ compiler" if "compiler" in why else "Update torch"
        what = "the network cannot be compiled"
        raise SpecError(Problem(what, why, f"{fix}, or leave `compile` out", place)) from error
