"""The operations that make a volume, as labels below each other in the colours of their kinds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cnnspec.views.diagram.labels import repeated
from cnnspec.views.diagram.volumes.labels import operation_title
from cnnspec.views.diagram.volumes.model import Operation, Volume
from cnnspec.views.drawing.letters import shortened, text_width
from cnnspec.views.drawing.scene import Group, Line, Rect, Shape, Text

SIZE, HEIGHT, PADDING, GAP = 11, 17, 6, 3
"""Of a label: its font, its height, the room beside its text, and that to the next, in pixels."""
WIDEST = 150
"""Pixels that a label's text may have; longer ones are cut."""
MOST = 5
"""Labels of a volume; of more operations, the last label tells the number."""
APART = 9
"""Pixels between labels of two volumes, at least."""
BRACKET = 5
"""Pixels from the labels to the bracket around them, and its width."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels from their upper left corner."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


def labels(volume: Volume) -> Labels:
    """Return the labels of a volume's operations; repetitions of several have a bracket."""
    shown = _shown(volume)
    if not shown:
        return Labels(0, 0, ())
    texts = [shortened(text, SIZE, WIDEST) for text, _ in shown]
    width = max(text_width(text, SIZE) for text in texts) + 2 * PADDING
    height = len(shown) * (HEIGHT + GAP) - GAP
    shapes: list[Shape] = []
    for i, (text, (_, operations)) in enumerate(zip(texts, shown, strict=True)):
        shapes.append(_label(text, operations, width, i * (HEIGHT + GAP)))
    if volume.times == 1:
        return Labels(width, height, tuple(shapes))
    count = f"×{volume.times}"
    x, y = width + BRACKET, height / 2 + SIZE * 0.36
    line = Line(((x, 0), (x + BRACKET, 0), (x + BRACKET, height), (x, height)), "edge", radius=3)
    shapes += [line, Text(x + 2 * BRACKET, y, count, size=SIZE, bold=True)]
    whole = x + 2 * BRACKET + text_width(count, SIZE, bold=True)
    return Labels(whole, height, tuple(shapes))


def _shown(volume: Volume) -> list[tuple[str, Sequence[Operation]]]:
    """Return the text of each label, and the operations that it tells."""
    operations = volume.operations
    kept = len(operations) if len(operations) <= MOST else MOST - 1
    shown: list[tuple[str, Sequence[Operation]]] = [
        (repeated(one.label, len(one.steps) // volume.times if one.repeats else 1), [one])
        for one in operations[:kept]
    ]
    if operations[kept:]:
        shown.append((f"and {len(operations) - kept} more", operations[kept:]))
    return shown


def _label(text: str, operations: Sequence[Operation], width: float, y: float) -> Group:
    role = operations[0].role if len(operations) == 1 else "block"
    rect = Rect(0, y, width, HEIGHT, role, radius=4)
    written = Text(width / 2, y + HEIGHT / 2 + SIZE * 0.36, text, size=SIZE, anchor="middle")
    title = "\n\n".join(operation_title(one) for one in operations)
    return Group((rect, written), "operation", title)


class Placed(NamedTuple):
    """Labels around the place where they should be, and one further right where they are."""

    labels: Labels
    wanted: float
    middle: float


def spread(run: list[Placed], start: float) -> list[tuple[Labels, float]]:
    """Return labels with the places they get, such that they are as near to where they should be as they can.

    As given, each is moved to the right of the one before it, and `start` is where the first may
    begin. The middle between that and what moving them to the left gives keeps them apart as well.
    """
    places: list[float] = []
    for after, one in zip([None, *reversed(run)], reversed(run), strict=False):
        gap = (one.labels.width + after.labels.width) / 2 + APART if after else 0
        places.append(min(one.wanted, places[-1] - gap) if after else one.wanted)
    found: list[tuple[Labels, float]] = []
    least = start
    for one, place in zip(run, reversed(places), strict=True):
        middle = max((one.middle + place) / 2, least + one.labels.width / 2)
        least = middle + one.labels.width / 2 + APART
        found.append((one.labels, middle))
    return found
