"""Neighbours that are the same as one item that repeats."""

from dataclasses import replace
from itertools import groupby

from cnnspec.importing.fold.items import Item, Items, Network
from cnnspec.importing.fold.series import joined

MOST = 8
"""Items that are repeated together at most."""


def repeated(network: Network) -> Network:
    """Return the network with each row of equal items as one that repeats."""
    return network.mapped(_repeated)


def repeated_together(network: Network) -> Network:
    """Return the network with several items that come again at once as a sequence that repeats."""
    return network.mapped(_together)


def _repeated(row: Items) -> Items:
    found: list[Item] = []
    for item, same in groupby(row):
        number = len(list(same))
        found.append(item if number == 1 else replace(item, repeat=number * item.repeat))
    return joined(tuple(found))


def _together(row: Items) -> Items:
    """Return a row in which several items that come again at once are one sequence that repeats."""
    for size in range(2, MOST + 1):
        for start in range(len(row) - 2 * size + 1):
            first = row[start : start + size]
            times = 1
            while row[start + times * size : start + (times + 1) * size] == first:
                times += 1
            if times > 1 and times * size > size + 2:
                one = Item(
                    "sequence",
                    parts=(first,),
                    repeat=times,
                    scopes=first[0].scopes[:1],
                    channels=first[0].channels,
                )
                return (*row[:start], one, *_together(row[start + times * size :]))
    return row
