"""A picture before it is written: shapes in pixels, from the left and from the top.

A shape has a role, such as ``conv`` or ``edge``, and the palette knows the colours of each role in
both themes. Shapes that belong together stand in a group, whose title is told on hover.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle from its upper left corner, with corners rounded by `radius`."""

    x: float
    y: float
    width: float
    height: float
    role: str
    radius: float = 0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed figure."""

    points: tuple[Point, ...]
    role: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, with its inner corners rounded by `radius`, and perhaps an arrow at its end."""

    points: tuple[Point, ...]
    role: str = "edge"
    radius: float = 0
    arrow: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; `y` is that of its baseline, and `size` the font's, in pixels."""

    x: float
    y: float
    text: str
    role: str = "text"
    size: float = 13
    anchor: Anchor = "start"
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that are one thing; `kind` is its class in the SVG, and `title` what is told on hover."""

    shapes: "tuple[Shape, ...]"
    kind: str = ""
    title: str = ""


Shape = Rect | Polygon | Line | Text | Group


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture; `title` and `description` are for those who do not see it."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str = ""
    description: str = ""


def moved(shape: Shape, dx: float, dy: float) -> Shape:
    """Return a shape moved by so many pixels to the right and down."""
    match shape:
        case Rect(x, y, width, height, role, radius, dashed):
            return Rect(x + dx, y + dy, width, height, role, radius, dashed)
        case Polygon(points, role):
            return Polygon(tuple((x + dx, y + dy) for x, y in points), role)
        case Line(points, role, radius, arrow, dashed):
            return Line(tuple((x + dx, y + dy) for x, y in points), role, radius, arrow, dashed)
        case Text(x, y, text, role, size, anchor, bold):
            return Text(x + dx, y + dy, text, role, size, anchor, bold)
        case Group(shapes, kind, title):
            return Group(tuple(moved(one, dx, dy) for one in shapes), kind, title)


def every(shapes: tuple[Shape, ...]) -> Iterator[Shape]:
    """Yield all shapes that are no groups, those within groups, too."""
    for shape in shapes:
        if isinstance(shape, Group):
            yield from every(shape.shapes)
        else:
            yield shape
