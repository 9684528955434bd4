"""A network written out, made shorter as a person would: blocks with arguments, and repeats."""

from dataclasses import replace

from cnnspec.importing.fold.blocks import Piece, applied, folding
from cnnspec.importing.fold.items import Block, Item, Items, Network, items_of
from cnnspec.importing.fold.pieces import kind_of, of_classes, of_layers
from cnnspec.importing.fold.repeats import repeated, repeated_together
from cnnspec.importing.fold.series import with_series
from cnnspec.importing.tree import Row
from cnnspec.importing.write import lines_of

__all__ = ["folded", "written_out"]

LINE = 25
"""What a line of the file counts beside its characters."""
CONDITION = 30
"""What a condition counts more than a line."""
WORTH = 40
"""What a block must spare at least."""


def folded(row: Row) -> Network:
    """Return a network as briefly as it can be said."""
    network = with_series(_by_classes(Network(items_of(row))))
    network = _by_layers(network)
    return _tidy(repeated_together(repeated(network)))


def written_out(row: Row) -> Network:
    """Return a network without blocks."""
    return _tidy(repeated_together(repeated(Network(items_of(row)))))


def _by_classes(network: Network) -> Network:
    """Return the network with blocks for classes of modules, as long as that makes it shorter."""
    cost = _cost(network)
    while True:
        tries = [
            found for kind, pieces in of_classes(network).items() for found in _ways(network, pieces, kind)
        ]
        best = min(tries, key=lambda one: one[0], default=None)
        if best is None or best[0] > cost - WORTH:
            return network
        cost, network = best


def _ways(network: Network, pieces: list[Piece], kind: str) -> list[tuple[float, Network]]:
    """Return the network with pieces of a class folded, all of them or those of one form."""
    forms: dict[object, list[Piece]] = {}
    for piece in pieces:
        forms.setdefault(tuple(map(_form, piece.items)), []).append(piece)
    groups = [pieces] if len(forms) == 1 else [pieces, *forms.values()]
    return [tried for group in groups if len(group) > 1 and (tried := _tried(network, group, kind))]


def _tried(network: Network, pieces: list[Piece], kind: str) -> tuple[float, Network] | None:
    found = folding(pieces, kind, network.blocks)
    if found is None or _is_call(found.block.body):
        return None
    changed = applied(network, found, pieces)
    return _cost(changed) + CONDITION * found.whens, changed


def _is_call(row: Items) -> bool:
    """Tell whether a block would do nothing but repeat one item."""
    return len(set(row)) == 1 and (len(row) > 1 or not row[0].parts)


def _by_layers(network: Network) -> Network:
    """Return the network with blocks for rows of layers, as long as that makes it shorter."""
    while True:
        cost = _cost(network)
        candidates = sorted(of_layers(network), key=_gain, reverse=True)[:16]
        tries = [
            tried for pieces in candidates if (tried := _tried(network, pieces, kind_of(network, pieces)))
        ]
        best = min(tries, key=lambda one: one[0], default=None)
        if best is None or best[0] > cost - WORTH:
            return network
        network = best[1]


def _gain(pieces: list[Piece]) -> int:
    """Return about how many lines a block spares."""
    size = sum(_lines(item) for item in pieces[0].items)
    return (len(pieces) - 1) * (size - 1) - 4


def _lines(item: Item) -> int:
    return 1 + sum(_lines(one) for part in item.parts for one in part)


def _form(item: Item) -> object:
    return item.word, tuple(tuple(_form(one) for one in part) for part in item.parts), item.repeat


def _cost(network: Network) -> float:
    """Return how long the file is, as a person sees it."""
    return sum(LINE + len(line.strip()) for line in lines_of(repeated(network)))


def _tidy(network: Network) -> Network:
    """Return the network without sequences of one item, and the blocks in the order of their use."""

    def unwrapped(row: Items) -> Items:
        return tuple(_unwrapped(item) for item in row)

    tidy = network.mapped(unwrapped)
    return Network(tidy.layers, dict(_ordered(tidy)))


def _unwrapped(item: Item) -> Item:
    if item.word != "sequence" or len(item.parts[0]) != 1:
        return item
    inner = item.parts[0][0]
    if inner.when or (inner.repeat != 1 and item.repeat != 1):
        return item
    return replace(inner, when=item.when, repeat=inner.repeat * item.repeat)


def _ordered(network: Network) -> list[tuple[str, Block]]:
    """Return the blocks, each after those that it uses."""
    done: dict[str, Block] = {}

    def visit(name: str) -> None:
        for word in _words(network.blocks[name].body):
            if word in network.blocks and word not in done:
                visit(word)
        done.setdefault(name, network.blocks[name])

    for name in network.blocks:
        visit(name)
    return list(done.items())


def _words(row: Items) -> set[str]:
    return {item.word for item in row} | {
        word for item in row for part in item.parts for word in _words(part)
    }
