"""Where everything of a flow graph stands: units are measured first, and then placed.

Everything hangs on a spine, the line that data flows down: a measured unit knows how far it reaches
to the left and to the right of it, and its height. So all that stands in a row is in one line.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from cnnspec.shape import Shape as Size
from cnnspec.shape import times
from cnnspec.views.diagram.boxes import Box, box, natural_width
from cnnspec.views.diagram.graph import Fork, Frame, Row, Stack, Unit
from cnnspec.views.diagram.labels import merge_hover
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
LEAD, ENTRY, EXIT = 12, 26, 34
"""Of a fork: down to where it parts, then to its branches, and from these to where they meet."""
APART = 26
"""Between branches."""
SIGN, BAR = 10, 20
"""Radius of the sign where branches meet, and the height of the bar that concatenates them."""


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
    arrow: bool = False

    @cached_property
    def left(self) -> float:
        """What the row and the title need, which stands left of the spine."""
        title = text_width(self.title, LABEL, bold=True) + PAD + LABEL_GAP
        return max(self.row.left + PAD, min(title, WIDEST_TITLE))

    @cached_property
    def right(self) -> float:
        """What the row needs."""
        return self.row.right + PAD

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


@dataclass(frozen=True)
class Arm:
    """A branch in its place: `x` is its spine's distance from the fork's; `row` is None for the input itself."""

    x: float
    row: RowBox | None
    name: str
    output: str

    @cached_property
    def left(self) -> float:
        """How far it reaches to the left of the fork's spine, negative where it is right of it."""
        return (self.row.left if self.row else 0) - self.x

    @cached_property
    def right(self) -> float:
        """How far it reaches to the right of the fork's spine."""
        labels = max(label_width(self.name), label_width(self.output) if self.row else 0)
        return self.x + max(self.row.right if self.row else 0, labels)


@dataclass(frozen=True)
class ForkBox:
    """Branches beside each other that meet below: in a sign at its side, or in a bar across them all."""

    arms: tuple[Arm, ...]
    sign: str
    hover: str
    arrow: bool = False

    @cached_property
    def bar(self) -> tuple[float, float]:
        """Where the bar begins and ends, from the spine."""
        half = text_width(self.sign, LABEL) / 2 + 10
        xs = [arm.x for arm in self.arms]
        return min(min(xs) - half / 2, -half), max(max(xs) + half / 2, half)

    @cached_property
    def is_sign(self) -> bool:
        """Whether branches meet in a sign."""
        return len(self.sign) == 1

    @cached_property
    def left(self) -> float:
        """What the branches and the bar need."""
        return max(SIGN if self.is_sign else -self.bar[0], *(arm.left for arm in self.arms))

    @cached_property
    def right(self) -> float:
        """What the branches and the bar need."""
        return max(SIGN if self.is_sign else self.bar[1], *(arm.right for arm in self.arms))

    @cached_property
    def inner(self) -> float:
        """The height of the tallest branch."""
        return max(arm.row.height if arm.row else 0 for arm in self.arms)

    @cached_property
    def height(self) -> float:
        """From where it parts to where its branches have met."""
        return LEAD + ENTRY + self.inner + EXIT + (2 * SIGN if self.is_sign else BAR)

    def place(self, x: float, y: float, out: list[Shape]) -> None:
        """Add the branches, and where they meet."""
        bottom = y + self.height
        meet = bottom - SIGN if self.is_sign else bottom - BAR
        for arm in self.arms:
            self.place_arm(arm, x, y, meet, out)
        if self.is_sign:
            circle = Rect(x - SIGN, meet - SIGN, 2 * SIGN, 2 * SIGN, "composition", SIGN)
            text = Text(x, meet + 5, self.sign, size=15, anchor="middle", bold=True)
        else:
            start, end = self.bar
            circle = Rect(x + start, meet, end - start, BAR, "composition", 4)
            text = Text(x + (start + end) / 2, meet + 14, self.sign, size=LABEL, anchor="middle")
        out.append(Group((circle, text), "node", self.hover))

    def place_arm(self, arm: Arm, x: float, y: float, meet: float, out: list[Shape]) -> None:
        """Add a branch with the edges to and from it."""
        there, top = x + arm.x, y + LEAD + ENTRY
        start = ((x, y), (x, y + LEAD), (there, y + LEAD)) if arm.x else ((x, y),)
        end: tuple[tuple[float, float], ...] = ((there, meet),)
        if self.is_sign:
            side = SIGN if arm.x > 0 else -SIGN
            end = ((there, meet), (x + side, meet)) if arm.x else ((x, meet - SIGN),)
        label(there, top - ENTRY, arm.name, out)
        if arm.row is None:
            edge((*start, *end), out, arrow=True)
            return
        edge((*start, (there, top)), out, arrow=arm.row.arrow)
        arm.row.place(there, top, out)
        bottom = top + arm.row.height
        edge(((there, bottom), *end), out, arrow=True)
        label(there, top + self.inner, arm.output, out)


