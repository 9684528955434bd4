"""The vocabulary: one file a family, one class a layer; importing this package registers them all."""

from cnnspec.layers import (
    activation,
    channels,
    composition,
    convolution,
    dense,
    filters,
    normalization,
    pooling,
    regularization,
    space,
    transposed,
)
from cnnspec.layers.base import REGISTRY, Case, Element, Layer
from cnnspec.layers.composition import Composite

LAYERS: dict[str, type[Layer]] = {name: e for name, e in REGISTRY.items() if issubclass(e, Layer)}
"""The layers of the registry, without the compositions."""

__all__ = [
    "LAYERS",
    "REGISTRY",
    "Case",
    "Composite",
    "Element",
    "Layer",
    "activation",
    "channels",
    "composition",
    "convolution",
    "dense",
    "filters",
    "normalization",
    "pooling",
    "regularization",
    "space",
    "transposed",
]
