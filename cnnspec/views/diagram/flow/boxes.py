"""The boxes of a flow graph: how large they are, and what stands in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from cnnspec.views.diagram.flow.graph import Cell
from cnnspec.views.diagram.labels import hover
from cnnspec.views.drawing.letters import shortened, text_width
from cnnspec.views.drawing.scene import Group, Rect, Shape, Text

MAJOR, MINOR = 28, 18
"""Heights of a box, and of one that leaves the shape as it is."""
SIZE, SMALL = 13, 11
"""Sizes of the text in them."""
LINE = 14
"""Height of a line of details."""
NARROWEST, WIDEST = 96, 240
"""Widths of boxes."""
MARGIN = 10
"""Left and right of the text."""
MOST_LINES = 3
"""Lines of details at most."""
ROUNDING = 0.01
"""What sums of widths may differ by."""
SHEET = 4
"""How far a second box looks out from below one that stands for several."""


@dataclass(frozen=True, slots=True)
class Box:
    """A cell that is so wide, with the lines of its details."""

    cell: Cell
    width: float
    text: str
    details: tuple[str, ...]

    @property
    def height(self) -> float:
        """Its height."""
        return self.front + SHEET * self.several

    @property
    def front(self) -> float:
        """The height of what is written on."""
        if self.details:
            return MAJOR + LINE * len(self.details)
        return MINOR if self.cell.minor else MAJOR

    @property
    def several(self) -> bool:
        """Whether it stands for repetitions of a block."""
        return self.cell.closed and len(self.cell.steps) > 1

    def shapes(self, x: float, y: float) -> list[Shape]:
        """Return the box with its middle at `x` and its top at `y`."""
        left, cell = x - self.width / 2, self.cell
        radius = 0 if cell.minor else 3
        rect = Rect(left, y, self.width, self.front, cell.role, radius)
        below = Rect(left + SHEET, y + SHEET, self.width - 2 * SHEET, self.front, cell.role, radius)
        size = SMALL if cell.minor else SIZE
        told = shortened(self.text, size, self.width - 2 * MARGIN + ROUNDING, bold=cell.closed)
        texts: list[Shape] = [
            Text(x, y + (13 if cell.minor else 19), told, size=size, anchor="middle", bold=cell.closed)
        ]
        for number, line in enumerate(self.details):
            role = "faint" if cell.role == "block" else "text"
            texts.append(Text(x, y + 33 + LINE * number, line, role, SMALL, "middle"))
        node = Group((rect, *texts), "node", hover(cell.steps) if cell.steps else "")
        return [Group((below,), "sheet"), node] if self.several else [node]


def natural_width(cell: Cell) -> float:
    """Return how wide a cell would be."""
    text, details = _lines(cell, WIDEST - 2 * MARGIN)
    size = SMALL if cell.minor else SIZE
    widths = (text_width(text, size, bold=cell.closed), *(text_width(line, SMALL) for line in details))
    return min(max(*widths, NARROWEST - 2 * MARGIN) + 2 * MARGIN, WIDEST)


def box(cell: Cell, width: float) -> Box:
    """Return a cell as a box of that width."""
    return Box(cell, width, *_lines(cell, width - 2 * MARGIN))


def _lines(cell: Cell, room: float) -> tuple[str, tuple[str, ...]]:
    """Return a cell's text, and its details in lines that are not wider than that.

    What is too wide for the text goes on as details, and so does the name before it.
    """
    text, *facts = cell.text.split(", ")
    size = SMALL if cell.minor else SIZE
    details = cell.detail.split(", ") if cell.detail else []
    name, colon, rest = text.partition(": ")
    if colon and text_width(text, size, bold=cell.closed) > room + ROUNDING:
        text, details = rest, [name, *details]
    while facts and text_width(f"{text}, {facts[0]}", size, bold=cell.closed) <= room + ROUNDING:
        text = f"{text}, {facts.pop(0)}"
    return text, in_lines([*facts, *details], SMALL, room, MOST_LINES)


def in_lines(facts: Sequence[str], size: float, width: float, most: int) -> tuple[str, ...]:
    """Return facts in at most so many lines, none of them broken and no line wider than that."""
    lines: list[str] = []
    for fact in facts:
        longer = f"{lines[-1]}, {fact}" if lines else fact
        if lines and text_width(longer, size) <= width + ROUNDING:
            lines[-1] = longer
        else:
            lines.append(fact)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]}, …"]
    return tuple(shortened(line, size, width + ROUNDING) for line in lines)
