"""The picture of a window as text, in box-drawing characters or in ASCII."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cnnspec.views.window.axis import Axis, Slots, edge
from cnnspec.views.window.picture import Grid, Look, Picture, Place

SIZES = ((16, 11, 8), (13, 10, 7), (11, 9, 6), (9, 8, 5), (7, 7, 5))
"""Columns and rows of cells under the window, and of those beside it, at most: from wide to narrow."""

GAP = 3
"""Columns between the two grids."""

FIRST, FAINT = 0, 1
"""The frames of the first place and of the others, in the order of a charset's frames."""


class Charset(NamedTuple):
    """The characters of a picture.

    A frame is its corners (upper left, upper right, lower left, lower right) and its two sides.
    """

    cells: Mapping[Look, str]
    frames: tuple[str, str]
    left_out: tuple[str, str]
    arrows: tuple[str, str, str]
    times: str

    @property
    def all(self) -> str:
        """All of them, to see whether a terminal can show them."""
        return "".join((*self.cells.values(), *self.frames, *self.left_out, *self.arrows, self.times))


BOXES = Charset(
    {
        "touched": "■",
        "touched padding": "□",
        "value": "·",
        "padding": "◦",
        "never touched": "×",
        "beyond": " ",
    },
    ("╔╗╚╝═║", "┌┐└┘─│"),
    ("…", ":"),
    ("─", "→", "↓"),
    "×",
)
ASCII = Charset(
    {
        "touched": "#",
        "touched padding": "0",
        "value": ".",
        "padding": "o",
        "never touched": "x",
        "beyond": " ",
    },
    ("++++=H", "++++-|"),
    ("~", ":"),
    ("-", ">", "v"),
    "x",
)

MEANINGS: dict[Look, str] = {
    "touched": "in the window",
    "touched padding": "in it on {margin}",
    "value": "another value",
    "padding": "{margin}",
    "never touched": "never in a window",
}
"""What the signs of the cells mean; the margin is what is around the values."""


class Art(NamedTuple):
    """A picture as lines of text, the looks of the cells in it, and what is around the values."""

    lines: tuple[str, ...]
    looks: frozenset[Look]
    margin: str


def charset_for(encoding: str) -> Charset:
    """Return the characters that an encoding has."""
    try:
        BOXES.all.encode(encoding)
    except UnicodeEncodeError:
        return ASCII
    return BOXES


def art(picture: Picture, width: int, charset: Charset = BOXES) -> Art | None:
    """Return the picture as text of at most `width` columns, or None where there is no room for it.

    The grids stand beside each other, or one below the other where that is too wide.
    """
    for columns, rows, beside in SIZES:
        drawings = [
            _Drawing(grid, charset, (rows, columns) if grid is picture.under else (beside, beside))
            for grid in picture.grids
        ]
        texts = [drawing.lines() for drawing in drawings]
        for lines in (_beside(*texts), _below(*texts)):
            if max(map(len, lines)) <= width:
                looks = frozenset().union(*(d.looks for d in drawings))
                return Art(tuple(lines), looks, picture.margin)
    return None


def signs(arts: Collection[Art], charset: Charset = BOXES) -> dict[str, str]:
    """Return the signs of the cells in pictures, with what they mean."""
    looks = {look for one in arts for look in one.looks}
    margin = " or ".join(sorted({one.margin for one in arts}))
    return {
        charset.cells[look]: meaning.format(margin=margin)
        for look, meaning in MEANINGS.items()
        if look in looks
    }


@dataclass(frozen=True, slots=True)
class _Frame:
    """The cells around which a frame stands, as edges: between two cells, or half in what is left out."""

    top: float
    left: float
    bottom: float
    right: float

    @property
    def levels(self) -> set[float]:
        """The edges of its upper and lower side."""
        return {self.top, self.bottom}


