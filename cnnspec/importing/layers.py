"""From a module of torch to the layer that builds it: read back, built again, and compared."""

from typing import Any

from pydantic import ValidationError
from torch import nn

from cnnspec.errors import RuleError
from cnnspec.layers import LAYERS, Layer
from cnnspec.layers.base import torch_size
from cnnspec.model import modules
from cnnspec.shape import Shape


def layer_of(module: nn.Module, x: Shape) -> Layer | None:
    """Return the layer that builds such a module for input shape `x`; None if there is none.

    What a layer reads from the module is not trusted: the module that it builds of that must
    have the same class, the same settings, and weights of the same names and shapes.
    """
    for layer_class in LAYERS.values():
        fields = layer_class.read(module, x)
        if fields is None:
            continue
        try:
            layer = layer_class.of(fields)
            layer.output_shape(x)
            built = layer.build(modules, x)
        except (ValidationError, RuleError):
            continue
        if differences(module, built) == []:
            return layer
    return None


def differences(module: nn.Module, other: nn.Module) -> list[str]:
    """Return what the second module has otherwise than the first: settings and weights, by name."""
    if type(module) is not type(other):
        return ["class"]
    ours, theirs = settings(other), settings(module)
    return [name for name in ours | theirs if ours.get(name, ...) != theirs.get(name, ...)]


def settings(module: nn.Module) -> dict[str, Any]:
    """Return what a module was told, each value as short as it can be said, and the shapes of its weights."""
    told = {
        name: _plain(value)
        for name, value in vars(module).items()
        if name[0] != "_" and name not in _WITHOUT_EFFECT
    }
    weights = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return told | {name: tuple(weight.shape) for name, weight in weights.items()}


_WITHOUT_EFFECT = ("training", "inplace")
"""Settings that do not change what comes out."""


def _plain(value: Any) -> Any:
    if value is None:
        return False  # torch says None for a switch that is not given
    return torch_size(tuple(value)) if isinstance(value, (list, tuple)) else value
