"""The trainer beside the best loop written by hand, in turn; and how often it waits for a device.

Both train LeNet-5 on MNIST by the same recipe with the same number of threads, and test after each epoch. The
loop by hand has its tensors prepared in advance, the fused Adam, and reads the loss never. The trainer shows
its bar, and writes metrics and checkpoints.

Waits are counted on the CPU, where torch's dispatcher tells of each: `direct` is the trainer's way on the
CPU, where looking at each loss costs nothing, and `as on a GPU` its way there, on the CPU.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from common import LENET5, median, parser, report
from loops import BATCH, plain, trainer
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from turns import race, rows

import cnnspec
from cnnspec.training import Reporter, guard, session

TARGET, WAITS_TARGET = 1.05, 1 / guard.LOOK
STEPS = 200
WAITS = {"_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "equal", "unique", "_unique2"}
"""Operators of which the host needs the result at once; `item`, `float`, `int` and `bool` are the first."""


class Waits(TorchDispatchMode):
    """Counts operators that would wait for a GPU."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.count = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Count it, and do it."""
        self.count += func.overloadpacket.__name__ in WAITS  # type: ignore[attr-defined]  # an OpOverload
        return func(*args, **(kwargs or {}))


class EnoughError(Exception):
    """Ends a training whose steps were counted."""


class Counter(Reporter):
    """Notes how often was waited after the first step and after the last one."""

    def __init__(self, waits: Waits) -> None:
        self.waits = waits
        self.first = self.total = 0

    def step(self, epoch: int, done: int, loss_sum: Tensor) -> None:  # noqa: ARG002  # the base class's
        """Note the count; end after enough steps."""
        if done == BATCH:
            self.first = self.waits.count
        if done >= (STEPS + 1) * BATCH:
            self.total = self.waits.count - self.first
            raise EnoughError


class GuardOfGPU(guard.Guard):
    """Guards as on a GPU: what it finds stays on the device for many steps."""

    def __init__(self, optimizer: torch.optim.Optimizer, device: torch.device, *, can_skip: bool) -> None:
        super().__init__(optimizer, device, can_skip=can_skip)
        self.direct, self.every = False, guard.LOOK


def main() -> int:
    """Run both loops in turn, count the waits, and say whether the targets are reached."""
    options = parser(__doc__)
    options.add_argument("--epochs", type=int, default=9)
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = options.parse_args()
    contenders = {"by hand": plain, "cnnspec": trainer}
    laps, _ = race(contenders, chosen, chosen.epochs)
    medians = {name: median([lap["seconds"] for lap in each]) for name, each in laps.items()}
    ratio = medians["cnnspec"] / medians["by hand"]
    waits = {"direct": _waits(chosen), "as on a GPU": _waits(chosen, GuardOfGPU)}
    facts = {
        "threads": chosen.threads,
        "medians, s": medians,
        "ratio of the medians": round(ratio, 3),
        "target": TARGET,
        f"waits a step, in {STEPS} steps": waits,
        "of at most": WAITS_TARGET,
    }
    reached = ratio <= TARGET and waits["as on a GPU"] <= WAITS_TARGET
    title = "An epoch of LeNet-5 on MNIST, test included"
    report(title, rows(laps, ("cnnspec", "by hand")), chosen.json, **facts, reached=reached)
    return 0 if reached else 1


def _waits(options: argparse.Namespace, guarding: type[guard.Guard] = guard.Guard) -> float:
    """Return how often a step of the trainer waits."""
    before, session.Guard = session.Guard, guarding  # type: ignore[attr-defined]  # what it imports
    try:
        with tempfile.TemporaryDirectory() as folder, Waits() as waits:
            counter = Counter(waits)
            arguments: dict[str, Any] = {"data_root": options.data_root, "sample": False}
            spec, out = cnnspec.load(LENET5), Path(folder)
            cnnspec.train(spec, out=out, device="cpu", threads=options.threads, reporter=counter, **arguments)
    except EnoughError:
        return counter.total / STEPS
    finally:
        session.Guard = before  # type: ignore[attr-defined]
    raise AssertionError("the epoch had too few steps")


if __name__ == "__main__":
    sys.exit(main())
