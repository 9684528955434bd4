"""Volumes side by side, from left to right around an axis, with their shapes above and labels below.

The labels of a row stand on one line below its volumes, each below the way to the volume that its
operations make. A merge with the input itself has its other part one level lower, as U-Net's
figure has; parts of other merges are rows above each other.
"""

from dataclasses import dataclass, field
from itertools import chain, pairwise

from cnnspec.views.diagram.volumes.boxes import Box, Scale
from cnnspec.views.diagram.volumes.labels import shape_title
from cnnspec.views.diagram.volumes.model import Fork, Row, Volume
from cnnspec.views.diagram.volumes.names import Name, name_width
from cnnspec.views.diagram.volumes.operations import APART, Labels, Placed, labels, spread
from cnnspec.views.diagram.volumes.windows import CLEAR, Spot, arrow, between
from cnnspec.views.drawing.scene import Group, Line, Point, Rect, Shape, moved

GAP = 38
"""Pixels between two volumes at least."""
DRIFT = 8
"""How far a volume's labels may stand below itself, where there is no room before it."""
BELOW = 13
"""Pixels from a row's volumes down to its labels."""
LOWER = 18
"""Pixels from a row's labels to what is a level lower, and between rows of parts."""
SHORTCUT = 60
"""Pixels of the way past a part, at least."""
WIDE, BESIDE = 28, 28
"""Width of a volume that ways lead to from below, and how far before narrower ones they turn, in pixels."""
RADIUS, DOT = 7, 5
"""Of a way's corners, and the size of a point where ways part."""
NOWHERE = -1e6


@dataclass(slots=True)
class Laid:
    """A row whose axis is at y = 0; it reaches from `left` to `right`, and so far above and below the axis.

    Its first volume begins at `entry`, its last ends at `exit`; `ends` tells how far each element reaches.
    """

    shapes: list[Shape] = field(default_factory=list)
    left: float = 0
    right: float = 0
    above: float = 0
    below: float = 0
    entry: float = 0
    exit: float = 0
    ends: list[float] = field(default_factory=list)

    def at(self, x: float, y: float) -> list[Shape]:
        """Return its shapes with its axis there."""
        return [moved(shape, x, y) for shape in self.shapes]


@dataclass(frozen=True, slots=True)
class _Lower:
    """A part one level lower; the way down to it begins at `start`, and that up from it ends at `end`."""

    laid: Laid
    start: Point
    end: Point


def lay(row: Row, scale: Scale, *, entered: bool = True, hanging: bool = False) -> Laid:
    """Return a row of volumes; one that is `entered` has room for a way from x = 0 to its first volume.

    Nothing is below that way's beginning where the row is `hanging`, so that labels may be.
    """
    axis = _Axis(scale, entered=entered, hanging=hanging)
    for element, then in zip(row, [*row[1:], None], strict=True):
        if isinstance(element, Volume):
            axis.volume(element, over=isinstance(then, Fork) and bool(then.inner))
        elif element.inner:
            axis.lower(element, element.inner)
        else:
            axis.beside(element)
        axis.ends.append(max(axis.volumes_end, axis.names_end, axis.labels_end))
    return axis.laid()


