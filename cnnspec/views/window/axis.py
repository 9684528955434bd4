"""One axis of a grid of cells, with the places that a window takes along it."""

import math
from dataclasses import dataclass
from typing import Self

from cnnspec.shape import TransposedWindow, Window

Slots = tuple[int | None, ...]
"""The cells that a picture shows, in order; None stands for all those between its neighbours."""

LAST_CELLS = 3
"""Cells of the last place that a cut grid shows, to tell where it ends."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of `size` cells from 0 on, with `before` and `after` cells of padding around them.

    A window of `f` cells, `d` apart, takes `places` places, `s` apart, from the first cell of the padding on.
    """

    size: int
    before: int = 0
    after: int = 0
    places: int = 1
    f: int = 1
    s: int = 1
    d: int = 1

    @classmethod
    def under(cls, window: Window) -> Self:
        """Return the axis that a window lies over: a transposed one's output, and the input of all others."""
        if isinstance(window, TransposedWindow):
            return cls(window.output, window.p, window.p, window.n, window.f, window.s, window.d)
        after = window.p + window.extra
        return cls(window.n, window.p, after, window.output, window.f, window.s, window.d)

    @classmethod
    def beside(cls, window: Window) -> Self:
        """Return the other axis, on which each place of the window is one cell."""
        size = window.n if isinstance(window, TransposedWindow) else window.output
        return cls(size, places=size)

    @property
    def span(self) -> int:
        """Cells from the first to the last that the dilated window touches."""
        return self.d * (self.f - 1) + 1

    @property
    def first(self) -> int:
        """The first cell."""
        return -self.before

    @property
    def end(self) -> int:
        """The cell after the last one; with ceil_mode, windows reach beyond the padding."""
        return max(self.size + self.after, self.start(self.places - 1) + self.span)

    def start(self, place: int) -> int:
        """Return the first cell of the window at a place, counted from 0."""
        return place * self.s - self.before

    def touched(self, place: int) -> range:
        """Return the cells that the window touches at a place."""
        start = self.start(place)
        return range(start, start + self.span, self.d)

    def is_beyond(self, cell: int) -> bool:
        """Tell whether a cell lies beyond the padding, where there is nothing: windows of ceil_mode do."""
        return cell >= self.size + self.after

    def is_touched(self, cell: int) -> bool:
        """Tell whether the window touches a cell at any of its places."""
        # At place i the window's j-th cell is here if i·s + j·d = far: then every (s/common)th j is, too.
        far, common = cell - self.first, math.gcd(self.s, self.d)
        if far % common:
            return False
        step = self.s // common
        j = far // common * pow(self.d // common, -1, step) % step
        least = max(0, -((far - (self.places - 1) * self.s) // -self.d))
        return j + -((least - j) // -step) * step <= min(self.f - 1, far // self.d)

    def slots(self, most: int) -> Slots:
        """Return the cells of a picture that is at most `most` cells wide: the first and the last ones.

        Where not all are shown, there are of the last those that tell where the last place ends and what
        lies after it, but no more than leave room for the first place, and of the first all others.
        """
        if self.end - self.first <= most:
            return tuple(range(self.first, self.end))
        rest = self.end - self.touched(self.places - 1).stop
        wanted = max(rest + min(self.span, LAST_CELLS), self.end - self.size + 1)
        tail = min(max(min(wanted, most - self.span - 2), rest + 1), most // 2)
        return (*range(self.first, self.first + most - 1 - tail), None, *range(self.end - tail, self.end))


def edge(slots: Slots, cell: int) -> float:
    """Return where a cell begins, counted in cells that are shown; those left out begin in their middle."""
    if cell in slots:
        return slots.index(cell)
    if cell - 1 in slots:
        return slots.index(cell - 1) + 1
    return slots.index(None) + 0.5
