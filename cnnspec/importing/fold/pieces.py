"""Pieces of a network that may be the same: what comes of one class of modules, and rows of like layers."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from cnnspec.importing.fold.blocks import Piece
from cnnspec.importing.fold.items import Item, Items, Network
from cnnspec.importing.tree import Scope
from cnnspec.layers import REGISTRY

LONGEST = 12
"""Items in a row that are looked for, which come of no class."""

_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict")
_NO_BEGINNING = ("activation", "regularization", "pooling")


def of_classes(network: Network) -> dict[str, list[Piece]]:
    """Return the pieces that are the whole of what a module of some class does, by the name of the class."""
    whole: Counter[tuple[str, int]] = Counter()
    found: list[tuple[Scope, Piece]] = []
    for row in network.rows():
        for item in row:
            whole.update((scope.path, scope.number) for scope in item.scopes)
        found += _runs(row)
    classes: dict[str, list[Piece]] = defaultdict(list)
    for scope, piece in found:
        number = sum(_all(item) for item in piece.items)
        if number > 1 and number == whole[scope.path, scope.number]:
            classes[scope.kind].append(piece)
    return classes


def kind_of(network: Network, pieces: list[Piece]) -> str:
    """Return the class of modules of which each piece has all layers, and no others; else an empty text."""
    whole: Counter[Scope] = Counter()
    for row in network.rows():
        whole.update(scope for item in row if not item.parts for scope in item.scopes)
    kinds: set[str] = set()
    for piece in pieces:
        leaves = [leaf for item in piece.items for leaf in _leaves(item)]
        common = Counter(scope for leaf in leaves for scope in leaf.scopes)
        fitting = [scope for scope, number in common.items() if number == len(leaves) == whole[scope] > 1]
        kinds.add(fitting[-1].kind if fitting else "")
    kind = kinds.pop() if len(kinds) == 1 else ""
    return "" if kind in _CONTAINERS else kind


def _leaves(item: Item) -> Iterator[Item]:
    if not item.parts:
        yield item
    for part in item.parts:
        for one in part:
            yield from _leaves(one)


def _runs(row: Items) -> Iterator[tuple[Scope, Piece]]:
    """Yield the neighbours in a list that come of one module."""
    depth = max((len(item.scopes) for item in row), default=0)
    for level in range(depth):
        start = 0
        while start < len(row):
            scope = _scope(row[start], level)
            stop = start + 1
            while stop < len(row) and scope and _scope(row[stop], level) == scope:
                stop += 1
            if scope and scope.kind not in _CONTAINERS:
                yield scope, Piece(row, start, stop, row[start].scopes[: level + 1])
            start = stop


def _scope(item: Item, level: int) -> Scope | None:
    return item.scopes[level] if len(item.scopes) > level else None


def _all(item: Item) -> int:
    """Return how many items an item is, with all in it."""
    return 1 + sum(_all(one) for part in item.parts for one in part)


def of_layers(network: Network) -> list[list[Piece]]:
    """Return the pieces that are rows of the same layers: each list has all that are alike."""
    alike: dict[tuple[object, ...], list[Piece]] = defaultdict(list)
    for row in network.rows():
        keys = [_key(item) for item in row]
        for start, item in enumerate(row):
            if item.word in REGISTRY and REGISTRY[item.word].family in _NO_BEGINNING:
                continue
            for stop in range(start + 1, min(len(row), start + LONGEST) + 1):
                if any(one.word in REGISTRY for one in row[start:stop]) and (stop - start > 1 or item.parts):
                    alike[tuple(keys[start:stop])].append(Piece(row, start, stop))
    return [pieces for pieces in (_apart(one) for one in alike.values()) if len(pieces) > 1]


def _key(item: Item) -> tuple[object, ...]:
    """Return what items have in common that differ in numbers only."""
    fields = tuple(name for name, _ in item.fields)
    parts = tuple(tuple(_key(one) for one in part) for part in item.parts)
    return item.word, fields, parts, len(item.names), item.repeat


def _apart(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces that have no item in common, the first of those that do."""
    found: list[Piece] = []
    for piece in pieces:
        if not found or found[-1].row is not piece.row or found[-1].stop <= piece.start:
            found.append(piece)
    return found
