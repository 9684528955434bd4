"""The key to the pictures of windows: what their colours and lines mean."""

import math
from collections.abc import Collection, Iterator

from cnnspec.views.drawing.scene import Line, Scene, Shape, Text
from cnnspec.views.window.marks import break_mark, rect
from cnnspec.views.window.picture import Picture
from cnnspec.views.window.scene import CELL, MOST, RIGHT, TITLE, right_of

LINE = 22
"""Height of a line, in pixels."""


def key(pictures: Collection[Picture]) -> Scene:
    """Return what the colours and lines of pictures mean, as far as they are used there."""
    shapes: list[Shape] = []
    rows = list(_rows(pictures))
    for number, (name, text) in enumerate(rows):
        y = number * LINE + 2
        shapes += [*_sample(name, 2, y), Text(2 * CELL + 12, y + CELL - 4, text, size=TITLE)]
    width = max(right_of(shape) for shape in shapes if isinstance(shape, Text))
    return Scene(math.ceil(width) + RIGHT, len(rows) * LINE + 4, tuple(shapes), "what the pictures show")


def _rows(pictures: Collection[Picture]) -> Iterator[tuple[str, str]]:
    """Yield the samples, and what they mean."""
    grids = [picture.under for picture in pictures]
    cells = [(grid, grid.rows.slots(MOST), grid.columns.slots(MOST)) for grid in grids]
    looks = {look for grid, rows, columns in cells for look in grid.looks(rows, columns)}
    yield "first", "the first place of the window, and its cell"
    if any(grid.places.next for grid in grids):
        yield "next", "the next place"
    if any(grid.places.last for grid in grids):
        yield "last", "the last place"
    if "padding" in looks or "touched padding" in looks:
        yield "padding", " or ".join(sorted({picture.margin for picture in pictures}))
    if "never touched" in looks:
        yield "unreached", "never in a window"
    if any(None in slots for _, *both in cells for slots in both):
        yield "left out", "cells that are left out"


def _sample(name: str, x: float, y: float) -> list[Shape]:
    """Return two cells as they are drawn."""
    area = x, y, x + 2 * CELL, y + CELL
    middle = x + CELL
    line = Line(((middle, y), (middle, y + CELL)), "hairline", dashed=name == "padding")
    if name == "padding":
        return [rect(area, "padding", dashed=True), line]
    shapes: list[Shape] = [rect(area, "cell")]
    if name in ("first", "next", "unreached"):
        shapes.append(rect(area, "touched" if name == "first" else name))
    shapes.append(line)
    if name in ("first", "next", "last"):
        shapes.append(rect(area, "outline", dashed=name != "first"))
    if name == "left out":
        shapes.append(break_mark((middle, y), (middle, y + CELL)))
    return shapes