def edge(points: tuple[tuple[float, float], ...], out: list[Shape], *, arrow: bool = False) -> None:
    """Add an edge."""
    out.append(Line(points, "edge", ROUND, arrow))


def label(x: float, y: float, text: str, out: list[Shape]) -> None:
    """Add a label right of an edge that goes down from there."""
    if text:
        out.append(Text(x + LABEL_GAP, y + GAP / 2 + 1, text, "faint", LABEL))


def label_width(text: str) -> float:
    """Return how far a label reaches to the right of its edge."""
    return LABEL_GAP + text_width(text, LABEL) if text else 0


def measure_row(row: Row, width: float | None = None) -> RowBox:
    """Return a row, measured; its boxes are as wide as the widest, or as is given."""
    width = width or widest(row)
    units = tuple(measure(unit, width) for unit in row.units)
    return RowBox(units, tuple(times(unit.output) for unit in row.units))


def widest(row: Row) -> float:
    """Return the width of the widest box on a row's spine."""
    widths = [0.0]
    for unit in row.units:
        match unit:
            case Stack(cells):
                widths += map(natural_width, cells)
            case Frame(row=within):
                widths.append(widest(within))
            case Fork() if main_branch(unit) is not None:
                widths.append(widest(unit.branches[main_branch(unit) or 0].row))
    return max(widths)


def measure(unit: Unit, width: float) -> Measured:
    """Return a unit, measured, whose boxes on the spine are so wide."""
    match unit:
        case Stack(cells):
            return StackBox(tuple(box(cell, width) for cell in cells), width)
        case Frame(title, row):
            return FrameBox(title, measure_row(row, width))
        case Fork():
            return measure_fork(unit, width)


def main_branch(fork: Fork) -> int | None:
    """Return the number of the branch that stays on the spine: a residual's layers, or the only one with any."""
    filled = [number for number, branch in enumerate(fork.branches) if branch.row.units]
    alone = len(filled) == 1 or (fork.step.type == "residual" and bool(filled))
    return filled[0] if alone else None


def measure_fork(fork: Fork, width: float) -> ForkBox:
    """Return a fork, measured: around its main branch, or with its branches about the spine."""
    main = main_branch(fork)
    arms = []
    for number, branch in enumerate(fork.branches):
        own = measure_row(branch.row, width if number == main else None) if branch.row.units else None
        name = branch.name + f" ×{branch.count}" * (branch.count > 1)
        arms.append(Arm(0, own, name.strip(), times(branch.row.output)))
    if main is not None:
        arms.insert(0, arms.pop(main))
    placed = [arms[0]]
    for arm in arms[1:]:
        x = placed[-1].right + APART + arm.left
        placed.append(Arm(x, arm.row, arm.name, arm.output))
    shift = 0 if main is not None else (placed[0].x + placed[-1].x) / 2
    centred = tuple(Arm(arm.x - shift, arm.row, arm.name, arm.output) for arm in placed)
    return ForkBox(centred, fork.sign, merge_hover(fork))
