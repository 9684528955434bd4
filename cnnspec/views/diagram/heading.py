"""What stands above and below a picture of a network: its name and description, and what the colours mean."""

from collections.abc import Iterable

from cnnspec.plan import Plan
from cnnspec.shape import times
from cnnspec.views.diagram.flow.boxes import in_lines
from cnnspec.views.drawing.letters import shortened, text_width
from cnnspec.views.drawing.palette import KINDS, role_of
from cnnspec.views.drawing.scene import Group, Rect, Shape, Text

TITLE, TEXT = 20, 12
"""Sizes of the name and of what stands below it."""
LINE = 17
"""Height of a line."""
MOST_LINES = 4
"""Lines of the description."""
SWATCH, BETWEEN = 12, 18
"""Side of a colour in the legend, and from one entry to the next."""


def heading(plan: Plan, x: float, y: float, width: float) -> tuple[list[Shape], float]:
    """Return name, description and totals in that width, and their height."""
    shapes: list[Shape] = [
        Text(x, y + TITLE - 3, shortened(plan.name, TITLE, width, bold=True), size=TITLE, bold=True)
    ]
    baseline = y + TITLE + LINE
    shapes_told = f"{times(plan.input_shape)} → {times(plan.output_shape)}"
    totals = (f"{plan.params:,} parameters", f"{plan.macs:,} MACs", shapes_told)
    lines = [*wrapped(plan.spec.description, TEXT, width, MOST_LINES), *in_lines(totals, TEXT, width, 3)]
    for line in lines:
        shapes.append(Text(x, baseline, line, "faint", TEXT))
        baseline += LINE
    return shapes, baseline - LINE + 4 - y


def wrapped(text: str, size: float, width: float, most: int) -> list[str]:
    """Return a text in at most so many lines of that width; the last is cut where they are too few."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and (text_width(longer, size) <= width or len(lines) == most):
            lines[-1] = longer
        else:
            lines.append(word)
        if len(lines) == most and text_width(lines[-1], size) > width:
            break
    return [shortened(line, size, width) for line in lines]


def legend(families: Iterable[str], x: float, y: float, width: float) -> tuple[list[Shape], float]:
    """Return the colours of these families with their names, and their height."""
    used = set(families)
    shapes: list[Shape] = []
    there, top = x, y
    for family in [*KINDS, *sorted(used - set(KINDS))]:
        if family not in used:
            continue
        room = SWATCH + 6 + text_width(family, TEXT)
        if there > x and there + room > x + width:
            there, top = x, top + LINE + 3
        swatch = Rect(there, top, SWATCH, SWATCH, role_of(family), 2)
        shapes.append(Group((swatch, Text(there + SWATCH + 6, top + 10, family, size=TEXT)), "legend"))
        there += room + BETWEEN
    return shapes, top + SWATCH - y if shapes else 0
