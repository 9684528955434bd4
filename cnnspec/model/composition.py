"""The modules of the language's compositions: parts given the same input, their outputs merged."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class _Parts(nn.Module):
    """Parts by name, each given the same input."""

    def __init__(self, parts: Mapping[str, nn.Module]) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)

    def outputs(self, x: Tensor) -> list[Tensor]:
        """Return each part's output."""
        return [part(x) for part in self.children()]


class Add(_Parts):
    """The sum of the parts' outputs, which are all of one shape."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum."""
        first, *others = self.outputs(x)
        for other in others:
            first = first + other
        return first


class Residual(Add):
    """The layers' output plus the shortcut's."""


class Concat(_Parts):
    """The parts' outputs, (N, C1, …) to (N, Ck, …), as one of shape (N, C1 + … + Ck, …)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the channels of all parts."""
        return torch.cat(self.outputs(x), dim=1)


class Multiply(_Parts):
    """The product of the parts' outputs; an axis of size 1 is stretched."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the product."""
        first, *others = self.outputs(x)
        for other in others:
            first = first * other
        return first
