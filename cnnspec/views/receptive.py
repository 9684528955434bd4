"""The receptive field: how much of the input one value of a layer's output depends on.

A layer whose outputs see k of its inputs, s apart from one output to the next, widens a field of
r inputs that lie j apart to r + (k − 1)·j, and takes j to j·s. These are the recurrences of Araujo,
Norris & Sim, "Computing receptive fields of convolutional neural networks" (Distill, 2019),
https://distill.pub/2019/computing-receptive-fields, which follow the network from its input on.
The way through the branches that sees most counts. Layers that upsample have s below 1. Padding
is seen, too, so a field can be larger than the input. Global pooling, fc, and all that follows
flatten see the whole input; means and variances that a normalization takes are no part of it.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from cnnspec.layers import Layer
from cnnspec.plan import Plan, Step
from cnnspec.shape import Shape

Numbers = tuple[int | Fraction, ...]


class Field(NamedTuple):
    """What one value sees on each axis: how many inputs, and how far on the next value's begin."""

    inputs: Numbers
    stride: Numbers

    @property
    def size(self) -> Shape:
        """The field in whole inputs, for the value that sees most."""
        return tuple(map(math.ceil, self.inputs))


WHOLE = None
"""Stands for the field of a value that sees the whole input."""


def fields(plan: Plan) -> Mapping[str, Field | None]:
    """Return the receptive field at the output of every step, by the step's path; None is the whole input."""
    found: dict[str, Field | None] = {}
    one = (1,) * (len(plan.input_shape) - 1)
    _follow(plan.steps, Field(one, one), found)
    return found


def _follow(steps: tuple[Step, ...], field: Field | None, found: dict[str, Field | None]) -> Field | None:
    """Note the field at each of the steps in a row, and return the last."""
    for step in steps:
        if step.layer:
            field = _widened(step.layer, step.input, field)
        elif step.composite:
            field = _largest([_follow((part,), field, found) for part in step.children])
        else:
            field = _follow(step.children, field, found)
        found[step.path] = field
    return field


def _widened(layer: Layer, x: Shape, field: Field | None) -> Field | None:
    """Return the field at a layer's output from that at its input: r + (k − 1)·j and j·s."""
    reach = layer.reach(x) if field else WHOLE
    if field is None or reach is None:
        return WHOLE
    axes = list(zip(field.inputs, field.stride, reach, strict=True))
    return Field(tuple(r + (k - 1) * j for r, j, (k, _) in axes), tuple(j * s for _, j, (_, s) in axes))


def _largest(branches: list[Field | None]) -> Field | None:
    """Return what a value sees that is made of several: on each axis the most that one of them sees."""
    known = [field for field in branches if field]
    if len(known) < len(branches):
        return WHOLE
    inputs, strides = (tuple(map(max, *sides)) for sides in zip(*known, strict=True))
    return Field(inputs, strides)
