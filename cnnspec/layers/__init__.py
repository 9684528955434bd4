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
from cnnspec.layers.base import LAYERS, REGISTRY, Case, Element, Kept, Layer, attributes
from cnnspec.layers.composition import Composite

__all__ = [
    "LAYERS",
    "REGISTRY",
    "Case",
    "Composite",
    "Element",
    "Kept",
    "Layer",
    "activation",
    "attributes",
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
