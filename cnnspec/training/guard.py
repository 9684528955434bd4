"""A loss that is not finite stops training before the optimizer's step, and no step waits for a GPU."""

import math

import torch
from torch import Tensor

LOOK = 50
"""Steps between two looks at what a GPU has found: each look waits for it."""


class Guard:
    """Watches the loss of every step.

    On the CPU it is looked at directly. On a GPU, a tensor there notes the first step whose
    loss is not finite, and the optimizer is told to skip that step and all after it, as
    torch's gradient scaler does; `look` asks for it now and then. An optimizer that cannot
    skip is waited for at each step.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, device: torch.device, *, can_skip: bool) -> None:
        self.optimizer = optimizer
        self.direct = device.type == "cpu" or not can_skip
        self.every = 1 if self.direct else LOOK
        self.first = torch.full((), -1, dtype=torch.int64, device=device)
        self.bad: int | None = None

    def check(self, loss: Tensor, step: int) -> bool:
        """Take the loss of a step, before the optimizer's; False if the host knows that it is not finite."""
        if self.direct:
            if not math.isfinite(float(loss)):
                self.bad = step
            return self.bad is None
        found = ~torch.isfinite(loss) & (self.first < 0)
        self.first = torch.where(found, step, self.first)
        self.optimizer.found_inf = (self.first >= 0).float()  # type: ignore[attr-defined]  # the fused kernels read it
        return True

    def look(self) -> int | None:
        """Return the step whose loss was the first not to be finite, or None; waits for a GPU."""
        if not self.direct and self.bad is None:
            first = int(self.first)
            self.bad = first if first >= 0 else None
        return self.bad
