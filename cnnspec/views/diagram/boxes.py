"""The boxes of a flow graph: how large they are, and what stands in them."""

from dataclasses import dataclass

from cnnspec.views.diagram.graph import Cell
from cnnspec.views.diagram.labels import hover
from cnnspec.views.drawing.letters import shortened, text_width
from cnnspec.views.drawing.scene import Group, Rect, Shape, Text

MAJOR, MINOR = 28, 18
"""Heights of a box, and of one that leaves the shape as it is."""
SIZE, SMALL = 13, 11
"""Sizes of the text in them."""
LINE = 14
"""Height of a line of details."""
NARROWEST, WIDEST = 96, 232
"""Widths of boxes."""
MARGIN = 10
"""Left and right of the text."""
MOST_LINES = 3
"""Lines of details at most."""
STRIPE = 5
"""Width of the stripe that tells what a block is made of."""


@dataclass(frozen=True, slots=True)
class Box:
    """A cell that is so wide, with the lines of its details."""

    cell: Cell
    width: float
    details: tuple[str, ...]

    @property
    def height(self) -> float:
        """Its height."""
        if self.details:
            return MAJOR + LINE * len(self.details)
        return MINOR if self.cell.minor else MAJOR

    def shapes(self, x: float, y: float) -> list[Shape]:
        """Return the box with its middle at `x` and its top at `y`."""
        left, cell = x - self.width / 2, self.cell
        rect = Rect(left, y, self.width, self.height, cell.role, 0 if cell.minor else 3)
        size = SMALL if cell.minor else SIZE
        room = self.width - 2 * MARGIN
        told = shortened(cell.text, size, room, bold=cell.closed)
        baseline = y + (13 if cell.minor else 19)
        texts: list[Shape] = [Text(x, baseline, told, size=size, anchor="middle", bold=cell.closed)]
        for number, line in enumerate(self.details):
            texts.append(Text(x, y + 33 + LINE * number, line, "faint", SMALL, "middle"))
        return [Group((rect, *texts), "node", hover(cell.steps) if cell.steps else "")]


def natural_width(cell: Cell) -> float:
    """Return how wide a cell would be."""
    size = SMALL if cell.minor else SIZE
    text = text_width(cell.text, size, bold=cell.closed)
    details = max((text_width(line, SMALL) for line in _details(cell, WIDEST - 2 * MARGIN)), default=0)
    return min(max(text, details) + 2 * MARGIN, WIDEST) if text > NARROWEST - 2 * MARGIN or details else NARROWEST


def box(cell: Cell, width: float) -> Box:
    """Return a cell as a box of that width."""
    return Box(cell, width, _details(cell, width - 2 * MARGIN))


def _details(cell: Cell, room: float) -> tuple[str, ...]:
    """Return a cell's details in lines that are not wider than that."""
    if not cell.detail:
        return ()
    lines: list[str] = []
    for fact in cell.detail.split(", "):
        longer = f"{lines[-1]}, {fact}" if lines else fact
        if lines and text_width(longer, SMALL) <= room:
            lines[-1] = longer
        else:
            lines.append(fact)
    kept = lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        kept[-1] += ", …"
    return tuple(shortened(line, SMALL, room) for line in kept)
