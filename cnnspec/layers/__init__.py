"""The vocabulary: one file a family, one class a layer; importing this package registers them all."""

from cnnspec.layers import (
    activation,
    composition,
    convolution,
    dense,
    normalization,
    pooling,
    regularization,
)
from cnnspec.layers.base import REGISTRY, Case, Element, Layer
from cnnspec.layers.composition import Composite

__all__ = [
    "REGISTRY",
    "Case",
    "Composite",
    "Element",
    "Layer",
    "activation",
    "composition",
    "convolution",
    "dense",
    "normalization",
    "pooling",
    "regularization",
]
