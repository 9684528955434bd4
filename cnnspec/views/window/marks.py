"""What is drawn beside and across a grid: sizes, strides, and where cells are left out."""

from collections.abc import Iterator

from cnnspec.views.drawing.scene import Group, Line, Point, Rect

AWAY, TICK = 7, 3
"""How far from a grid its sizes are marked, and half the length of the marks' ends, in pixels."""

STRIP, PERIOD, WAVE = 8, 8, 2
"""Width of the strip where cells are left out, and length and height of the waves at its sides."""


def rect(area: tuple[float, float, float, float], role: str, *, dashed: bool = False) -> Rect:
    """Return the rectangle from left and top to right and bottom."""
    left, top, right, bottom = area
    return Rect(left, top, right - left, bottom - top, role, dashed=dashed)


def arrow(start: Point, end: Point) -> Iterator[Line]:
    """Yield an arrow, if there is any way between the points."""
    if start != end:
        yield Line((start, end), arrow=True)


def measure(start: Point, end: Point) -> Group:
    """Return a line along an axis, with marks at its ends."""
    dx, dy = (0, TICK) if start[1] == end[1] else (TICK, 0)
    marks = [Line(((x - dx, y - dy), (x + dx, y + dy))) for x, y in (start, end)]
    return Group((Line((start, end)), *marks), "measure")


def break_mark(start: Point, end: Point) -> Group:
    """Return the mark of what is left out along a line: a strip of paper between two waves."""
    (x, y), (right, bottom) = start, end
    upright, half = x == right, STRIP / 2
    if upright:
        paper = Rect(x - half, y - AWAY / 2, STRIP, bottom - y + AWAY, "paper")
    else:
        paper = Rect(x - AWAY / 2, y - half, right - x + AWAY, STRIP, "paper")
    steps = round((bottom - y + right - x) / PERIOD)
    waves = []
    for side in (-half, half):
        ups = [(number * PERIOD, side + (WAVE if number % 2 else -WAVE)) for number in range(steps + 1)]
        points = [(x + across, y + along) if upright else (x + along, y + across) for along, across in ups]
        waves.append(Line(tuple(points), "hairline", radius=PERIOD))
    return Group((paper, *waves), "left-out", "cells that are left out")
