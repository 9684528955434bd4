"""A picture's sheet: the network's row in columns, its panels beside it, heading and legend."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from cnnspec.plan import Plan
from cnnspec.shape import times
from cnnspec.views.diagram.flow.boxes import in_lines
from cnnspec.views.diagram.flow.fold import FoldBox
from cnnspec.views.diagram.flow.graph import Panel
from cnnspec.views.diagram.flow.layout import GAP, LABEL, RowBox, edge, label, label_width
from cnnspec.views.diagram.flow.measure import measure_row
from cnnspec.views.diagram.heading import heading, legend, wrapped
from cnnspec.views.drawing.letters import shortened, text_width
from cnnspec.views.drawing.scene import Group, Rect, Scene, Shape, Text

MARGIN, SPACE = 20, 22
"""Around the sheet, and below its heading and above its legend."""
COLUMN, TURN, LEAD = 44, 26, 32
"""Between columns, how far below them the edge from one to the next goes, and how far above."""
MOST_COLUMNS = 12
BETWEEN = 20
"""Between panels."""
NARROWEST = 320
"""Width of a heading's lines at least."""
ASPECT, USUAL = 1.3, 780
"""Width over height of a good picture, and the height that needs no second column."""
PENALTY = 0.12
"""By how much worse a sheet is with each more column of the network's row."""

PAD, NAME, LINE = 14, 14, 14
"""Of a panel: beside and below what is in it, the size of its name, and the height of a line below that."""


@dataclass(frozen=True)
class PanelBox:
    """The inside of a block in a frame, with name and arguments above it."""

    panel: Panel
    row: RowBox

    @cached_property
    def notes(self) -> list[str]:
        """What stands below the name: arguments, and where they are from."""
        room = max(self.row.left + self.row.right, 200)
        uses = f"in {_outer(self.panel.step.path)}"
        if self.panel.others:
            uses += f" and {self.panel.others:,} other place{'s' * (self.panel.others > 1)}"
        left_out = f"{self.panel.left_out} other forms are not shown" if self.panel.left_out else ""
        detail = self.panel.detail.split(", ") if self.panel.detail else ()
        told = (
            *in_lines(detail, LABEL, room, 4),
            *wrapped(uses, LABEL, room, 2),
            *wrapped(left_out, LABEL, room, 2),
        )
        return list(told)

    @cached_property
    def head(self) -> float:
        """Height of name and notes."""
        return PAD + NAME + LINE * len(self.notes)

    @cached_property
    def width(self) -> float:
        """Its least width."""
        notes = max(text_width(line, LABEL) for line in self.notes)
        name = min(text_width(self.panel.title, NAME, bold=True), 240)
        shapes = label_width(times(self.panel.row.input))
        return max(self.row.left + max(self.row.right, shapes), notes, name) + 2 * PAD

    @cached_property
    def height(self) -> float:
        """Its height."""
        return self.head + GAP + self.row.height + GAP + 4

    def place(self, x: float, y: float, width: float, out: list[Shape]) -> None:
        """Add the panel with its left upper corner there."""
        name = shortened(self.panel.title, NAME, width - 2 * PAD, bold=True)
        texts: list[Shape] = [Text(x + PAD, y + PAD + 8, name, size=NAME, bold=True)]
        for number, line in enumerate(self.notes):
            texts.append(Text(x + PAD, y + PAD + NAME + 11 + LINE * number, line, "faint", LABEL))
        rect = Rect(x, y, width, self.height, "frame", 6)
        out.append(Group((rect, *texts), "frame", f"{self.panel.title}: {self.panel.detail}"))
        spine = x + (width + self.row.left - self.row.right) / 2
        top = y + self.head + GAP
        edge(((spine, top - GAP + 6), (spine, top)), out, arrow=self.row.arrow)
        label(spine, top - GAP + 1, times(self.panel.row.input), out)
        self.row.place(spine, top, out)
        bottom = top + self.row.height
        edge(((spine, bottom), (spine, bottom + GAP - 4)), out, arrow=True)
        label(spine, bottom - 3, times(self.panel.row.output), out)


