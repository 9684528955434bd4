"""What stands in the file that is to be written: items in lists, and blocks."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cnnspec.importing.tree import Leaf, Row, Scope
from cnnspec.layers import REGISTRY


class Expr(str):
    """An expression of the language, as it is written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A layer, a composition, or the call of a block.

    All fields are there, also those that are not written since they have their defaults. `parts`
    are the lists in a composition. `channels` is how many enter the item, where that is known.
    """

    word: str
    fields: tuple[tuple[str, Any], ...] = ()
    parts: tuple["Items", ...] = ()
    names: tuple[str, ...] = ()
    when: Expr | None = None
    repeat: int = 1
    scopes: tuple[Scope, ...] = field(default=(), compare=False)
    channels: int | None = field(default=None, compare=False)

    @property
    def size(self) -> int:
        """Number of layers and calls in it."""
        return sum(one.size for part in self.parts for one in part) if self.parts else 1


Items = tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block with its arguments' defaults, None for those that must be given, and their kinds."""

    name: str
    arguments: Mapping[str, Any]
    body: Items
    kinds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Network:
    """All that the file says of a network, but for its name and its input."""

    layers: Items
    blocks: Mapping[str, Block] = field(default_factory=dict)

    def rows(self) -> Iterator[Items]:
        """Yield every list of items, the outer before the inner."""
        for block in self.blocks.values():
            yield from _rows(block.body)
        yield from _rows(self.layers)

    def mapped(self, change: Callable[[Items], Items]) -> "Network":
        """Return the network with each list of items replaced, the inner before the outer."""
        blocks = {
            name: replace(block, body=_mapped(block.body, change)) for name, block in self.blocks.items()
        }
        return Network(_mapped(self.layers, change), blocks)


def _rows(row: Items) -> Iterator[Items]:
    yield row
    for item in row:
        for part in item.parts:
            yield from _rows(part)


def _mapped(row: Items, change: Callable[[Items], Items]) -> Items:
    inner = {id(item): tuple(_mapped(part, change) for part in item.parts) for item in row if item.parts}
    changed = change(row)
    return tuple(replace(item, parts=inner[id(item)]) if id(item) in inner else item for item in changed)


_PLAIN = re.compile(r"[^A-Za-z0-9]+")


def snake(name: str) -> str:
    """Return a class's name as a block has it: ``basic_block`` for ``BasicBlock``."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return _PLAIN.sub("_", parted).strip("_").lower()


Blocks = Mapping[str, Block]
CHANNELS = ("filters", "units", "groups", "num_parameters", "start", "stop")
"""Fields that are numbers of channels, which go by each other."""


def default_of(word: str, name: str, blocks: Blocks) -> Any:
    """Return what a field or argument is where it is not written."""
    if word in blocks:
        return blocks[word].arguments[name]
    info = REGISTRY[word].model_fields[name]
    return None if info.is_required() else info.default


def kind_of(word: str, name: str, blocks: Blocks) -> str:
    """Return what a field or argument is: only values of one kind go by each other."""
    if word in blocks:
        return blocks[word].kinds[name]
    return "channels" if name in CHANNELS else name


def tidied(value: Any) -> Any:
    """Return a value without the noise of arithmetic: 0.075 for 0.07500000000000001."""
    return float(f"{value:.12g}") if isinstance(value, float) else value


def items_of(row: Row) -> Items:
    """Return the items that say a row of layers and forks, one for each."""
    items = []
    for node in row:
        if isinstance(node, Leaf):
            fields = tuple(
                (name, tidied(getattr(node.layer, name))) for name in type(node.layer).model_fields
            )
            items.append(Item(node.layer.type, fields, scopes=node.scopes, channels=node.x[0]))
        else:
            parts = tuple(items_of(branch) for branch in node.branches)
            items.append(Item(node.kind, (), parts, node.names, scopes=node.scopes, channels=node.x[0]))
    return tuple(items)
