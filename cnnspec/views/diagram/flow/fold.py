"""Networks that go down to small maps and come back: drawn as the U that they are known for.

A fork of the input itself and of a branch that returns to the input's size is folded at its
smallest maps: what comes before them goes down on the left, what comes after them up on the right, and
the input itself goes straight across (Ronneberger et al., "U-Net", 2015, figure 1).
"""

from dataclasses import dataclass
from functools import cached_property

from cnnspec.shape import Shape as Size
from cnnspec.shape import times, volume
from cnnspec.views.diagram.flow.graph import Fork, Row, Stack, Unit
from cnnspec.views.diagram.flow.layout import LABEL, RowBox, edge, label, label_width, sign
from cnnspec.views.diagram.flow.measure import measure_row, widest
from cnnspec.views.diagram.labels import merge_hover
from cnnspec.views.drawing.letters import text_width
from cnnspec.views.drawing.scene import Group, Line, Polygon, Rect, Shape, Text, moved

DROP = 36
"""From a level's boxes down to the line across, and from there to the next level."""
ACROSS = 110
"""Between the boxes of both arms at least."""
MERGE = 20
"""Height of the box where the arms meet."""


@dataclass(frozen=True)
class _Level:
    """What comes before a fork, what comes after it, and the fork."""

    down: RowBox
    up: RowBox
    fork: Fork

    @cached_property
    def height(self) -> float:
        """The height of the larger arm."""
        return max(self.down.height, self.up.height)

    @cached_property
    def merge_width(self) -> float:
        """The width of the box where the arms meet."""
        return MERGE if self.is_sign else text_width(self.fork.sign, LABEL) + 24

    @property
    def is_sign(self) -> bool:
        """Whether the arms meet in a round sign."""
        return len(self.fork.sign) == 1


@dataclass(frozen=True)
class FoldBox:
    """A row in the form of a U: `levels` from the largest maps to the smallest, then the `bottom`.

    The bottom is what still goes down, what stands at the smallest maps, and what goes up again.
    """

    levels: tuple[_Level, ...]
    bottom: tuple[RowBox, RowBox, RowBox]

    arrow = True

    @cached_property
    def left(self) -> float:
        """How far it reaches to the left of the arm that goes down."""
        return max(self.bottom[0].left, *(level.down.left for level in self.levels))

    @cached_property
    def apart(self) -> float:
        """From one arm's spine to the other's."""
        down = max(self.bottom[0].right, *(level.down.right for level in self.levels))
        up = max(self.bottom[2].left, *(max(level.up.left, level.merge_width / 2) for level in self.levels))
        middle = 2 * max(self.bottom[1].left, self.bottom[1].right)
        return max(down + ACROSS + up, middle + 2 * ACROSS)

    @cached_property
    def right(self) -> float:
        """How far it reaches to the right of the arm that goes down."""
        up = (
            max(level.up.right, level.merge_width / 2, label_width(times(level.fork.output)))
            for level in self.levels
        )
        return self.apart + max(self.bottom[2].right, *up)

    @cached_property
    def height(self) -> float:
        """Of all levels and the bottom."""
        return sum(level.height + 2 * DROP for level in self.levels) + self.bottom_height

    @cached_property
    def bottom_height(self) -> float:
        """Of what stands below the last line across."""
        down, middle, up = self.bottom
        arms = max(down.height, up.height)
        if not middle.units:
            return arms + DROP
        return arms + DROP + (middle.height / 2 if self.beside else middle.height + 2 * DROP)

    @cached_property
    def beside(self) -> bool:
        """Whether what stands at the smallest maps is a box, which edges can meet at its sides."""
        return len(self.bottom[1].units) == 1 and self.bottom[1].units[0].arrow

    def place(self, x: float, y: float, out: list[Shape]) -> None:
        """Add all levels, with the left arm at `x`."""
        other = x + self.apart
        before: float | None = None
        for level in self.levels:
            low = y + level.height
            across = low + DROP
            self.place_arms((level.down, level.up), (y, low), before, x, out)
            edge(((x, low), (x, across)), out)
            label(x, low + 1, level.down.labels[-1] if level.down.units else "", out)
            half = level.merge_width / 2
            edge(((x, across), (other - half, across)), out, arrow=True)
            edge(((other, across - MERGE / 2), (other, low)), out, arrow=level.up.arrow)
            label(other, low - 3, times(level.fork.output), out)
            out.append(self.meeting(level, other, across))
            before, y = across, across + DROP
        self.place_bottom(x, y, before or y, out)

    def meeting(self, level: _Level, x: float, y: float) -> Group:
        """Return the box around that place where the arms of a level meet."""
        half, radius = level.merge_width / 2, MERGE / 2 if level.is_sign else 4
        rect = Rect(x - half, y - MERGE / 2, 2 * half, MERGE, "composition", radius)
        return Group((rect, sign(level.fork.sign, x, y)), "node", merge_hover(level.fork))

    def place_arms(
        self,
        arms: tuple[RowBox, RowBox],
        ends: tuple[float, float],
        before: float | None,
        x: float,
        out: list[Shape],
    ) -> None:
        """Add what goes down and up between two heights, and the edges from and to the level above."""
        (down, up), (_, low), other = arms, ends, x + self.apart
        down.place(x, low - down.height, out)
        rising: list[Shape] = []
        up.place(other, low - up.height, rising)
        out += [mirrored(shape, low - up.height + low) for shape in rising]
        if before is not None:
            edge(((x, before), (x, low - down.height)), out, arrow=down.arrow)
            edge(((other, low - up.height), (other, before + MERGE / 2)), out, arrow=True)
            label(other, before + 7, up.labels[-1] if up.units else "", out)

    def place_bottom(self, x: float, y: float, before: float, out: list[Shape]) -> None:
        """Add what stands below the last line across."""
        down, middle, up = self.bottom
        other, centre = x + self.apart, x + self.apart / 2
        low = y + max(down.height, up.height)
        self.place_arms((RowBox(down.units, down.labels), up), (y, low), before, x, out)
        label(x, low + 1, down.labels[-1] if down.units else "", out)
        turn = low + DROP
        if not middle.units:
            edge(((x, low), (x, turn), (other, turn), (other, low)), out, arrow=up.arrow)
            return
        if self.beside:
            middle.place(centre, turn - middle.height / 2, out)
            edge(((x, low), (x, turn), (centre - middle.left, turn)), out, arrow=True)
            edge(((centre + middle.right, turn), (other, turn), (other, low)), out, arrow=up.arrow)
            end = turn
        else:
            middle.place(centre, turn + DROP, out)
            edge(((x, low), (x, turn), (centre, turn), (centre, turn + DROP)), out, arrow=middle.arrow)
            end = turn + 2 * DROP + middle.height
            edge(((centre, end - DROP), (centre, end), (other, end), (other, low)), out, arrow=up.arrow)
        label(other, low + 1, middle.labels[-1], out)


