"""A scene as SVG: light colours as attributes, for all that reads SVG, and dark ones as a style sheet.

No ids are used, so that several pictures can stand in one page, and no scripts or links.
"""

import math
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from cnnspec.errors import printable
from cnnspec.views.drawing.letters import FONTS
from cnnspec.views.drawing.palette import ROLES, Paint
from cnnspec.views.drawing.scene import Group, Line, Point, Polygon, Rect, Scene, Shape, Text

CLASS = "cnnspec-drawing"
"""The class of every picture, which its style sheet goes by."""

ARROW, SPREAD = 8, 3.6
"""Length of an arrow's head, and half its width, in pixels."""

DASHES = "5 4"


def as_svg(scene: Scene, *, alone: bool = True) -> str:
    """Return the scene as the text of an SVG file, or for within a page that has `style_sheet` itself."""
    size = {"width": _number(scene.width), "height": _number(scene.height)}
    view = f"0 0 {size['width']} {size['height']}"
    root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": CLASS, **size, "viewBox": view})
    root.set("role", "img")
    root.set("font-family", FONTS)
    if scene.title:
        root.set("aria-label", _clean(scene.title))
    if alone:
        _child(root, "title", scene.title)
        _child(root, "style", style_sheet())
    _child(root, "desc", scene.description)
    _write(root, Rect(0, 0, scene.width, scene.height, "paper"))
    for shape in scene.shapes:
        _write(root, shape)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode") + "\n"


def style_sheet() -> str:
    """Return the style sheet with the colours of the dark theme."""
    rules = " ".join(f".{CLASS} .{role} {{{_rule(dark)}}}" for role, (_, dark) in ROLES.items())
    return f"@media (prefers-color-scheme: dark) {{{rules}}}"


def _rule(paint: Paint) -> str:
    return f"fill: {paint.fill or 'none'}; stroke: {paint.stroke or 'none'}; fill-opacity: {paint.opacity}"


def _write(parent: ET.Element, shape: Shape) -> None:
    """Add a shape to an element."""
    match shape:
        case Group(shapes, kind, title):
            group = ET.SubElement(parent, "g", {"class": kind} if kind else {})
            _child(group, "title", title)
            for one in shapes:
                _write(group, one)
        case Rect():
            element = _painted(parent, "rect", shape.role, dashed=shape.dashed)
            for name in ("x", "y", "width", "height"):
                element.set(name, _number(getattr(shape, name)))
            if shape.radius:
                element.set("rx", _number(shape.radius))
        case Polygon(points, role):
            _painted(parent, "polygon", role).set("points", _points(points))
        case Line():
            _write_line(parent, shape)
        case Text():
            _write_text(parent, shape)


def _write_line(parent: ET.Element, line: Line) -> None:
    points = line.points
    if line.arrow:
        points, head = _with_head(points)
        _painted(parent, "polygon", "arrow").set("points", _points(head))
    element = _painted(parent, "path", line.role, dashed=line.dashed)
    element.set("d", _path(points, line.radius))


def _write_text(parent: ET.Element, text: Text) -> None:
    element = _painted(parent, "text", text.role)
    element.set("x", _number(text.x))
    element.set("y", _number(text.y))
    element.set("font-size", _number(text.size))
    if text.anchor != "start":
        element.set("text-anchor", text.anchor)
    if text.bold:
        element.set("font-weight", "bold")
    element.text = _clean(text.text)


def _painted(parent: ET.Element, tag: str, role: str, *, dashed: bool = False) -> ET.Element:
    """Return a new element with its role's colours of the light theme."""
    light, _ = ROLES[role]
    element = ET.SubElement(parent, tag, {"class": role, "fill": light.fill or "none"})
    if light.opacity != 1:
        element.set("fill-opacity", _number(light.opacity))
    if light.stroke:
        element.set("stroke", light.stroke)
        element.set("stroke-width", _number(light.width))
    if dashed:
        element.set("stroke-dasharray", DASHES)
    return element


def _child(parent: ET.Element, tag: str, text: str) -> None:
    """Add an element with that text, if there is any; it may have several lines."""
    if text:
        ET.SubElement(parent, tag).text = printable(text)


def _with_head(points: tuple[Point, ...]) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Return a line that ends within its arrow's head, and the head."""
    (x0, y0), (x, y) = points[-2], points[-1]
    length = math.hypot(x - x0, y - y0) or 1
    dx, dy = (x - x0) / length, (y - y0) / length
    back = (x - ARROW * dx, y - ARROW * dy)
    sides = ((back[0] - SPREAD * dy, back[1] + SPREAD * dx), (back[0] + SPREAD * dy, back[1] - SPREAD * dx))
    end = (x - ARROW / 2 * dx, y - ARROW / 2 * dy)
    return (*points[:-1], end), ((x, y), *sides)


def _path(points: tuple[Point, ...], radius: float) -> str:
    """Return a line's path, its inner corners rounded as far as there is room."""
    steps = [f"M{_pair(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(radius, math.dist(before, corner) / 2, math.dist(corner, after) / 2)
        if reach:
            steps.append(f"L{_pair(_towards(corner, before, reach))}")
            steps.append(f"Q{_pair(corner)} {_pair(_towards(corner, after, reach))}")
        else:
            steps.append(f"L{_pair(corner)}")
    steps.append(f"L{_pair(points[-1])}")
    return " ".join(steps)


def _towards(start: Point, end: Point, far: float) -> Point:
    share = far / math.dist(start, end)
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _points(points: Iterable[Point]) -> str:
    return " ".join(map(_pair, points))


def _pair(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _clean(text: str) -> str:
    """Return a text in one line, without the characters that no XML may hold, nor any that cannot be seen."""
    return printable(text).replace("\n", " ")
