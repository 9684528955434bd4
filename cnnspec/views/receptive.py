"""The receptive field: how much of the input one value of a layer's output depends on.

A layer whose outputs see k of its inputs, s apart from one output to the next, widens a field of
r inputs that lie j apart (the effective stride) to r + (k − 1)·j, and takes j to j·s. These are the
recurrences of Araujo, Norris & Sim, "Computing receptive fields of convolutional neural networks"
(Distill, 2019), https://distill.pub/2019/computing-receptive-fields, which follow the network from
its input on.
The way through the branches that sees most counts. Padding is seen, too, so a field can be larger
than the input. Global pooling, fc, and all that follows flatten see the whole input; means and
variances that a normalization takes are no part of it.

Layers that upsample have s below 1, which the article leaves out. Values between the places of
the coarser maps see those whole, so what later layers move by is rounded up to the next place.
"""

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from cnnspec.layers import Layer
from cnnspec.plan import Plan, Step
from cnnspec.shape import Reach, Shape, Window


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

Told = tuple[str, str, int | Fraction]
"""A formula in words and in numbers, and what comes out."""


class Growth(NamedTuple):
    """How the field at a step's output comes about: from the one before it, or from those of its branches."""

    before: Field | None
    after: Field | None
    branches: tuple[Field | None, ...] = ()


def fields(plan: Plan) -> Mapping[str, Field | None]:
    """Return the receptive field at the output of every step, by the step's path; None is the whole input."""
    return {path: growth.after for path, growth in growths(plan).items()}


def growths(plan: Plan) -> Mapping[str, Growth]:
    """Return how the receptive field of every step comes about, by the step's path."""
    found: dict[str, Growth] = {}
    _follow(plan.steps, _at_input(plan.input_shape), found)
    return found


def first(layer: Layer, x: Shape) -> Growth:
    """Return what the field of a network's first layer comes to."""
    return Growth(_at_input(x), _widened(layer, x, _at_input(x)))


def size_formulas(step: Step, growth: Growth) -> list[Told]:
    """Return the formula of the field's size on each axis; nothing where that is the whole input."""
    if growth.after is None or growth.before is None:
        return []
    if step.layer is None:
        sizes = zip(*(branch.size for branch in growth.branches if branch), strict=True)
        return [("the branches' largest", f"max({', '.join(map(str, of))})", max(of)) for of in sizes]
    axes = _axes(step.layer, step.input, growth.before)
    return [_size_formula(axis, reach, window) for axis, reach, window in axes]


def stride_formulas(step: Step, growth: Growth) -> list[Told]:
    """Return the formula of the effective stride on each axis; nothing where no axis changes it."""
    if growth.after is None or growth.before is None or step.layer is None:
        return []
    if growth.after.stride == growth.before.stride:
        return []
    told: list[Told] = []
    for i, (_, reach, window) in enumerate(_axes(step.layer, step.input, growth.before)):
        j, result = growth.before.stride[i], growth.after.stride[i]
        if window:
            told.append((*window.step_formula(j), result))
        elif reach.step == 1:
            told.append(("j", str(j), result))
        else:
            told.append(("j·n/m", f"{j}·{step.input[1 + i]}/{step.output[1 + i]}", result))
    return told


def as_json(field: Field | None) -> dict[str, list[int | float]] | None:
    """Return a field as plain values; None is the whole input."""
    return field and {"size": list(field.size), "stride": [plain(stride) for stride in field.stride]}


def plain(number: int | Fraction) -> int | float:
    """Return a number as JSON has it."""
    return int(number) if number == int(number) else float(number)


def _size_formula(axis: Axis, reach: Reach, window: Window | None) -> Told:
    """Return the formula of a field's size on one axis, where a layer widens it."""
    result = axis.widened(reach).size
    if reach.size == 1 and not window:
        return "r", str(axis.size), result
    words, numbers = window.reach_formula() if window else ("(k − 1)", f"({reach.size} − 1)")
    if axis.beyond % 1 or (reach.size - 1) * axis.step % 1:
        numbers = f"{axis.inputs} + ⌈{axis.beyond} + {numbers}·{axis.step}⌉·{axis.grid}"
        return f"c + ⌈b + {words}·j/g⌉·g", numbers, result
    return f"r + {words}·j", f"{axis.size} + {numbers}·{axis.grid * axis.step}", result


def _axes(layer: Layer, x: Shape, field: Field) -> Iterator[tuple[Axis, Reach, Window | None]]:
    """Yield what is seen on each axis, what the layer sees of that, and its window if it has one."""
    windows: tuple[Window | None, ...] = layer.windows(x) or (None,) * len(field.axes)
    yield from zip(field.axes, layer.reach(x) or (), windows, strict=True)


def _at_input(x: Shape) -> Field:
    """Return the field of the input's own values."""
    return Field((Axis(),) * (len(x) - 1))


def _follow(steps: tuple[Step, ...], field: Field | None, found: dict[str, Growth]) -> Field | None:
    """Note how the field grows at each of the steps in a row, and return the last."""
    for step in steps:
        before = field
        branches: tuple[Field | None, ...] = ()
        if step.layer:
            field = _widened(step.layer, step.input, field)
        elif step.composite:
            branches = tuple(_follow((part,), field, found) for part in step.children)
            field = _largest(branches)
        else:
            field = _follow(step.children, field, found)
        found[step.path] = Growth(before, field, branches)
    return field


def _widened(layer: Layer, x: Shape, field: Field | None) -> Field | None:
    """Return the field at a layer's output from that at its input."""
    reach = layer.reach(x) if field else WHOLE
    if field is None or reach is None:
        return WHOLE
    return Field(tuple(axis.widened(one) for axis, one in zip(field.axes, reach, strict=True)))


def _largest(branches: tuple[Field | None, ...]) -> Field | None:
    """Return what a value sees that is made of several: on each axis the most that one of them sees."""
    known = [field.axes for field in branches if field]
    if len(known) < len(branches):
        return WHOLE
    return Field(
        tuple(max(axes, key=lambda axis: (axis.size, axis.grid)) for axes in zip(*known, strict=True))
    )