@dataclass(frozen=True)
class _Layout:
    """Columns of the network's row, and of panels."""

    rows: tuple[RowBox, ...] | tuple[FoldBox]
    panels: tuple[tuple[PanelBox, ...], ...]

    @cached_property
    def lead(self) -> float:
        """Room above the columns for the edge that comes from the one before."""
        return LEAD if len(self.rows) > 1 else 0

    @cached_property
    def height(self) -> float:
        """Height of the tallest column."""
        panels = (sum(p.height for p in column) + BETWEEN * (len(column) - 1) for column in self.panels)
        return max(*(row.height + 2 * self.lead for row in self.rows), *panels, 0)

    @cached_property
    def widths(self) -> list[float]:
        """Widths of all columns."""
        panels = (max(panel.width for panel in column) for column in self.panels)
        return [*(row.left + row.right for row in self.rows), *panels]

    @cached_property
    def width(self) -> float:
        """Of all columns and what is between them."""
        gaps = COLUMN * (len(self.rows) - 1 + bool(self.panels)) + BETWEEN * max(len(self.panels) - 1, 0)
        return sum(self.widths) + gaps

    @property
    def cost(self) -> float:
        """How far it is from a good picture."""
        size = max(self.width / ASPECT, self.height, USUAL)
        return size * (1 + PENALTY * (len(self.rows) - 1))

    def place(self, x: float, y: float, out: list[Shape]) -> None:
        """Add all columns."""
        before: tuple[float, float, str] | None = None
        for row in self.rows:
            spine, top = x + row.left, y + self.lead
            if before:
                start, bottom, _ = before
                turn = x - COLUMN / 2
                low = bottom + TURN
                way = ((start, bottom), (start, low), (turn, low), (turn, y), (spine, y), (spine, top))
                edge(way, out, arrow=row.arrow)
                label(start, bottom - 3, before[2], out)
            row.place(spine, top, out)
            before = (spine, top + row.height, row.labels[-1] if isinstance(row, RowBox) else "")
            x += row.left + row.right + COLUMN
        for column in self.panels:
            width, there = max(panel.width for panel in column), y
            for panel in column:
                panel.place(x, there, width, out)
                there += panel.height + BETWEEN
            x += width + BETWEEN


def sheet(plan: Plan, row: RowBox | FoldBox, panels: Sequence[Panel], families: set[str]) -> Scene:
    """Return the picture of a network's row and panels, arranged such that it is neither tall nor wide."""
    boxes = tuple(PanelBox(panel, measure_row(panel.row)) for panel in panels)
    best = min(_layouts(row, boxes), key=lambda layout: layout.cost)
    width = max(best.width, NARROWEST)
    shapes, height = heading(plan, MARGIN, MARGIN, width)
    top = MARGIN + height + SPACE
    best.place(MARGIN + (width - best.width) / 2, top, shapes)
    bottom = top + best.height + SPACE
    entries, tall = legend(families, MARGIN, bottom, width)
    title = f"{plan.name}: layers, shapes and blocks"
    return Scene(
        width + 2 * MARGIN, bottom + tall + MARGIN, (*shapes, *entries), title, plan.spec.description
    )


def _layouts(row: RowBox | FoldBox, panels: tuple[PanelBox, ...]) -> Iterator[_Layout]:
    """Yield ways to arrange the columns."""
    packs = [_packed(panels, count) for count in range(1, min(len(panels), MOST_COLUMNS) + 1)] or [()]
    for count in range(1, MOST_COLUMNS + 1):
        rows = _columns(row, count) if isinstance(row, RowBox) else (row,)
        yield from (_Layout(rows, pack) for pack in packs)
        if len(rows) < count:
            break


def _columns(row: RowBox, count: int) -> tuple[RowBox, ...]:
    """Return the units of a row in so many columns, as equal as can be."""
    return _filled(row, _least(row.height, lambda height: len(_filled(row, height)) <= count))


def _packed(panels: Sequence[PanelBox], count: int) -> tuple[tuple[PanelBox, ...], ...]:
    """Return panels in so many columns, as equal as can be."""
    total = sum(panel.height + BETWEEN for panel in panels)
    return _fitted(panels, _least(total, lambda height: len(_fitted(panels, height)) <= count))


def _least(high: float, fits: Callable[[float], bool]) -> float:
    """Return the least height that fits, to a pixel, if the one given does."""
    low = 0.0
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _filled(row: RowBox, height: float) -> tuple[RowBox, ...]:
    """Return the units of a row in columns that are not taller than that, if no unit is."""
    columns = []
    start, used = 0, 0.0
    for number, unit in enumerate(row.units):
        if number > start and used + unit.height > height:
            columns.append(RowBox(row.units[start:number], row.labels[start:number]))
            start, used = number, 0
        used += unit.height + GAP
    return (*columns, RowBox(row.units[start:], row.labels[start:]))


def _fitted(panels: Sequence[PanelBox], height: float) -> tuple[tuple[PanelBox, ...], ...]:
    """Return panels in columns that are not taller than that, each in the first with room for it."""
    columns: list[list[PanelBox]] = []
    used: list[float] = []
    for panel in panels:
        place = next((n for n, so_far in enumerate(used) if so_far + panel.height <= height), len(columns))
        if place == len(columns):
            columns.append([])
            used.append(0)
        columns[place].append(panel)
        used[place] += panel.height + BETWEEN
    return tuple(map(tuple, columns))


def _outer(path: str) -> str:
    """Return the beginning of a path that tells where it is in the network: ``stage.0``."""
    first, _, rest = path.partition(".")
    number = rest.partition(".")[0]
    return f"{first}.{number}" if number.isdecimal() else first
