"""Modules of the tests, each as short as a function."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class Does(nn.Module):
    """A module that does what a function does, with parts that the function may use."""

    def __init__(self, does: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.does = does
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Any:
        return self.does(self, x)
