"""The modules of the language's compositions: parts given the same input, their outputs merged.

A part can have any name that a spec gives it, so nothing else here has a name of that kind.
"""

from functools import reduce
from itertools import chain
from operator import add, mul

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """What the layers make of their input, plus what the shortcut makes of it."""

    def __init__(self, layers: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.layers, self.shortcut = layers, shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum."""
        y: Tensor = self.layers(x) + self.shortcut(x)
        return y


class _Branches(nn.Module):
    """Modules with numbers or names, each given the same input."""

    def __init__(self, /, *numbered: nn.Module, **named: nn.Module) -> None:
        super().__init__()
        for name, branch in chain(enumerate(numbered), named.items()):
            self.add_module(str(name), branch)

    def _outputs(self, x: Tensor) -> list[Tensor]:
        return [branch(x) for branch in self.children()]


class Add(_Branches):
    """The sum of the branches' outputs, which are all of one shape."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum."""
        return reduce(add, self._outputs(x))


class Concat(_Branches):
    """The branches' outputs, (N, C1, …) to (N, Ck, …), as one of shape (N, C1 + … + Ck, …)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the channels of all branches."""
        return torch.cat(self._outputs(x), dim=1)


class Multiply(_Branches):
    """The product of the branches' outputs; an axis of size 1 is stretched."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the product."""
        return reduce(mul, self._outputs(x))
