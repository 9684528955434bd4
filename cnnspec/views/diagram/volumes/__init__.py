"""The textbook's picture of a network: its feature maps as boxes, in rows from left to right."""

import math
from functools import cache
from itertools import pairwise

from cnnspec.plan import Plan
from cnnspec.views.diagram.heading import heading, legend
from cnnspec.views.diagram.volumes.boxes import Scale
from cnnspec.views.diagram.volumes.model import Fork, Row, volumes_of
from cnnspec.views.diagram.volumes.reading import read
from cnnspec.views.diagram.volumes.rows import RADIUS, Laid, lay
from cnnspec.views.diagram.volumes.windows import CLEAR
from cnnspec.views.drawing.scene import Line, Point, Scene

WIDTH = 1240
"""Pixels that rows are broken to; a merge with its parts is never broken."""
MORE = 1.6
"""How much wider than the widest merge lines may be, where one is wider than that."""
SMALLER_FROM, SMALLER = 1.2, 0.7
"""How much wider than that a picture must be for its volumes to be drawn smaller, and how much smaller."""
APART_FROM_SOURCE = 120
"""Pixels that a line may be wider, if it then need not begin with a merge, away from what it is made of."""
MARGIN, SPACE, NARROWEST = 24, 26, 520
"""Pixels around the picture, between its heading, figure and legend, and of its width at least."""
TURN, BETWEEN = 20, 30
"""Pixels beside lines for the way to the next one, and between them."""


def volumes(plan: Plan, depth: int | None = None) -> Scene:
    """Return a network as a picture of volumes; blocks are opened `depth` levels deep."""
    row = read(plan, depth)
    shown = list(volumes_of(row))
    shapes = [volume.shape for volume in shown]
    figure = _figure(_lines(row, Scale(shapes)))
    if figure.right > WIDTH * SMALLER_FROM:
        figure = _figure(_lines(row, Scale(shapes, SMALLER)))
    width = max(figure.right, NARROWEST)
    drawn, height = heading(plan, MARGIN, MARGIN, width)
    top = MARGIN + height + SPACE
    drawn += figure.at(MARGIN + (width - figure.right) / 2, top)
    bottom = top + figure.below + SPACE
    families = {operation.family for volume in shown for operation in volume.operations} - {""}
    entries, tall = legend(families, MARGIN, bottom, width)
    title = f"{plan.name}: feature maps"
    size = width + 2 * MARGIN, bottom + tall + MARGIN
    return Scene(*size, (*drawn, *entries), title, plan.spec.description)


def _figure(lines: list[Laid]) -> Laid:
    """Return lines below each other, with the ways from each to the next; its axis is its upper edge."""
    turn = TURN if len(lines) > 1 else 0
    left = turn - min(line.left for line in lines)
    figure = Laid(right=left + max(line.right for line in lines) + turn)
    start: Point | None = None
    for line in lines:
        between, y = figure.below - BETWEEN / 2, figure.below + line.above
        if start:
            figure.shapes.append(_turn(start, figure.right, between, left - turn, (left + line.entry, y)))
        figure.shapes += line.at(left, y)
        figure.below = y + line.below + BETWEEN
        start = left + line.exit, y
    figure.below -= BETWEEN
    return figure


def _turn(start: Point, right: float, between: float, left: float, end: Point) -> Line:
    """Return the way from the end of a line to the beginning of the next."""
    out, into = (start[0] + CLEAR, start[1]), (end[0] - CLEAR, end[1])
    points = (out, (right, start[1]), (right, between), (left, between), (left, end[1]), into)
    return Line(points, radius=RADIUS, arrow=True)


def _lines(row: Row, scale: Scale) -> list[Laid]:
    """Return the row, in as many lines as needed."""
    whole = lay(row, scale, entered=False)
    widest = max(end - start for start, end in pairwise([0, *whole.ends]))
    width = WIDTH if widest < WIDTH else widest * MORE
    if whole.right <= width:
        return [whole]
    starts = _starts(row, whole.ends, math.ceil(whole.right / width))
    return [lay(row[i:j], scale, entered=i > 0) for i, j in pairwise([*starts, len(row)])]


def _starts(row: Row, ends: list[float], lines: int) -> tuple[int, ...]:
    """Return the elements that lines begin with, such that the widest of them is as narrow as it can be."""

    @cache
    def best(elements: int, lines: int) -> tuple[float, tuple[int, ...]]:
        if not elements or not lines:
            return (math.inf if elements else 0), ()
        found: list[tuple[float, tuple[int, ...]]] = []
        for first in range(elements):
            widest, starts = best(first, lines - 1)
            width = ends[elements - 1] - (ends[first - 1] if first else 0)
            width += APART_FROM_SOURCE * isinstance(row[first], Fork)
            found.append((max(widest, width), (*starts, first)))
        return min(found)

    return best(len(ends), lines)[1]