class _Drawing:
    """A grid as text: two columns a cell, and lines between the rows only where a frame has a side."""

    def __init__(self, grid: Grid, charset: Charset, most: tuple[int, int]) -> None:
        self.grid, self.charset = grid, charset
        self.rows, self.columns = grid.rows.slots(most[0]), grid.columns.slots(most[1])
        self.looks = grid.looks(self.rows, self.columns)
        places = grid.places
        self.first = self.frame(places.first)
        others = [self.frame(place) for place in (places.last, places.next) if place]
        self.others = [frame for frame in others if not self.splits_first(frame)]

    def frame(self, place: Place) -> _Frame:
        """Return the frame of a place."""
        top, bottom = _edges(self.grid.rows, place.row, self.rows)
        left, right = _edges(self.grid.columns, place.column, self.columns)
        return _Frame(top, left, bottom, right)

    def splits_first(self, frame: _Frame) -> bool:
        """Tell whether a side of a frame would need a line within the first place's rows."""
        return any(self.first.top < level < self.first.bottom for level in frame.levels)

    def lines(self) -> list[str]:
        """Return the title, the arrow of the stride, and the grid."""
        frames = [*self.others, self.first]
        levels = {level for frame in frames for level in frame.levels}
        y: dict[float, int] = {}  # the line of each edge that a frame uses, and, at halves, of each row
        for row in range(len(self.rows) + 1):
            if row in levels:
                y[row] = len(y)
            y[row + 0.5] = len(y)
        del y[len(self.rows) + 0.5]
        canvas = [[" "] * (2 * len(self.columns) + 1) for _ in y]
        for frame in frames:
            self.draw_frame(canvas, frame, y)
        for row, r in enumerate(self.rows):
            for column, c in enumerate(self.columns):
                canvas[y[row + 0.5]][2 * column + 1] = self.sign(r, c)
        title = self.grid.title.replace("×", self.charset.times)
        return [title, self.arrow(), *("".join(line).rstrip() for line in canvas)]

    def sign(self, row: int | None, column: int | None) -> str:
        """Return the sign of a cell, or of those left out; beyond the padding there is none of either."""
        rows, columns = self.grid.rows, self.grid.columns
        if row is not None and column is not None:
            return self.charset.cells[self.grid.look(row, column)]
        if (row is not None and rows.is_beyond(row)) or (column is not None and columns.is_beyond(column)):
            return " "
        return self.charset.left_out[0 if column is None else 1]

    def draw_frame(self, canvas: list[list[str]], frame: _Frame, y: Mapping[float, int]) -> None:
        """Draw a frame over whatever is there; a side that is left out stays open."""
        box = self.charset.frames[FIRST if frame is self.first else FAINT]
        top, bottom = y[frame.top], y[frame.bottom]
        left, right = int(2 * frame.left), int(2 * frame.right)
        for line in range(top, bottom + 1):
            upper, lower = (line, frame.top % 1) == (top, 0), (line, frame.bottom % 1) == (bottom, 0)
            for column in range(left, right + 1):
                first, last = (column, frame.left % 1) == (left, 0), (column, frame.right % 1) == (right, 0)
                across = (box[2 * lower], box[4], box[2 * lower + 1])[1 + last - first]
                canvas[line][column] = across if upper or lower else box[5] if first or last else " "

    def arrow(self) -> str:
        """Return the arrow from the first place to the next, with the stride."""
        place = self.grid.places.next
        if place is None or not self.grid.slides:
            return ""
        shaft, right, down = self.charset.arrows
        rows, columns = self.grid.rows, self.grid.columns
        if place.row:
            return f"{down} s = {rows.s}"
        both = f" across, {rows.s} down" if rows.places > 1 and rows.s != columns.s else ""
        start, end = int(2 * self.first.right), int(2 * self.frame(place).right)
        return f"{' ' * (start + 1)}{shaft * (end - start - 1)}{right} s = {columns.s}{both}"


def _edges(axis: Axis, place: int, slots: Slots) -> tuple[float, float]:
    """Return the edges of the window at a place along an axis."""
    cells = axis.touched(place)
    return edge(slots, cells.start), edge(slots, cells.stop)


def _beside(one: list[str], other: list[str]) -> list[str]:
    """Return two drawings side by side."""
    width = max(map(len, one)) + GAP
    height = max(len(one), len(other))
    pairs = zip(_filled(one, height), _filled(other, height), strict=True)
    return [f"{left:<{width}}{right}".rstrip() for left, right in pairs]


def _below(one: list[str], other: list[str]) -> list[str]:
    """Return two drawings one below the other."""
    return [*one, "", *other]


def _filled(lines: list[str], height: int) -> list[str]:
    return lines + [""] * (height - len(lines))
