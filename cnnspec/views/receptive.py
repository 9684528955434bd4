"""The receptive field: how much of the input one value of a layer's output depends on.

A layer whose outputs see k of its inputs, s apart from one output to the next, widens a field of
r inputs that lie j apart to r + (k − 1)·j, and takes j to j·s. These are the recurrences of Araujo,
Norris & Sim, "Computing receptive fields of convolutional neural networks" (Distill, 2019),
https://distill.pub/2019/computing-receptive-fields, which follow the network from its input on.
The way through the branches that sees most counts. Padding is seen, too, so a field can be larger
than the input. Global pooling, fc, and all that follows flatten see the whole input; means and
variances that a normalization takes are no part of it.

Layers that upsample have s below 1, which the article leaves out. Values between the places of
the coarser maps see those whole, so what later layers move by is rounded up to the next place.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from cnnspec.layers import Layer
from cnnspec.plan import Plan, Step
from cnnspec.shape import Reach, Shape


class Axis(NamedTuple):
    """What a value sees along an axis: `inputs`, and more as it lies between places `grid` inputs apart.

    In steps of that grid, `beyond` is how far values lie from its places, and `step` is from
    one value's to the next's.
    """

    inputs: int = 1
    grid: int = 1
    beyond: int | Fraction = 0
    step: int | Fraction = 1

    @property
    def size(self) -> int:
        """Number of inputs that the value sees which sees most."""
        return self.inputs + math.ceil(self.beyond) * self.grid

    def widened(self, reach: Reach) -> "Axis":
        """Return what a value of the next layer sees: r + (k − 1)·j and j·s."""
        beyond, step = self.beyond + (reach.size - 1) * self.step, self.step * reach.step
        if step % 1:
            return self._replace(beyond=beyond, step=step)
        return Axis(self.inputs + math.ceil(beyond) * self.grid, self.grid * int(step))


class Field(NamedTuple):
    """What a value sees, on each axis."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> Shape:
        """Number of inputs."""
        return tuple(axis.size for axis in self.axes)

    @property
    def stride(self) -> tuple[int | Fraction, ...]:
        """Number of inputs from one value's field to the next's."""
        return tuple(axis.grid * axis.step for axis in self.axes)


WHOLE = None
"""Stands for the field of a value that sees the whole input."""


def fields(plan: Plan) -> Mapping[str, Field | None]:
    """Return the receptive field at the output of every step, by the step's path; None is the whole input."""
    found: dict[str, Field | None] = {}
    _follow(plan.steps, Field((Axis(),) * (len(plan.input_shape) - 1)), found)
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
    """Return the field at a layer's output from that at its input."""
    reach = layer.reach(x) if field else WHOLE
    if field is None or reach is None:
        return WHOLE
    return Field(tuple(axis.widened(one) for axis, one in zip(field.axes, reach, strict=True)))


def _largest(branches: list[Field | None]) -> Field | None:
    """Return what a value sees that is made of several: on each axis the most that one of them sees."""
    known = [field.axes for field in branches if field]
    if len(known) < len(branches):
        return WHOLE
    return Field(
        tuple(max(axes, key=lambda axis: (axis.size, axis.grid)) for axes in zip(*known, strict=True))
    )