class _Axis:
    """Lays out a row; what ends where is known for volumes, their names, labels, and what is lower.

    `under` is how far the volumes on the axis reach below it, and `below` all that does.
    """

    def __init__(self, scale: Scale, *, entered: bool, hanging: bool) -> None:
        self.scale = scale
        self.entered = entered
        self.volumes_end: float = 0
        self.names_end: float = 0
        self.labels_end: float = 0 if entered and not hanging else NOWHERE
        self.lower_end: float = NOWHERE
        self.left: float = 0
        self.above: float = 0
        self.under: float = 0
        self.below: float = 0
        self.first: Spot | None = None
        self.last: Spot | None = None
        self.count = 0
        self.shapes: list[Shape] = []
        self.names: list[Name] = []
        self.labels: list[tuple[float, list[Placed]]] = [(self.labels_end + APART, [])]
        self.parts: list[_Lower] = []
        self.ends: list[float] = []

    def volume(self, volume: Volume, *, over: bool) -> None:
        """Put a volume after what is there; `over` a part that is lower, there may be a way down from it."""
        box, stack = self.measured(volume)
        alone, before = self.last is None and not self.entered, self.last
        x = 0 if alone else max(self.volumes_end + GAP, self.name_start(volume, box, self.volumes_end))
        wanted = middle = x + box.width / 2
        if not alone:
            clear = box.face[2] / 2 - APART - stack.width / 2 if over and box.face[2] >= WIDE else DRIFT
            x = max(x, self.labels_end + APART + stack.width / 2 - clear) if stack.width else x
            wanted = min((x + self.volumes_end) / 2, x + clear)
            middle = max(wanted, self.labels_end + APART + stack.width / 2)
        placed = self.put(volume, box, x)
        self.put_labels(stack, wanted, middle)
        if before and volume.maker:
            source = volume.maker.steps[0].input
            for shape in between(before, placed, volume, source, self.count):
                self.shapes.append(shape)
                if isinstance(shape, Line) and not shape.arrow:
                    self.names[-2].rise_over(shape)
                    self.names[-1].rise_over(shape)
        self.count += 1

    def lower(self, fork: Fork, part: Row) -> None:
        """Put a part a level lower, and after it the volume that it and the way past it make."""
        one = self.source()
        laid = lay(part, self.scale, hanging=True)
        down = self.way_down(one, laid)
        box, stack = self.measured(fork.merged)
        wide = box.face[2] >= WIDE
        to_box = -box.face[2] / 2 if wide else BESIDE
        ends = (
            down + laid.right + APART,
            max(self.labels_end, down) + stack.width + 2 * APART,
            max(self.volumes_end, down) + SHORTCUT - to_box,
            self.name_start(fork.merged, box, max(self.volumes_end, down)) - to_box,
        )
        up = max(ends)
        bottom = one[2] + one[0].height
        start = (down, bottom) if down < self.volumes_end else (down, 0)
        end = (up, box.height / 2 + CLEAR) if wide else (up, 0)
        self.parts.append(_Lower(laid, start, end))
        placed = self.put(fork.merged, box, up + to_box)
        self.shapes.append(arrow(one, placed))
        middle = up - APART - stack.width / 2
        self.labels += [(middle - stack.width / 2, [Placed(stack, middle, middle)]), (up + APART, [])]
        self.labels_end = up
        self.lower_end = max(self.lower_end, up)

    def way_down(self, one: Spot, laid: Laid) -> float:
        """Return where the way to a lower part begins: below a volume, if there is room, or after it."""
        box, x, _ = one
        left, _, width, _ = box.face
        down, free = x + left + width / 2, max(self.labels_end, self.lower_end - laid.left) + APART
        return down if width >= WIDE and down >= free else max(self.volumes_end + BESIDE / 2, free)

    def beside(self, fork: Fork) -> None:
        """Put parts above each other, and after them the volume that they make."""
        one = self.source()
        start = max(self.volumes_end + BESIDE / 2, self.names_end + APART / 2, self.labels_end + APART)
        laid = [lay(part, self.scale) if part else Laid(above=APART, below=APART) for part in fork.parts]
        axes = _stacked(laid)
        inside = start + max([0, *(APART - part.left for part in laid if part.left < 0)])
        end = inside + max(part.right for part in laid) + BESIDE / 2
        box, stack = self.measured(fork.merged)
        self.volumes_end = self.names_end = end
        x = max(end + GAP, end + stack.width + 2 * APART, self.name_start(fork.merged, box, end))
        out = x_of_outline(one)
        for part, y in zip(laid, axes, strict=True):
            self.shapes += part.at(inside, y)
            self.shapes += _ways(part, (out, start, inside, end), y)
            self.above, self.below = max(self.above, part.above - y), max(self.below, part.below + y)
        placed = self.put(fork.merged, box, x)
        into = placed[1] + box.left_at(box.height / 2) - CLEAR
        self.shapes.append(Line(((end, 0), (into, 0)), arrow=True))
        self.shapes += [moved(shape, (x + end - stack.width) / 2, APART) for shape in stack.shapes]
        self.under = max(self.under, APART + stack.height)
        self.labels.append((end + APART, []))
        self.labels_end, self.lower_end = end, max(self.lower_end, end)

    def source(self) -> Spot:
        """Return the volume before a fork, or a point where a row begins with one."""
        if self.last is None:
            dot = Box(DOT, DOT, (0, 0, DOT, DOT), (Rect(0, 0, DOT, DOT, "arrow", radius=DOT / 2),))
            self.last = self.first = (dot, self.volumes_end + (GAP / 2 if self.entered else 0), -DOT / 2)
            self.shapes.append(moved(dot.shapes[0], self.last[1], -DOT / 2))
            self.volumes_end = self.last[1] + DOT
        return self.last

    def measured(self, volume: Volume) -> tuple[Box, Labels]:
        """Return a volume's box and labels."""
        return self.scale.box(volume.shape, volume.role, volume.bands), labels(volume)

    def name_start(self, volume: Volume, box: Box, end: float) -> float:
        """Return where a volume can begin, so that what is written above it meets nothing."""
        return max(self.names_end, end) + APART + (name_width(volume) - box.width) / 2

    def put(self, volume: Volume, box: Box, x: float) -> Spot:
        """Put a volume there, and its shape above it."""
        top = -box.height / 2
        drawn = tuple(moved(shape, x, top) for shape in box.shapes)
        self.shapes.append(Group(drawn, "volume", shape_title(volume.shape)))
        self.last = box, x, top
        self.names.append(Name(volume, self.last))
        self.left = min(self.left, self.names[-1].left)
        self.volumes_end, self.names_end = x + box.width, self.names[-1].right
        self.under = max(self.under, box.height / 2)
        self.first = self.first or self.last
        return self.last

    def put_labels(self, stack: Labels, wanted: float, middle: float) -> None:
        """Put labels below the row, where they are `wanted` or further right."""
        if stack.width:
            self.labels[-1][1].append(Placed(stack, wanted, middle))
            self.labels_end = middle + stack.width / 2

    def laid(self) -> Laid:
        """Return the row, with what is below its volumes."""
        shapes, low = self.shapes, self.under
        for name in self.names:
            shapes += name.texts()
            self.above = max(self.above, name.above)
        for stack, middle in chain.from_iterable(spread(run, start) for start, run in self.labels):
            self.left = min(self.left, middle - stack.width / 2)
            shapes += [moved(shape, middle - stack.width / 2, self.under + BELOW) for shape in stack.shapes]
            low = max(low, self.under + BELOW + stack.height)
        axis, below = (
            low + LOWER + max((part.laid.above for part in self.parts), default=0),
            max(low, self.below),
        )
        for part in self.parts:
            x, up = part.start[0], part.end[0]
            into, out = (x + part.laid.entry - CLEAR, axis), (x + part.laid.exit + CLEAR, axis)
            shapes += part.laid.at(x, axis)
            shapes.append(Line((part.start, (x, axis), into), radius=RADIUS, arrow=True))
            shapes.append(Line((out, (up, axis), part.end), radius=RADIUS, arrow=part.end[1] != 0))
            below = max(below, axis + part.laid.below)
        entry = self.first[1] + self.first[0].left_at(self.first[0].height / 2) if self.first else 0
        right = max(self.volumes_end, self.names_end, self.labels_end)
        left = self.left
        for part in self.parts:
            left = min(left, part.start[0] + part.laid.left)
        return Laid(
            shapes,
            left,
            right,
            self.above,
            below,
            entry,
            x_of_outline(self.last) if self.last else 0,
            self.ends,
        )


def x_of_outline(placed: Spot) -> float:
    """Return where the outline of a volume ends at the height of its middle."""
    box, x, _ = placed
    return x + box.right_at(box.height / 2)


def _ways(part: Laid, stops: tuple[float, float, float, float], y: float) -> list[Line]:
    """Return the ways to and from a part whose row is at height y.

    The stops are where the volume before it ends, where ways part, where the row is, and where ways meet.
    """
    out, start, inside, end = stops
    begin: tuple[Point, ...] = ((out + CLEAR, 0), (start, 0), (start, y))
    finish: tuple[Point, ...] = ((end, y), (end, 0))
    if not part.shapes:
        return [Line((*begin, *finish), radius=RADIUS)]
    return [
        Line((*begin, (inside + part.entry - CLEAR, y)), radius=RADIUS, arrow=True),
        Line(((inside + part.exit + CLEAR, y), *finish), radius=RADIUS),
    ]


def _stacked(rows: list[Laid]) -> list[float]:
    """Return the heights of rows' axes above each other, with 0 in their middle."""
    axes = [0.0]
    for one, other in pairwise(rows):
        axes.append(axes[-1] + one.below + LOWER + other.above)
    middle = axes[-1] / 2
    return [y - middle for y in axes]
