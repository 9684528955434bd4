"""Where everything of a flow graph stands: units are measured first, and then placed.

Everything hangs on a spine, the line that data flows down: a measured unit knows how far it reaches
to the left and to the right of it, and its height. So all that stands in a row is in one line.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from cnnspec.views.diagram.flow.boxes import Box
from cnnspec.views.drawing.letters import shortened, text_width
from cnnspec.views.drawing.scene import Group, Line, Rect, Shape, Text

GAP = 32
"""From one unit to the next, room for an arrow with a shape beside it."""
LABEL, LABEL_GAP = 11, 7
"""Size of the labels of edges, and how far they are from them."""
ROUND = 8
"""Radius of an edge's corners."""
PAD, HEAD, FOOT = 14, 30, 16
"""Of a frame: beside what is in it, above it with the title, and below it."""
WIDEST_TITLE = 170


class Measured(Protocol):
    """A unit that can be placed with its spine at `x` and its top at `y`."""

    @property
    def left(self) -> float:
        """How far it reaches to the left of its spine."""

    @property
    def right(self) -> float:
        """How far it reaches to the right of its spine."""

    @property
    def height(self) -> float:
        """Its height."""

    @property
    def arrow(self) -> bool:
        """Whether an edge ends at its top, and does not go on inside."""

    def place(self, x: float, y: float, out: list[Shape]) -> None:
        """Add its shapes."""


@dataclass(frozen=True)
class StackBox:
    """Boxes of the same width below each other."""

    boxes: tuple[Box, ...]
    width: float
    arrow: bool = True

    @cached_property
    def left(self) -> float:
        """Half its width."""
        return self.width / 2

    @cached_property
    def right(self) -> float:
        """Half its width."""
        return self.width / 2

    @cached_property
    def height(self) -> float:
        """All boxes' heights."""
        return sum(one.height for one in self.boxes)

    def place(self, x: float, y: float, out: list[Shape]) -> None:
        """Add the boxes."""
        for one in self.boxes:
            out += one.shapes(x, y)
            y += one.height


@dataclass(frozen=True)
class RowBox:
    """Units below each other, with edges that tell the shape; `labels` has one after each unit."""

    units: tuple[Measured, ...]
    labels: tuple[str, ...]

    @cached_property
    def left(self) -> float:
        """What the widest unit needs."""
        return max((unit.left for unit in self.units), default=0)

    @cached_property
    def right(self) -> float:
        """What the widest unit or label needs."""
        labels = max(map(label_width, self.labels), default=0)
        return max(labels, *(unit.right for unit in self.units), 0)

    @cached_property
    def height(self) -> float:
        """All units and the edges between them."""
        return sum(unit.height for unit in self.units) + GAP * max(len(self.units) - 1, 0)

    @cached_property
    def arrow(self) -> bool:
        """Whether an edge ends at its first unit."""
        return bool(self.units) and self.units[0].arrow

    def place(self, x: float, y: float, out: list[Shape]) -> None:
        """Add the units and the edges between them."""
        for number, unit in enumerate(self.units):
            if number:
                edge(((x, y - GAP), (x, y)), out, arrow=unit.arrow)
                label(x, y - GAP, self.labels[number - 1], out)
            unit.place(x, y, out)
            y += unit.height + GAP


@dataclass(frozen=True)
class FrameBox:
    """A row in a frame with a title."""

    title: str
    row: RowBox
    room: float
    """Of the title, left of the spine."""
    arrow: bool = False

    @cached_property
    def left(self) -> float:
        """What the row and the title need."""
        return max(self.row.left + PAD, self.room)

    @cached_property
    def right(self) -> float:
        """What the row needs, and as much as on the left."""
        return max(self.row.right + PAD, self.left)

    @cached_property
    def height(self) -> float:
        """The row's with a margin."""
        return HEAD + self.row.height + FOOT

    def place(self, x: float, y: float, out: list[Shape]) -> None:
        """Add the frame and what is in it."""
        rect = Rect(x - self.left, y, self.left + self.right, self.height, "frame", 6)
        told = shortened(self.title, LABEL, self.left - PAD / 2 - LABEL_GAP, bold=True)
        title = Text(x - self.left + PAD / 2, y + 16, told, "faint", LABEL, bold=True)
        out.append(Group((rect, title), "frame", self.title if told != self.title else ""))
        edge(((x, y), (x, y + HEAD)), out, arrow=self.row.arrow)
        self.row.place(x, y + HEAD, out)
        edge(((x, y + HEAD + self.row.height), (x, y + self.height)), out)


def title_room(title: str) -> float:
    """Return how wide a frame must be left of its spine for its title."""
    return min(text_width(title, LABEL, bold=True) + PAD + LABEL_GAP, WIDEST_TITLE)


def edge(points: tuple[tuple[float, float], ...], out: list[Shape], *, arrow: bool = False) -> None:
    """Add an edge."""
    out.append(Line(points, "edge", ROUND, arrow))


def label(x: float, y: float, text: str, out: list[Shape]) -> None:
    """Add a label right of an edge that goes down from there."""
    if text:
        out.append(Text(x + LABEL_GAP, y + GAP / 2 + 1, text, "faint", LABEL))


def sign(text: str, x: float, y: float) -> Text:
    """Return what is written where branches meet, with its middle there."""
    if len(text) == 1:
        return Text(x, y + 5, text, size=15, anchor="middle", bold=True)
    return Text(x, y + 4, text, size=LABEL, anchor="middle")


def label_width(text: str) -> float:
    """Return how far a label reaches to the right of its edge."""
    return LABEL_GAP + text_width(text, LABEL) if text else 0
