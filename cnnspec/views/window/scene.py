"""The picture of a window as scenes: each of its grids, with the sizes written at the sides."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from cnnspec.views.drawing.letters import text_width
from cnnspec.views.drawing.scene import Group, Line, Rect, Scene, Shape, Text
from cnnspec.views.window.axis import Axis, Slots, edge
from cnnspec.views.window.marks import AWAY, TICK, arrow, break_mark, measure, rect
from cnnspec.views.window.picture import FLAT, Grid, Look, Picture, Place

CELL = 16
"""Width and height of a cell, in pixels."""

MOST, MOST_BESIDE = 16, 9
"""Cells along an axis of the grid under the window, and of that beside it, at most."""

TITLE, SMALL = 13, 11
"""Sizes of the fonts, in pixels."""

TOP, RIGHT, BOTTOM = 48, 10, 28
"""What is left around a grid for its title and its sizes; left of it, that depends on them."""

PAINTED: dict[Look, str] = {
    "touched": "touched",
    "touched padding": "touched",
    "never touched": "unreached",
}
"""The role of what is painted over cells; the others stay as they are."""

TITLES = {
    "first": "the window at its first place",
    "next": "its next place",
    "last": "its last place",
}
"""What is told of the frames on hover."""


def scenes(picture: Picture) -> tuple[Scene, Scene]:
    """Return the scenes of both grids, the input's first."""
    first, second = picture.grids
    return (
        _Drawing(first, "n", MOST if first is picture.under else MOST_BESIDE).scene(),
        _Drawing(second, "", MOST if second is picture.under else MOST_BESIDE).scene(),
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """An axis in pixels: the cells that are shown, the first of them at `origin`."""

    axis: Axis
    slots: Slots
    origin: float

    def at(self, cell: int) -> float:
        """Return where a cell begins."""
        return self.origin + CELL * edge(self.slots, cell)

    def window(self, place: int) -> tuple[float, float]:
        """Return where the window at a place begins and ends."""
        cells = self.axis.touched(place)
        return self.at(cells.start), self.at(cells.stop)

    @property
    def parts(self) -> tuple[float, float, float, float]:
        """Where the padding begins, the values begin, the padding goes on, and it ends."""
        size = self.axis.size
        return self.at(self.axis.first), self.at(0), self.at(size), self.at(size + self.axis.after)

    @property
    def inner(self) -> list[float]:
        """Where one cell ends and the next begins."""
        return [self.origin + CELL * number for number in range(1, len(self.slots))]

    @property
    def end(self) -> float:
        """Where the last cell that is shown ends."""
        return self.origin + CELL * len(self.slots)

    @property
    def cut(self) -> float | None:
        """The middle of what is left out, if anything is."""
        return self.origin + CELL * (self.slots.index(None) + 0.5) if None in self.slots else None


class _Drawing:
    """A grid with the window at its first place, at the next one and at the last.

    `letter` is what the formulas call its size.
    """

    def __init__(self, grid: Grid, letter: str, most: int) -> None:
        self.grid, self.letter = grid, letter
        rows, columns = grid.rows, grid.columns
        differs = (rows.f, rows.s, rows.d) != (columns.f, columns.s, columns.d)
        downwards = rows.places > 1 and columns.places == 1
        self.own = rows is not FLAT and grid.slides and (differs or downwards)
        self.y = _Side(rows, rows.slots(most), TOP)
        texts = [] if rows is FLAT else [text for _, _, text in self.measured(self.y)]
        self.beside = _room([_window(rows), f"s = {rows.s}"]) if self.own else 0
        self.x = _Side(columns, columns.slots(most), self.beside + _room(texts))

    def scene(self) -> Scene:
        """Return the picture of the grid."""
        shapes = (
            *self.cells(),
            *self.frames(),
            *self.breaks(),
            self.title(),
            *self.sizes(),
            *self.window_sizes(),
        )
        width = max(self.x.end, *(right_of(shape) for shape in shapes if isinstance(shape, Text))) + RIGHT
        return Scene(math.ceil(width), self.y.end + BOTTOM, shapes, self.grid.title)

    def cells(self) -> Iterator[Shape]:
        """Yield the padding, the values in it, what is painted over them, and lines between them."""
        (x0, x1, x2, x3), (y0, y1, y2, y3) = self.x.parts, self.y.parts
        if (x0, x3, y0, y3) != (x1, x2, y1, y2):
            yield Rect(x0, y0, x3 - x0, y3 - y0, "padding", dashed=True)
        yield Rect(x1, y1, x2 - x1, y2 - y1, "cell")
        yield Group(tuple(self.painted("never touched")), "never-touched", "never in a window")
        yield Group(tuple(self.painted("touched", "touched padding")), "in-window")
        lines = [
            *(
                Line(((x, y), (x, end)), "hairline", dashed=dashed)
                for x, y, end, dashed in _lines(self.x, self.y)
            ),
            *(
                Line(((x, y), (end, y)), "hairline", dashed=dashed)
                for y, x, end, dashed in _lines(self.y, self.x)
            ),
        ]
        yield Group(tuple(lines), "lines")

    def painted(self, *looks: Look) -> Iterator[Rect]:
        """Yield what is painted over cells of these looks, those in a row as one."""
        for line, row in enumerate(self.y.slots):
            found = [
                row is not None and column is not None and self.grid.look(row, column) in looks
                for column in self.x.slots
            ]
            for is_painted, run in groupby(enumerate(found), key=lambda one: one[1]):
                numbers = [number for number, _ in run]
                if is_painted:
                    x, y = self.x.origin + CELL * numbers[0], self.y.origin + CELL * line
                    yield Rect(x, y, CELL * len(numbers), CELL, PAINTED[looks[0]])

    def area(self, place: Place) -> tuple[float, float, float, float]:
        """Return what the window covers at a place: left, top, right and bottom."""
        (left, right), (top, bottom) = self.x.window(place.column), self.y.window(place.row)
        return left, top, right, bottom

    def frames(self) -> Iterator[Group]:
        """Yield the frames of the places; the next one lies behind the first."""
        first, after, last = self.grid.places
        if last:
            yield _place("last", rect(self.area(last), "outline", dashed=True))
        if after:
            left, top, right, bottom = self.area(after)
            _, _, side, low = self.area(first)
            if after.row:
                top = max(top, low)
            else:
                left = max(left, side)
            seen = left, top, right, bottom
            yield _place("next", rect(seen, "next"), rect(seen, "outline", dashed=True))
        yield _place("first", rect(self.area(first), "outline"))

    def breaks(self) -> Iterator[Shape]:
        """Yield the marks where cells are left out."""
        if self.x.cut is not None:
            yield break_mark((self.x.cut, self.y.origin), (self.x.cut, self.y.end))
        if self.y.cut is not None:
            yield break_mark((self.x.origin, self.y.cut), (self.x.end, self.y.cut))

    def title(self) -> Text:
        """Return what the grid is."""
        return Text(self.x.origin, TITLE + 1, self.grid.title, size=TITLE, bold=True)

    def sizes(self) -> Iterator[Shape]:
        """Yield the sizes of the values and of the padding, below the grid and left of it."""
        y = self.y.end + AWAY
        for start, end, text in self.measured(self.x):
            yield measure((start, y), (end, y))
            yield Text((start + end) / 2, y + AWAY + SMALL - 2, text, size=SMALL, anchor="middle")
        if self.grid.rows is FLAT:
            return
        x = self.x.origin - AWAY - self.beside
        for start, end, text in self.measured(self.y):
            yield measure((x, start), (x, end))
            yield Text(x - AWAY, (start + end) / 2 + SMALL / 3, text, size=SMALL, anchor="end")

    def measured(self, side: _Side) -> list[tuple[float, float, str]]:
        """Return each part of an axis with its size: the values, and the padding if there is room for it."""
        axis, upright = side.axis, side is self.y
        values = f"{self.letter} = {axis.size}" if self.letter else str(axis.size)
        before, inner, after = pairwise(side.parts)
        found = [(*inner, values)]
        for (start, end), size in ((before, axis.before), (after, axis.after)):
            away = abs(start + end - inner[0] - inner[1]) / 2
            needed = SMALL if upright else (text_width(values, SMALL) + text_width(str(size), SMALL)) / 2
            if size and away > needed + 2:
                found.append((start, end, str(size)))
        return found

    def window_sizes(self) -> Iterator[Shape]:
        """Yield the window's size and stride above the grid, and those along the rows where they differ."""
        columns = self.grid.columns
        if not self.grid.slides:  # cell by cell: that needs no words
            return
        y, label = TOP - AWAY, TOP - AWAY - TICK - 3
        left, right = self.x.window(0)
        yield measure((left, y), (right, y))
        middle = max((left + right) / 2, text_width(_window(columns), SMALL) / 2 + 2)
        size = Text(middle, label, _window(columns), size=SMALL, anchor="middle")
        yield size
        if columns.places > 1:
            yield from arrow((right, y), (self.x.window(1)[1], y))
            yield Text(max(right + 2, right_of(size) + 8), label, f"s = {columns.s}", size=SMALL)
        if self.own:
            yield from self.rows_window()

    def rows_window(self) -> Iterator[Shape]:
        """Yield the size and stride of the rows' window, left of the grid."""
        rows, x = self.grid.rows, self.x.origin - AWAY
        top, bottom = self.y.window(0)
        yield measure((x, top), (x, bottom))
        yield Text(x - AWAY, (top + bottom) / 2 + SMALL / 3, _window(rows), size=SMALL, anchor="end")
        if rows.places > 1:
            end = self.y.window(1)[1]
            yield from arrow((x, bottom), (x, end))
            y = max((bottom + end) / 2 + SMALL / 3, (top + bottom) / 2 + SMALL / 3 + SMALL + 2)
            yield Text(x - AWAY, y, f"s = {rows.s}", size=SMALL, anchor="end")


def _place(name: str, *shapes: Shape) -> Group:
    """Return what shows one of the places."""
    return Group(shapes, f"place {name}", TITLES[name])


def _room(texts: list[str]) -> float:
    """Return what sizes take left of a grid, with their line."""
    return 2 * AWAY + 2 + math.ceil(max((text_width(text, SMALL) for text in texts), default=0))


def _window(axis: Axis) -> str:
    """Return the window's size in the letters of the formulas."""
    return f"f = {axis.f}" if axis.span == axis.f else f"f = {axis.f}, d = {axis.d}"


def _lines(across: _Side, along: _Side) -> Iterator[tuple[float, float, float, bool]]:
    """Yield the lines between cells: where, from where to where, and whether it is dashed, on padding."""
    _, start, end, last = across.parts
    for place in across.inner:
        if place > last:  # beyond the padding there is nothing
            continue
        for number, (one, other) in enumerate(pairwise(along.parts)):
            if one < other:
                yield place, one, other, not (number == 1 and start <= place <= end)


def right_of(text: Text) -> float:
    """Return where a text ends at most."""
    width = text_width(text.text, text.size, bold=text.bold)
    return text.x + {"start": width, "middle": width / 2, "end": 0}[text.anchor]
