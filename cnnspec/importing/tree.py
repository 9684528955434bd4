"""The network as nested lists of layers, as the language has them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cnnspec.layers import Layer
from cnnspec.shape import Shape


class Scope(NamedTuple):
    """A call of a submodule: its path, the name of its class, and the number of the call."""

    path: str
    kind: str
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A layer for input shape `x`; `weights` maps the names of its weights to those of the traced module."""

    layer: Layer
    x: Shape
    scopes: tuple[Scope, ...] = ()
    weights: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """Branches that are given the same input, and merged: ``residual``, ``add``, ``concat`` or ``multiply``.

    Of a residual, the first branch is the layers, and the second the shortcut. `names` are the
    branches' names, or none.
    """

    kind: str
    branches: tuple["Row", ...]
    x: Shape
    scopes: tuple[Scope, ...] = ()
    names: tuple[str, ...] = ()


Node = Leaf | Fork
Row = tuple[Node, ...]


def leaves(row: Row) -> Iterator[Leaf]:
    """Yield the layers of a row, first to last."""
    for node in row:
        if isinstance(node, Leaf):
            yield node
        else:
            for branch in node.branches:
                yield from leaves(branch)
