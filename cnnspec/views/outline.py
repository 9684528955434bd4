"""The outline of a network: which of its steps are shown as a line, and which stand for several.

Without a depth, what the network's own list says is shown: each block that it calls is one
line, and what repeats is one line, unless the maps change their size on the way, as they do
between the stages of a network. With a depth, so many levels are opened, and each repetition is shown.
Pictures open `plain` blocks as well, those that merge nothing by themselves.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from cnnspec.layers import REGISTRY
from cnnspec.plan import Plan, Step
from cnnspec.shape import Shape

SHOWN_KINDS = 3
"""Kinds of steps that are told of a group; of more, only the number is told."""


class Line(NamedTuple):
    """A line of the outline: a step, or repetitions of one.

    The `name` leaves out what the `heading` above it has said: that is a composition, whose
    parts follow, indented by one more. `level` counts from 1.
    """

    name: str
    steps: tuple[Step, ...]
    indent: int
    level: int
    heading: bool = False

    @property
    def last(self) -> Step:
        """The step whose output is the line's."""
        return self.steps[-1]

    @property
    def params(self) -> int:
        """Number of parameters; a heading leaves them to its parts, so that lines add up."""
        return 0 if self.heading else sum(step.params for step in self.steps)

    @property
    def macs(self) -> int:
        """Multiply-accumulates, counted as `params` are."""
        return 0 if self.heading else sum(step.macs for step in self.steps)

    @property
    def kind(self) -> str:
        """What the line is made of, where its name does not tell: ``conv_bn``, ``×3``."""
        return f"×{len(self.steps)}" if len(self.steps) > 1 else kind_of(self.last)

    @property
    def depth(self) -> int | None:
        """The depth that opens the line; None where there is nothing to open."""
        if len(self.steps) > 1:
            return self.level
        return self.level + 1 if self.last.children and not self.heading else None


def outline(plan: Plan, depth: int | None = None, *, plain: bool = False) -> list[Line]:
    """Return the network's lines, opened `depth` levels deep; without a depth, `plain` blocks may be, too."""
    return list(_Outline(depth, plain=plain).lines(plan.steps, 1, 0, ""))


class _Outline:
    """Goes through the steps; `known` is the beginning of their paths that a heading has said."""

    def __init__(self, depth: int | None, *, plain: bool = False) -> None:
        self.depth = depth
        self.plain = plain

    def lines(self, steps: tuple[Step, ...], level: int, indent: int, known: str) -> Iterator[Line]:
        """Yield the lines of steps in a row."""
        for _, run in groupby(steps, key=lambda step: step.place):
            repeated = tuple(run)
            if self.depth is None and len(repeated) > 1 and not are_stages(repeated):
                first, number = repeated[0].path.removeprefix(known), _number(repeated[-1].path)
                yield Line(f"{first} … {number}", repeated, indent, level)
                continue
            for step in repeated:
                yield from self.line(step, level, indent, known)

    def line(self, step: Step, level: int, indent: int, known: str) -> Iterator[Line]:
        """Yield the lines of one step."""
        name = step.path.removeprefix(known)
        if not opens(step, level, self.depth, plain=self.plain):
            yield Line(name, (step,), indent, level)
        elif is_composition(step):
            yield Line(name, (step,), indent, level, heading=True)
            for part in step.children:
                yield from self.line(part, level + 1, indent + 1, f"{step.path}.")
        elif len(step.children) == 1 and is_composition(step.children[0]):  # a block of just that is no level
            yield from self.line(step.children[0], level, indent, known)
        else:
            yield from self.lines(step.children, level + 1, indent, known)


def opens(step: Step, level: int, depth: int | None, *, plain: bool = False) -> bool:
    """Tell whether a step's parts are shown instead of itself, where `depth` levels are opened."""
    if not step.children:
        return False
    if depth is not None:
        return level < depth
    if is_repetition(step):
        return are_stages(step.children)
    return step.type in REGISTRY or (plain and not any(map(is_composition, step.children)))


def is_composition(step: Step) -> bool:
    """Tell whether a step has parts beside each other; of a residual without a shortcut, one is left."""
    return step.type in REGISTRY and step.type != "sequence" and bool(step.children)


def is_repetition(step: Step) -> bool:
    """Tell whether a group consists of repetitions of one item."""
    return step.type == "sequence" and all(child.place == step.place for child in step.children)


def are_stages(repeated: tuple[Step, ...]) -> bool:
    """Tell whether the maps change their size between groups that repeat."""
    return bool(repeated[0].children) and len({_space(step.output) for step in repeated}) > 1


def _number(path: str) -> str:
    """Return the number at a path's end."""
    return path[len(path.rstrip("0123456789")) :]


def _space(x: Shape) -> Shape:
    return x[1:]


def kind_of(step: Step) -> str:
    """Return what a step is, where its name does not tell."""
    if not step.path or step.type in (step.name, step.name.rstrip("0123456789").rstrip("_")):
        return ""
    if step.layer or is_composition(step):
        return step.type
    if not step.children:
        return "the input"
    first = step.children[0]
    if step.type == "sequence" or all(child.place == first.place for child in step.children[1:]):
        return _kinds([child.type for child in step.children])
    return step.type


def _kinds(types: list[str]) -> str:
    if len(set(types)) == 1:
        return f"{types[0]} ×{len(types)}" if len(types) > 1 else types[0]
    return ", ".join(types) if len(types) <= SHOWN_KINDS else f"{len(types)} items"
