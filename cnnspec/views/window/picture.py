"""What a picture of a window shows: two grids, and the places of the window on both of them."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from cnnspec.plan import Step
from cnnspec.shape import Shape, TransposedWindow, times
from cnnspec.views.window.axis import Axis, Slots

Look = Literal["touched", "touched padding", "value", "padding", "never touched", "beyond"]
"""How a cell looks while the window is at its first place; ceil_mode reaches beyond the padding."""

PADDING, CUT_OFF = "padding", "cut off"
"""What cells around the values are: before a window slides over them, or after one has been spread there."""

FLAT = Axis(1)
"""The axis of the rows of what has no height."""


class Place(NamedTuple):
    """A place that the window takes: its number along the rows and along the columns, from 0."""

    row: int
    column: int


class Places(NamedTuple):
    """The places that are shown, as far as they differ: the first, the next to it, and the last."""

    first: Place
    next: Place | None
    last: Place | None


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid of cells under a window; `title` says what it is.

    `slides` tells whether it is the one that the window lies over: on the other it is a single cell.
    """

    rows: Axis
    columns: Axis
    title: str
    slides: bool

    def look(self, row: int, column: int) -> Look:
        """Return how a cell looks."""
        if self.rows.is_beyond(row) or self.columns.is_beyond(column):
            return "beyond"
        on_padding = not (0 <= row < self.rows.size and 0 <= column < self.columns.size)
        if row in self.rows.touched(0) and column in self.columns.touched(0):
            return "touched padding" if on_padding else "touched"
        if not (self.rows.is_touched(row) and self.columns.is_touched(column)):
            return "never touched"
        return "padding" if on_padding else "value"

    def looks(self, rows: Slots, columns: Slots) -> set[Look]:
        """Return the looks of all cells that are shown."""
        return {self.look(r, c) for r in rows for c in columns if r is not None and c is not None}

    @property
    def places(self) -> Places:
        """The places of the window that are shown."""
        rows, columns = self.rows.places, self.columns.places
        after = Place(0, 1) if columns > 1 else Place(1, 0)
        last = Place(rows - 1, columns - 1)
        return Places(
            Place(0, 0), after if rows * columns > 1 else None, last if rows * columns > 2 else None
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """A window on the grid that it lies over, and the grid that has a cell for each of its places.

    Those are the padded input and the output; of a transposed window, which spreads each input over
    the output, they are the output, with what is cut off around it, and the input. `places` is the
    number of places on each axis, of which the grids show the last two.
    """

    under: Grid
    beside: Grid
    places: Shape
    transposed: bool = False

    @property
    def margin(self) -> str:
        """What the cells around the values are."""
        return CUT_OFF if self.transposed else PADDING

    @property
    def caption(self) -> str:
        """What the picture shows, in a sentence or two."""
        count = times(self.places)
        if self.transposed:
            told = (
                f"The window spreads each of the {count} inputs over the output; what overlaps is added up."
            )
        elif set(self.places) == {1}:
            told = "The window takes 1 place, and makes one output there."
        else:
            told = f"The window takes {count} places, and makes one output at each."
        return f"{told} Depth is not shown." if len(self.places) > 2 else told

    @property
    def grids(self) -> tuple[Grid, Grid]:
        """Both grids, the input first."""
        return (self.beside, self.under) if self.transposed else (self.under, self.beside)


def picture_of(step: Step) -> Picture | None:
    """Return the picture of a layer's window, if it has one; of three axes, the last two are shown."""
    windows = step.layer.windows(step.input) if step.layer else ()
    if not windows:
        return None
    transposed = isinstance(windows[-1], TransposedWindow)
    under, beside = [Axis.under(w) for w in windows], [Axis.beside(w) for w in windows]
    margin = _margin(under, CUT_OFF if transposed else PADDING)
    sizes = f"input {times(step.input[1:])}", f"output {times(step.output[1:])}"
    one, other = reversed(sizes) if transposed else sizes
    places = tuple(axis.places for axis in under)
    grids = Grid(*_last_two(under), one + margin, slides=True), Grid(*_last_two(beside), other, slides=False)
    return Picture(*grids, places, transposed)


def _last_two(axes: list[Axis]) -> tuple[Axis, Axis]:
    """Return the axes that are drawn as rows and columns."""
    rows, columns = [FLAT, *axes][-2:]
    return rows, columns


def _margin(axes: list[Axis], word: str) -> str:
    """Return what lies around the values: ``, padding 1``; ``, padding 0+1`` where the sides differ."""
    sides = [f"{a.before}" if a.before == a.after else f"{a.before}+{a.after}" for a in axes]
    if not any(axis.before or axis.after for axis in axes):
        return ""
    return f", {word} {sides[0] if len(set(sides)) == 1 else '×'.join(sides)}"
