"""The first learned convolution of a network: its filters, and what they make of a picture."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnnspec.layers.convolution import Conv, DepthwiseConv
from cnnspec.plan import Plan, Step
from cnnspec.report.pictures import Picture, around_zero, picture, stretched

MOST = 64
"""Filters that are shown at most, the first of more."""

STRIP = 8
"""Length over height of the map of a sequence, as it is shown."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as a picture, and what it makes of the chosen one, if there is one."""

    number: int
    weights: Picture
    response: Picture | None = None


@dataclass(frozen=True, slots=True)
class FirstLayer:
    """The first convolution, by its path in the network; of `count` filters, the first are shown."""

    path: str
    filters: tuple[Filter, ...]
    count: int
    channels: int
    size: tuple[int, ...]


def first_convolution(plan: Plan) -> Step | None:
    """Return the first layer that slides learned filters over its input, if there is any."""
    return next((step for step in plan.layers if isinstance(step.layer, Conv | DepthwiseConv)), None)


def first_layer(plan: Plan, model: nn.Module, inputs: Tensor | None) -> FirstLayer | None:
    """Return the filters of the first convolution, with what it makes of `inputs`.

    These are a sample (1, …) as the network sees it, on the model's device. None where there is no
    convolution, or one over three axes, whose filters are no pictures.
    """
    step = first_convolution(plan)
    if step is None or len(step.input) > 3:
        return None
    layer = model.get_submodule(step.path)
    assert isinstance(layer.weight, Tensor)
    weights = layer.weight.detach().cpu()
    shown = [_as_picture(one) for one in weights[:MOST]]
    responses = [None] * len(shown) if inputs is None else _responses(model, layer, inputs)
    filters = [
        Filter(number, picture(around_zero(one)), response)
        for number, (one, response) in enumerate(zip(shown, responses, strict=True), start=1)
    ]
    size = tuple(weights.shape[2:])
    return FirstLayer(step.path, tuple(filters), len(weights), weights.shape[1], size)


def _as_picture(weights: Tensor) -> Tensor:
    """Return a filter as a picture (C, H, W): one over a sequence has a row for each channel."""
    return weights if weights.dim() == 3 else weights.unsqueeze(0)


@torch.inference_mode()
def _responses(model: nn.Module, layer: nn.Module, inputs: Tensor) -> list[Picture | None]:
    """Return what a layer makes of a sample, a map for each of the first filters."""
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(output[0]))
    try:
        model(inputs)
    finally:
        handle.remove()
    return [_map(one) for one in seen[0][:MOST].cpu()]


def _map(values: Tensor) -> Picture:
    """Return what a filter makes of a sample as a picture: a strip, where it slides along a sequence."""
    if values.dim() == 2:
        return picture(stretched(values))
    return picture(stretched(values.expand(-(-len(values) // STRIP), -1)))
