"""Numbers that grow by the same from one to the next: one item that repeats, with `index` in it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cnnspec.importing.fold.items import Expr, Item, Items, Network, kind_of, tidied

FEWEST = 3
"""Different numbers that make a series, and no chance."""
MOST = 128
"""Numbers of a series at most."""


class Step(Expr):
    """A number of a series: ``rate * number / total``."""

    rate: float
    number: int
    total: int


def with_series(network: Network) -> Network:
    """Return the network with the rates of stochastic depth as steps, if they lie on a line through 0."""
    values = {value for row in network.rows() for value in _rates(network, row)}
    line = _line(sorted(values - {0})) if len(values) >= FEWEST else None
    if line is None:
        return network
    rate, total = line

    def change(row: Items) -> Items:
        return tuple(_stepped(item, network, rate, total) for item in row)

    return network.mapped(change)


def _rates(network: Network, row: Items) -> Iterator[float]:
    for item in row:
        for name, value in item.fields:
            if _is_rate(item, name, network) and isinstance(value, (int, float)):
                yield value


def _is_rate(item: Item, name: str, network: Network) -> bool:
    return item.word != "dropout" and kind_of(item.word, name, network.blocks) == "p"


def _line(values: list[float]) -> tuple[float, int] | None:
    """Return rate and total so that all values are ``rate * number / total``, number being whole.

    Of several, the one whose rate is the shortest, as that is what was surely chosen.
    """
    last = values[-1]
    found: list[tuple[int, int, float]] = []
    for total in range(1, MOST + 1):
        for number in range(max(1, total // 2), total + 1):
            rate = tidied(last * total / number)
            short = len(f"{rate:g}")
            better = f"{rate:g}" == f"{rate:.12g}" and (not found or short < found[0][0])
            if better and all(_number(value, rate, total) for value in values):
                found = [(short, total, rate)]
    return (found[0][2], found[0][1]) if found else None


def _number(value: float, rate: float, total: int) -> int:
    """Return which number of the series a value is; 0 for none."""
    number = round(value * total / rate)
    return number if tidied(rate * number / total) == tidied(value) else 0


def _stepped(item: Item, network: Network, rate: float, total: int) -> Item:
    fields = []
    for name, value in item.fields:
        number = _number(value, rate, total) if isinstance(value, (int, float)) and value else 0
        is_rate = _is_rate(item, name, network) and isinstance(value, (int, float))
        fields.append((name, _step(rate, number, total) if is_rate else value))
    return replace(item, fields=tuple(fields))


def _step(rate: float, number: int, total: int) -> Step:
    text = f"{rate} * {number} / {total}" if number else "0"
    step = Step(text)
    step.rate, step.number, step.total = rate, number, total
    return step


def joined(row: Items) -> Items:
    """Return a row in which neighbours that differ by one step of a series only are one that repeats."""
    found: list[Item] = []
    place = 0
    while place < len(row):
        end = place + 1
        name = ""
        while end < len(row) and (step := _next(row[end - 1], row[end])) and name in ("", step):
            name, end = step, end + 1
        found.append(_repeating(row[place], name, end - place) if end > place + 1 else _alone(row[place]))
        place = end
    return tuple(found)


def _alone(item: Item) -> Item:
    """Return an item with 0 for the step that is 0."""
    fields = tuple((n, 0 if isinstance(v, Step) and not v.number else v) for n, v in item.fields)
    return replace(item, fields=fields) if fields != item.fields else item


def _next(one: Item, other: Item) -> str:
    """Return the field that is a step further in the second item, all else being equal; else an empty one."""
    if (
        replace(one, fields=()) != replace(other, fields=())
        or one.repeat != 1
        or len(one.fields) != len(other.fields)
    ):
        return ""
    differing = [(a, b) for a, b in zip(one.fields, other.fields, strict=True) if a != b]
    if len(differing) != 1:
        return ""
    (name, value), (_, following) = differing[0]
    steps = isinstance(value, Step) and isinstance(following, Step)
    return name if steps and following.number == value.number + 1 else ""


def _repeating(item: Item, name: str, times: int) -> Item:
    def grows(step: Any) -> Expr:
        index = f"({step.number} + index)" if step.number else "index"
        return Expr(f"{step.rate} * {index} / {step.total}")

    fields = tuple((n, grows(value) if n == name else value) for n, value in item.fields)
    return replace(item, fields=fields, repeat=times)