def mirrored(shape: Shape, sum_of_ends: float) -> Shape:
    """Return a shape upside down within two heights, whose sum is given; boxes keep their texts upright."""
    match shape:
        case Group((Rect() as rect, *_), "node"):
            return moved(shape, 0, sum_of_ends - 2 * rect.y - rect.height)
        case Group(shapes, kind, title):
            return Group(tuple(mirrored(one, sum_of_ends) for one in shapes), kind, title)
        case Rect(x, y, width, height, role, radius, dashed):
            return Rect(x, sum_of_ends - y - height, width, height, role, radius, dashed)
        case Line(points, role, radius, arrow, dashed):
            return Line(tuple((x, sum_of_ends - y) for x, y in points), role, radius, arrow, dashed)
        case Polygon(points, role):
            return Polygon(tuple((x, sum_of_ends - y) for x, y in points), role)
        case Text(x, y, text, role, size, anchor, bold):
            return Text(x, sum_of_ends - y + 0.72 * size, text, role, size, anchor, bold)


def measure_fold(row: Row) -> FoldBox | None:
    """Return a row as a U, or None where it has no such fork, or several."""
    parts: list[tuple[Row, Row, Fork]] = []
    inner = row
    while (place := _fold(inner)) is not None:
        fork = inner.units[place]
        assert isinstance(fork, Fork)
        parts.append(
            (Row(inner.input, inner.units[:place]), Row(fork.output, inner.units[place + 1 :]), fork)
        )
        inner = next(branch.row for branch in fork.branches if branch.row.units)
    if not parts:
        return None
    ends = _bottom(inner)
    width = max(widest(part) for level in parts for part in level[:2])
    width = max(width, *(widest(end) for end in ends))
    levels = (_Level(measure_row(down, width), measure_row(up, width), fork) for down, up, fork in parts)
    first, middle, last = (measure_row(end, width) for end in ends)
    return FoldBox(tuple(levels), (first, middle, last))


def _fold(row: Row) -> int | None:
    """Return the number of the only unit that can be folded, if there is one."""
    found = [number for number, unit in enumerate(row.units) if _can_be_folded(unit)]
    return found[0] if len(found) == 1 else None


def _can_be_folded(unit: Unit) -> bool:
    """Tell whether a unit is a fork of its input and of a branch that makes it smaller and large again."""
    if not isinstance(unit, Fork) or len(unit.branches) != 2 or unit.sign == "×":
        return False
    rows = sorted((branch.row for branch in unit.branches), key=lambda row: len(row.units))
    if rows[0].units or not rows[1].units:
        return False
    size = _space(rows[0].input)
    return _space(rows[1].output) == size and min(_space(one.output) for one in rows[1].units) < size


def _bottom(row: Row) -> tuple[Row, Row, Row]:
    """Return what goes down to the smallest maps, what stands there, and what goes up from them."""
    sizes = [_space(unit.output) for unit in row.units]
    first = sizes.index(min(sizes)) + 1
    last = len(sizes) - sizes[::-1].index(min(sizes))
    shapes = [row.input, *(unit.output for unit in row.units)]
    start = first if _is_layer(row.units[first - 1]) else first - 1
    return (
        Row(row.input, row.units[:start]),
        Row(shapes[start], row.units[start:last]),
        Row(shapes[last], row.units[last:]),
    )


def _is_layer(unit: Unit) -> bool:
    """Tell whether a unit is no more than layers."""
    return isinstance(unit, Stack) and not any(cell.closed for cell in unit.cells)


def _space(x: Size) -> int:
    """Return the number of places of a map."""
    return volume(x[1:])
