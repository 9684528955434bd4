"""Where a network is trained: CUDA, Apple's MPS, or the CPU."""

import torch

from cnnspec.errors import Problem, SpecError, one_of


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


def set_threads(count: int | None) -> None:
    """Set the CPU threads that torch uses; None leaves its own choice."""
    if count is not None:
        torch.set_num_threads(count)
