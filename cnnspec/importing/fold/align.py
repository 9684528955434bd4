"""Rows of items laid upon each other: what they have in common, and what only some of them have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnspec.importing.fold.items import Expr, Item, Items
from cnnspec.importing.tree import Scope


@dataclass(slots=True, eq=False)
class Aligned:
    """The same item in several rows, by the number of the row: the values of its fields, and its parts.

    `channels` are those that enter it. `bare` are the rows in which a residual has no shortcut,
    not even the input itself: only its layers are there.
    """

    word: str
    fields: dict[str, dict[int, Any]]
    parts: list["Stack"]
    names: tuple[str, ...]
    when: Expr | None
    repeat: int
    scopes: tuple[Scope, ...]
    channels: dict[int, int | None]
    bare: frozenset[int] = field(default_factory=frozenset)

    @property
    def rows(self) -> frozenset[int]:
        """The rows that have it."""
        return frozenset(self.channels)

    @property
    def size(self) -> int:
        """Number of layers and calls in it."""
        return sum(one.size for part in self.parts for one in part) if self.parts else 1


Stack = list[Aligned]
"""Rows laid upon each other."""


def aligned(rows: list[Items]) -> Stack:
    """Return all rows laid upon each other, so that as many layers as possible meet."""
    forms: dict[object, list[int]] = {}
    for number, row in enumerate(rows):
        forms.setdefault(form_of(row), []).append(number)
    stacks = [_same_form({number: rows[number] for number in numbers}) for numbers in forms.values()]
    first, *others = sorted(stacks, key=lambda stack: -sum(one.size for one in stack))
    for other in others:
        first = _laid(first, other)
    return first


def form_of(row: Items) -> object:
    """Return what rows have in common whose items meet one by one."""
    return tuple(
        (item.word, item.when, item.repeat, tuple(form_of(part) for part in item.parts)) for item in row
    )


def _same_form(rows: Mapping[int, Items]) -> Stack:
    """Return rows of one form laid upon each other."""
    return [_one(dict(zip(rows, items, strict=True))) for items in zip(*rows.values(), strict=True)]


def _one(items: Mapping[int, Item]) -> Aligned:
    first = next(iter(items.values()))
    names = dict.fromkeys(name for item in items.values() for name, _ in item.fields)
    fields: dict[str, dict[int, Any]] = {name: {} for name in names}
    for number, item in items.items():
        for name, value in item.fields:
            fields[name][number] = value
    parts = [
        _same_form({number: item.parts[place] for number, item in items.items()})
        for place in range(len(first.parts))
    ]
    channels = {number: item.channels for number, item in items.items()}
    return Aligned(first.word, fields, parts, first.names, first.when, first.repeat, first.scopes, channels)


def grouped(stack: Stack, rows: frozenset[int]) -> Stack:
    """Return a stack in which neighbours that the same rows have, but not all, are in a sequence.

    What only some of those rows have stands in the sequence as well.
    """
    result: Stack = []
    place = 0
    while place < len(stack):
        item = stack[place]
        item.parts = [grouped(part, item.rows) for part in item.parts]
        end = place + 1
        while item.rows != rows and end < len(stack) and stack[end].rows <= item.rows:
            stack[end].parts = [grouped(part, stack[end].rows) for part in stack[end].parts]
            end += 1
        result.append(item if end == place + 1 else _sequence(stack[place:end]))
        place = end
    return result


def _sequence(stack: Stack) -> Aligned:
    first = stack[0]
    return Aligned("sequence", {}, [stack], (), None, 1, first.scopes[:-1], dict(first.channels))


def walk(stack: Stack) -> Iterator[Aligned]:
    """Yield all items, each before its parts."""
    for one in stack:
        yield one
        for part in one.parts:
            yield from walk(part)


def _laid(one: Stack, other: Stack) -> Stack:
    """Return two stacks as one."""
    one, other = _unwrapped(one, other), _unwrapped(other, one)
    _, pairs = _best(one, other)
    result: Stack = []
    start, other_start = 0, 0
    for i, j in [*pairs, (len(one), len(other))]:
        result += one[start:i]
        result += other[other_start:j]
        if i < len(one):
            result.append(_both(one[i], other[j]))
        start, other_start = i + 1, j + 1
    return result


def _unwrapped(one: Stack, other: Stack) -> Stack:
    """Return a stack as the layers of a residual, where the other is one and this has no shortcut."""
    if len(other) != 1 or other[0].word != "residual" or any(o.word == "residual" for o in one) or not one:
        return one
    rows = frozenset().union(*(o.rows for o in one))
    bare = Aligned("residual", {}, [one, []], (), None, 1, one[0].scopes[:-1], dict.fromkeys(rows), rows)
    bare.channels = {row: next((o.channels[row] for o in one if row in o.channels), None) for row in rows}
    return [bare]


def _both(one: Aligned, other: Aligned) -> Aligned:
    fields = {
        name: one.fields.get(name, {}) | other.fields.get(name, {}) for name in one.fields | other.fields
    }
    parts = [_laid(part, another) for part, another in zip(one.parts, other.parts, strict=True)]
    names = one.names or other.names
    channels = one.channels | other.channels
    bare = one.bare | other.bare
    return Aligned(one.word, fields, parts, names, one.when, one.repeat, one.scopes, channels, bare)


def _best(one: Stack, other: Stack) -> tuple[float, list[tuple[int, int]]]:
    """Return how many layers can meet, in order, and the pairs of items in which they do."""
    table: dict[tuple[int, int], float] = {}
    scores = {(i, j): _score(a, b) for i, a in enumerate(one) for j, b in enumerate(other)}
    for i in range(len(one), -1, -1):
        for j in range(len(other), -1, -1):
            if i == len(one) or j == len(other):
                table[i, j] = 0
                continue
            meet = scores[i, j]
            table[i, j] = max(table[i + 1, j], table[i, j + 1], meet + table[i + 1, j + 1] if meet else 0)
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(one) and j < len(other):
        meet = scores[i, j]
        if meet and table[i, j] == meet + table[i + 1, j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif table[i, j] == table[i + 1, j]:
            i += 1
        else:
            j += 1
    return table[0, 0], pairs


def _score(one: Aligned, other: Aligned) -> float:
    """Return how many layers meet if two items do; 0 if they cannot."""
    if (one.word, one.when, one.repeat, len(one.parts)) != (
        other.word,
        other.when,
        other.repeat,
        len(other.parts),
    ):
        return 0
    inner = sum(
        _best(_unwrapped(a, b), _unwrapped(b, a))[0] for a, b in zip(one.parts, other.parts, strict=True)
    )
    if one.parts and not inner:
        return 0
    # Of equals, those meet that have the same settings.
    alike = sum(
        set(one.fields[name].values()) == set(other.fields[name].values())
        for name in one.fields
        if name in other.fields
    )
    return 1 + inner + alike / 100
