"""Weights of a network for other pictures and other classes: what differs in its first and last layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Tensors = Mapping[str, Tensor]

_AUXILIARY = ("aux", "aux1", "aux2", "AuxLogits")
"""What torchvision calls the heads that GoogLeNet and Inception have for training only."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The names of what may differ: the first convolution's weight, and the last layer's weight and bias."""

    first: str | None
    head: tuple[str, ...]

    @classmethod
    def of(cls, model: nn.Module, state: Tensors) -> "Ends":
        """Return those of a model whose `state_dict` this is; of groups of channels, none may differ."""
        weights = _weights(state)
        if not weights:
            return cls(None, ())
        layer = model.get_submodule(_layer(weights[0]))
        takes_all = isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) and layer.groups == 1
        bias = f"{_layer(weights[-1])}.bias"
        head = (weights[-1], *([bias] if bias in state else []))
        return cls(weights[0] if takes_all else None, head)

    def like(self, ours: Tensors, theirs: Tensors, *, by_name: bool) -> dict[str, Tensor]:
        """Return our tensors, these with as many channels and classes as the other network's have.

        Tensors of another shape are without values.
        """
        found = dict(ours)
        others = _weights(theirs)
        head = self.head[0] if by_name and self.head else others[-1] if others else ""
        first = (self.first or "") if by_name else next(iter(others), "")
        if self.head and head in theirs:
            for key in self.head:
                found[key] = _resized(found[key], 0, len(theirs[head]))
        if self.first and first in theirs and theirs[first].ndim == found[self.first].ndim:
            found[self.first] = _resized(found[self.first], 1, theirs[first].shape[1])
        return found


def is_auxiliary(key: str) -> bool:
    """Tell whether a tensor is of a head that a network has only while it is trained from the beginning."""
    return key.partition(".")[0] in _AUXILIARY


def for_channels(weight: Tensor, channels: int) -> Tensor:
    """Return a convolution's weight (filters, C, …) for another number of channels.

    For one it is the sum over the channels: what the convolution makes of gray is the same as before.
    For more, the channels are repeated, divided by how often: the sum over them stays about the same, and
    it is exactly that where the number is a multiple.
    """
    if channels == 1:
        return weight.sum(1, keepdim=True)
    given = weight.shape[1]
    repeated = torch.arange(channels, device=weight.device) % given
    return weight[:, repeated] * (given / channels)


def _weights(state: Tensors) -> list[str]:
    """Return the names of what inputs are multiplied by, in order; the scale of a norm has one axis."""
    return [key for key, x in state.items() if key.rpartition(".")[2] == "weight" and x.ndim > 1]


def _layer(key: str) -> str:
    return key.rpartition(".")[0]


def _resized(tensor: Tensor, axis: int, size: int) -> Tensor:
    """Return the tensor, or one without values whose axis has another size."""
    if tensor.shape[axis] == size:
        return tensor
    shape: list[Any] = [*tensor.shape]
    shape[axis] = size
    return tensor.new_empty(shape, device="meta")
