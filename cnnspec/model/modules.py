"""The namespace that layers build their modules from: our own modules, and torch.nn's for all other names."""

from importlib import import_module
from types import ModuleType
from typing import Any

from torch import nn

from cnnspec.model.composition import Add, Concat, Multiply, Residual
from cnnspec.model.layers import (
    Abs,
    ChannelLayerNorm,
    ChannelSlice,
    DropPath,
    ImageFilter,
    LayerScale,
    Sqrt,
    Square,
)

__all__ = [
    "Abs",
    "Add",
    "ChannelLayerNorm",
    "ChannelSlice",
    "Concat",
    "DropPath",
    "ImageFilter",
    "LayerScale",
    "Multiply",
    "Residual",
    "Sqrt",
    "Square",
    "imported",
]


def imported(module: str) -> ModuleType:
    """Return another package's module, whose classes build the package's own layers."""
    return import_module(module)


def __getattr__(name: str) -> Any:
    return getattr(nn, name)
