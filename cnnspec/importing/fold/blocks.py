"""Pieces that are alike as one block with arguments, and a call in the place of each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cnnspec.importing.fold.align import Aligned, Stack, aligned, grouped
from cnnspec.importing.fold.conditions import Conditions, conditions_of
from cnnspec.importing.fold.items import Block, Blocks, Expr, Item, Items, Network
from cnnspec.importing.fold.naming import block_name, name_arguments
from cnnspec.importing.fold.variables import Variable, Variables, variables_of
from cnnspec.importing.tree import Scope


@dataclass(frozen=True, slots=True)
class Piece:
    """Some items of a list, one after the other: the same thing as other pieces, perhaps with other numbers.

    `scopes` are those of the call of a submodule that it comes from, as far as it comes from one.
    """

    row: Items
    start: int
    stop: int
    scopes: tuple[Scope, ...] = ()

    @property
    def items(self) -> Items:
        """The items."""
        return self.row[self.start : self.stop]


@dataclass(frozen=True, slots=True)
class Folding:
    """A block, and its call for each piece; `whens` counts the conditions in it."""

    block: Block
    calls: tuple[Item, ...]
    whens: int


def folding(pieces: list[Piece], kind: str, blocks: Blocks) -> Folding | None:
    """Return pieces as one block; None where they cannot be."""
    rows = [piece.items for piece in pieces]
    if any(_bound(item) for row in rows for item in row):
        return None
    stack = grouped(aligned(rows), frozenset(range(len(rows))))
    inputs = {number: row[0].channels for number, row in enumerate(rows)}
    variables = variables_of(stack, inputs, blocks)
    if variables is None:
        return None
    conditions = conditions_of(stack, variables)
    _fill(variables)
    signs = name_arguments(variables, stack, pieces[0].scopes)
    arguments = _ordered(variables)
    body = _named_items(_body(stack, variables, conditions), signs)
    name = block_name(body, kind, blocks)
    defaults = {signs[one.sign]: _named(one.default, signs) for one in arguments}
    block = Block(name, defaults, body, {signs[one.sign]: one.kind for one in arguments})
    calls = tuple(_call(name, number, pieces[number], arguments, signs) for number in range(len(pieces)))
    return Folding(block, calls, len(conditions.of_items) + len(conditions.of_shortcuts))


def applied(network: Network, found: Folding, pieces: list[Piece]) -> Network:
    """Return the network with the block, and calls in the places of the pieces."""
    places: dict[int, list[tuple[Piece, Item]]] = {}
    for piece, call in zip(pieces, found.calls, strict=True):
        places.setdefault(id(piece.row), []).append((piece, call))

    def change(row: Items) -> Items:
        for piece, call in sorted(places.get(id(row), ()), key=lambda pair: -pair[0].start):
            row = (*row[: piece.start], call, *row[piece.stop :])
        return row

    changed = network.mapped(change)
    return Network(changed.layers, {**changed.blocks, found.block.name: found.block})


def _bound(item: Item) -> bool:
    """Tell whether an item has a condition, which stays where its names are."""
    return item.when is not None or any(_bound(one) for part in item.parts for one in part)


def _fill(variables: Variables) -> None:
    """Give a default to what some rows do not have, so that their calls need not give it."""
    for one in variables.arguments:
        if one.default is None and one.values.keys() != variables.inputs.keys():
            kinds = {type(value) for value in one.values.values()}
            one.default = (
                False if kinds == {bool} else 0 if kinds <= {int, float} else next(iter(one.values.values()))
            )


def _ordered(variables: Variables) -> list[Variable]:
    """Return arguments as a person lists them: what must be given, what need not, what goes by others."""
    last = {one.sign for one in variables.arguments if isinstance(one.default, Expr)}

    def rank(one: Variable) -> int:
        if one.sign in last:
            return 2 + any(sign in one.default for sign in last)
        return int(one.default is not None)

    return sorted(variables.arguments, key=rank)


def _body(stack: Stack, variables: Variables, conditions: Conditions) -> Items:
    """Return the items of a block."""
    return tuple(_item(one, variables, conditions) for one in stack)


def _item(one: Aligned, variables: Variables, conditions: Conditions) -> Item:
    fields = []
    for name in one.fields:
        used = next((v for v in variables.found if (one, name) in v.uses), None)
        value = next(iter(one.fields[name].values())) if used is None else used.text or Expr(used.sign)
        if used and not used.text and used.kind == "channels":
            value = Expr(used.sign)
        fields.append((name, value))
    if one.bare:
        fields.append(("skip", conditions.of_shortcuts[id(one)]))
    channels = set(one.channels.values())
    return Item(
        one.word,
        tuple(fields),
        tuple(_body(part, variables, conditions) for part in one.parts),
        one.names,
        conditions.of_items.get(id(one)),
        one.repeat,
        one.scopes,
        channels.pop() if len(channels) == 1 else None,
    )


def _call(name: str, row: int, piece: Piece, arguments: list[Variable], signs: Mapping[str, str]) -> Item:
    """Return the call of a block for a row: all arguments but those that their expression gives."""
    fields = []
    for one in arguments:
        if row in one.by_default:
            continue
        value = one.values.get(row, one.default)
        if isinstance(value, Expr) and row not in one.values:
            continue
        fields.append((signs[one.sign], value))
    return Item(name, tuple(fields), scopes=_common(piece.items), channels=piece.items[0].channels)


def _common(row: Items) -> tuple[Scope, ...]:
    """Return the calls of submodules that all items come from."""
    first, last = min(item.scopes for item in row), max(item.scopes for item in row)
    return tuple(one for one, other in zip(first, last, strict=False) if one == other)


def _named(value: Any, signs: Mapping[str, str]) -> Any:
    """Return an expression with the names of arguments for their signs."""
    if not isinstance(value, Expr):
        return value
    for sign, name in signs.items():
        value = Expr(value.replace(sign, name))
    return value


def _named_items(row: Items, signs: Mapping[str, str]) -> Items:
    return tuple(
        replace(
            item,
            fields=tuple((name, _named(value, signs)) for name, value in item.fields),
            parts=tuple(_named_items(part, signs) for part in item.parts),
            when=_named(item.when, signs),
        )
        for item in row
    )
