"""The instances of a class in the making, and what flows through them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cnnspec.language.arithmetic import Value
from cnnspec.shape import Shape
from cnnspec.views.source.formulas import Formula


class Instance(NamedTuple):
    """A place in an instance of the class, by its number; within a loop, with the number of the round."""

    row: int
    loop: Mapping[str, Value] = {}


@dataclass
class Stream:
    """What flows through a list of items in each instance: a shape, whose channels may have a formula.

    `loop` has the formulas of the names that only repeated items know.
    """

    instances: list[Instance]
    shapes: list[Shape]
    channels: Formula | None
    loop: Mapping[str, Formula] = field(default_factory=dict)

    def part(self, chosen: Sequence[int]) -> "Stream":
        """Return the same for some of the instances."""
        instances, shapes = [self.instances[i] for i in chosen], [self.shapes[i] for i in chosen]
        return Stream(instances, shapes, self.channels, self.loop)


class Unfoldable(Exception):  # noqa: N818  # the class is split then, and that is no error
    """Nothing gives a value in all instances; those with the same of `kinds`, by row, may have a class."""

    def __init__(self, kinds: Mapping[int, object] | None = None) -> None:
        super().__init__()
        self.kinds = kinds or {}


def singular(word: str) -> str:
    """Return what one of many is called: ``depth`` of ``depths``."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def plain(value: Value) -> Value:
    """Return a value of the spec as layers have it: with tuples for lists."""
    return tuple(plain(one) for one in value) if isinstance(value, (list, tuple)) else value


def same(one: Value, other: Value) -> bool:
    """Tell whether values are equal and of one kind; 2 and 2.0 are, 1 and true are not."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def number_in(name: str) -> tuple[str, int] | None:
    """Return the name of a numbered module without its number, and the number; None if it has none."""
    match = re.fullmatch(r"(.*?)([0-9]+)", name)
    return (match[1], int(match[2])) if match else None
