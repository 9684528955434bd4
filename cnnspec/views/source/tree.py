"""What a class of the source makes in its constructor: modules and how they are called, formulas in them."""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from cnnspec.shape import Shape
from cnnspec.views.source.formulas import Formula

N = TypeVar("N")


@dataclass(frozen=True)
class Argument:
    """An argument of a constructor, a formula or a module; positional if it has no `key`."""

    value: Any
    key: str = ""


@dataclass(frozen=True)
class Made:
    """The call of a constructor."""

    name: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True)
class Number:
    """A name that ends in a number which a formula gives."""

    prefix: str
    number: Formula


@dataclass(frozen=True)
class Child:
    """A module with its name in the one around it; where there is a `condition`, only if that holds.

    `shape` is what comes out of it, if that is another shape than what went in, and always the same.
    """

    name: str | Number
    module: Any
    condition: Formula | None = None
    shape: Shape | None = None


@dataclass(frozen=True)
class Loop:
    """Modules that are made alike, for `index` from `first` up to but without `count`.

    Their names end in `index` plus `offset`; without a prefix, they are numbers that continue those before.
    """

    prefix: str
    offset: int
    index: str
    first: int
    module: Any
    count: Formula
    condition: Formula | None = None
    shape: Shape | None = None


@dataclass(frozen=True)
class Group:
    """Modules in a row; `role` is what the row is called."""

    children: tuple["Child | Loop", ...] = ()
    role: str = ""


@dataclass(frozen=True)
class Either:
    """A composition where a condition holds, and else only its first part, under the name `alone`."""

    condition: Formula
    made: Made
    alone: str


@dataclass
class Parameter:
    """An argument of a class, with its value in each instance; `default` is ... if it must be given.

    One that is `added` is none of the block's arguments.
    """

    name: str
    values: list[Any]
    default: Any = ...
    added: bool = False


@dataclass
class Definition:
    """A class: its parameters, the names it calculates first, and the modules that it makes."""

    name: str
    about: str
    parameters: list[Parameter]
    children: tuple["Child | Loop", ...]
    calculated: dict[str, Formula] = field(default_factory=dict)
    channels: Formula | None = None
    """The channels that come out of it."""


def mapped(node: N, change: Callable[[Formula], Formula]) -> N:
    """Return the same with every formula in it changed."""
    if isinstance(node, ast.expr):
        return change(node)  # type: ignore[return-value]  # a formula for a formula
    if isinstance(node, tuple):
        return tuple(mapped(one, change) for one in node)  # type: ignore[return-value]  # as it was
    if is_dataclass(node) and not isinstance(node, type):
        return replace(node, **{one.name: mapped(getattr(node, one.name), change) for one in fields(node)})
    return node


def formulas_in(node: Any) -> list[Formula]:
    """Return all formulas in it, in order."""
    found: list[Formula] = []

    def note(formula: Formula) -> Formula:
        found.append(formula)
        return formula

    mapped(node, note)
    return found
