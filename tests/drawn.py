"""Pictures as they are drawn: what stands where in an SVG, and its structure as a text to compare.

All is computed from the text of the SVG, as a program that shows it does.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import ImageFont

from cnnspec.views.drawing.letters import text_width

NAMESPACE = "{http://www.w3.org/2000/svg}"
Point = tuple[float, float]
Width = Callable[[str, float, bool], float]
"""Width of a text of that size, which may be bold."""


@dataclass(frozen=True)
class Area:
    """A convex figure by its corners, and what it is."""

    name: str
    corners: tuple[Point, ...]

    @cached_property
    def left(self) -> float:
        return min(x for x, _ in self.corners)

    @cached_property
    def top(self) -> float:
        return min(y for _, y in self.corners)

    @cached_property
    def right(self) -> float:
        return max(x for x, _ in self.corners)

    @cached_property
    def bottom(self) -> float:
        return max(y for _, y in self.corners)

    def within(self, other: "Area", slack: float = 0.01) -> bool:
        """Tell whether it lies in another's bounds."""
        across = other.left - slack <= self.left and self.right <= other.right + slack
        return across and other.top - slack <= self.top and self.bottom <= other.bottom + slack


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def tag(element: ET.Element) -> str:
    return element.tag.removeprefix(NAMESPACE)


def upper_bound(text: str, size: float, bold: bool) -> float:
    """Return how wide a text is at most, by our own table."""
    return text_width(text, size, bold=bold)


def dejavu(text: str, size: float, bold: bool) -> float:
    """Return how wide a text is in DejaVu Sans, by FreeType: the widest of the fonts that are asked for."""
    return _font(bold=bold).getlength(text) * size / 1000


@cache
def _font(*, bold: bool) -> ImageFont.FreeTypeFont:
    matplotlib = find_spec("matplotlib")
    if matplotlib is None or matplotlib.origin is None:
        pytest.skip("DejaVu Sans comes with matplotlib")
    fonts = Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(fonts / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), 1000)


def words(root: ET.Element, width: Width = upper_bound) -> list[Area]:
    """Return every text with the room that it takes."""
    return [_word(element, width) for element in root.iter(f"{NAMESPACE}text")]


def _word(element: ET.Element, width: Width) -> Area:
    text, size = element.text or "", float(element.get("font-size", "0"))
    x, y = float(element.get("x", "0")), float(element.get("y", "0"))
    wide = width(text, size, element.get("font-weight") == "bold")
    left = x - wide * {"middle": 0.5, "end": 1}.get(element.get("text-anchor", ""), 0)
    return Area(text, _box(left, y - 0.76 * size, left + wide, y + 0.24 * size))


def _box(left: float, top: float, right: float, bottom: float) -> tuple[Point, ...]:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def groups(root: ET.Element, kind: str) -> list[ET.Element]:
    """Return the groups of a kind."""
    return [element for element in root.iter(f"{NAMESPACE}g") if element.get("class") == kind]


def figure(element: ET.Element) -> Area:
    """Return the convex hull of all shapes in an element."""
    points = [point for shape in element.iter() for point in _points(shape)]
    return Area(told(element), _hull(points))


def segments(root: ET.Element, role: str) -> list[Area]:
    """Return the straight pieces of all lines of a role; where a corner is rounded, it is cut."""
    lines = (_pairs(path.get("d", "")) for path in root.iter(f"{NAMESPACE}path") if path.get("class") == role)
    return [Area(role, (one, other)) for line in lines for one, other in pairwise(line) if one != other]


def told(element: ET.Element) -> str:
    """Return what an element tells on hover."""
    return element.findtext(f"{NAMESPACE}title", "")


def _points(shape: ET.Element) -> list[Point]:
    """Return the corners of a shape; texts have none."""
    match tag(shape):
        case "rect":
            x, y, width, height = (float(shape.get(name, "0")) for name in ("x", "y", "width", "height"))
            return list(_box(x, y, x + width, y + height))
        case "polygon":
            return _pairs(shape.get("points", ""))
        case "path":
            return _pairs(shape.get("d", ""))
    return []


def _pairs(text: str) -> list[Point]:
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", text)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _hull(points: list[Point]) -> tuple[Point, ...]:
    """Return the corners of the convex hull (Andrew's monotone chain)."""
    ordered = sorted(set(points))
    return (*_half(ordered), *_half(ordered[::-1]))


def _half(points: list[Point]) -> list[Point]:
    chain: list[Point] = []
    for point in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain[:-1]


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def overlap(one: Area, other: Area, slack: float = 0.05) -> bool:
    """Tell whether two convex figures have more than a border in common (separating axes)."""
    across = one.left < other.right - slack and other.left < one.right - slack
    if not across or one.top >= other.bottom - slack or other.top >= one.bottom - slack:
        return False
    for axis in (*_normals(one.corners), *_normals(other.corners)):
        low, high = _shadow(one.corners, axis)
        other_low, other_high = _shadow(other.corners, axis)
        if high <= other_low + slack or other_high <= low + slack:
            return False
    return True


def _normals(corners: tuple[Point, ...]) -> Iterator[Point]:
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        if length:
            yield (y0 - y1) / length, (x1 - x0) / length


def _shadow(corners: tuple[Point, ...], axis: Point) -> tuple[float, float]:
    along = [x * axis[0] + y * axis[1] for x, y in corners]
    return min(along), max(along)


def overlapping(areas: list[Area]) -> list[tuple[str, str]]:
    """Return the pairs that overlap."""
    ordered = sorted(areas, key=lambda area: area.left)
    pairs = (pair for pair in combinations(ordered, 2) if pair[1].left < pair[0].right)
    return [(one.name, other.name) for one, other in pairs if overlap(one, other)]


def picture(root: ET.Element) -> Area:
    """Return the whole picture."""
    return Area("picture", _box(0, 0, float(root.get("width", "0")), float(root.get("height", "0"))))


def structure(svg: str) -> str:
    """Return what an SVG is made of, a line a shape, without any numbers of the layout.

    Shapes of the same kind in a row are one line with their count: ``rect.convolution ×6``.
    What is told on hover is left out.
    """
    lines: list[tuple[str, int]] = []
    for line in _lines(parsed(svg), ""):
        if lines and lines[-1][0] == line and line.lstrip().startswith(("rect.", "polygon.", "path.")):
            lines[-1] = line, lines[-1][1] + 1
        else:
            lines.append((line, 1))
    return "".join(f"{line} ×{count}\n" if count > 1 else f"{line}\n" for line, count in lines)


def _lines(element: ET.Element, indent: str) -> Iterator[str]:
    name, kind, text = tag(element), element.get("class", ""), (element.text or "").strip()
    dashed = " dashed" if element.get("stroke-dasharray") else ""
    yield f"{indent}{name}{f'.{kind}' if kind else ''}{dashed}{f': {text}' if text else ''}"
    for child in element:
        if tag(child) != "style" and (name, tag(child)) != ("g", "title"):
            yield from _lines(child, indent + "  ")
