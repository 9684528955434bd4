"""The vocabulary: one file a family, one class a layer; importing this package registers them all."""

from cnnspec.layers import activation, convolution, dense, normalization, pooling, regularization
from cnnspec.layers.base import REGISTRY, Case, Layer

__all__ = [
    "REGISTRY",
    "Case",
    "Layer",
    "activation",
    "convolution",
    "dense",
    "normalization",
    "pooling",
    "regularization",
]
