"""What differs between the specs of several runs, a row for each value."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cnnspec.errors import shown

MOST_ROWS = 100
"""Rows that are shown at most."""

LONGEST = 120
"""Characters of a value that are shown."""

NOTHING = "–"


class Difference(NamedTuple):
    """A value of a spec by its path, such as ``train.optimizer.adam.lr``, and what each run has there."""

    path: str
    values: tuple[str, ...]


def differences(specs: Sequence[dict[str, Any]]) -> tuple[list[Difference], int]:
    """Return what differs between resolved specs, in their order, and how many rows are left out.

    Lists of one length are compared value by value; others, such as networks of different depth, as one,
    and so is what only some of the specs have.
    """
    found = _compare("", list(specs))
    return found[:MOST_ROWS], max(0, len(found) - MOST_ROWS)


_MISSING = object()


def _compare(path: str, values: list[Any]) -> list[Difference]:
    """Return the differences below a path, where each spec has one of the values."""
    first = values[0]
    parts: list[tuple[str, list[Any]]] = []
    if all(isinstance(value, dict) for value in values):
        for name in dict.fromkeys(name for value in values for name in value):
            way = f"{path}.{name}" if path else str(name)
            parts.append((way, [value.get(name, _MISSING) for value in values]))
    elif all(isinstance(value, list) and len(value) == len(first) for value in values):
        parts = [(f"{path}[{number}]", list(row)) for number, row in enumerate(zip(*values, strict=True))]
    elif not all(type(value) is type(first) and value == first for value in values):  # true is not 1
        return [Difference(path, tuple(map(_told, values)))]
    return [difference for way, row in parts for difference in _compare(way, row)]


def _told(value: Any) -> str:
    """Return a value in a line."""
    text = NOTHING if value is _MISSING else _written(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_written(one)}' for name, one in value.items())}}}"
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return f"{len(value)}: {', '.join(str(_name(one)) for one in value)}"
    return shown(value, LONGEST)


def _name(item: Any) -> Any:
    """Return what an item of a network is called: its layer's name."""
    return next(iter(item), "") if isinstance(item, dict) else item
