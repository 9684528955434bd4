"""What holds for every flow graph that is drawn, computed from the text of its SVG."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from xml.etree import ElementTree as ET

from drawn import NAMESPACE, Area, Point, Width, figure, groups, parsed, picture, upper_bound, words

BAND = 40
"""Pixels of the bands that areas are sorted into, so that only neighbours are compared."""


def faults(svg: str, width: Width = upper_bound) -> list[str]:
    """Return what is wrong with the picture of a flow graph; nothing, it should be."""
    root = parsed(svg)
    nodes, frames = boxes(root, "node"), boxes(root, "frame")
    paths = [corners(path) for path in root.iter(f"{NAMESPACE}path")]
    edges = [Area("an edge", ends) for path in paths for ends in pairwise(path)]
    texts, labels = (
        words(root, width),
        [w for text in root.findall(f"{NAMESPACE}text") for w in words(only(text), width)],
    )
    titles = [word for group in groups(root, "frame") for word in words(group, width)]
    return [
        *(f"{one.name!r} and {other.name!r} overlap" for one, other in meeting(nodes, nodes, 0.05)),
        *(
            f"{one.name!r} is across {frame.name!r}"
            for one, frame in meeting([*nodes, *frames], frames)
            if across(one, frame)
        ),
        *(
            f"{text!r} leaves its box"
            for kind in ("node", "frame")
            for group in groups(root, kind)
            for text in outside(group, width)
        ),
        *(
            f"{one.name!r} leaves the picture"
            for one in (*texts, *nodes, *frames, *edges)
            if not one.within(picture(root))
        ),
        *(
            f"an edge goes through {one.name!r}"
            for _, one in meeting(edges, [shrunk(one) for one in (*nodes, *titles, *labels)])
        ),
        *(f"{one.name!r} covers {other.name!r}" for one, other in meeting(labels, nodes)),
        *(f"{one.name!r} is written over {other.name!r}" for one, other in meeting(texts, texts)),
    ]


def boxes(root: ET.Element, kind: str) -> list[Area]:
    """Return the first figure of each group of a kind, under its first text."""
    return [box(group) for group in groups(root, kind)]


def box(group: ET.Element) -> Area:
    first = next(shape for shape in group if shape.tag.endswith(("rect", "polygon")))
    return Area(group.findtext(f"{NAMESPACE}text", ""), figure(first).corners)


def corners(path: ET.Element) -> list[Point]:
    """Return the points of an edge, and those that it is bent towards."""
    numbers = [
        float(part)
        for part in path.get("d", "").replace(",", " ").translate(str.maketrans("MLQ", "   ")).split()
    ]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def only(element: ET.Element) -> ET.Element:
    """Return an element that holds this one."""
    root = ET.Element("svg")
    root.append(element)
    return root


def outside(group: ET.Element, width: Width) -> list[str]:
    """Return the texts of a group that leave its first figure."""
    return [word.name for word in words(group, width) if not word.within(box(group))]


def across(one: Area, frame: Area) -> bool:
    """Tell whether something is neither within a frame nor around it."""
    return not one.within(frame) and not frame.within(one)


def shrunk(area: Area, by: float = 1) -> Area:
    """Return the inside of an area."""
    left, top, right, bottom = area.left + by, area.top + by, area.right - by, area.bottom - by
    return Area(area.name, ((left, top), (right, top), (right, bottom), (left, bottom)))


def meeting(some: Iterable[Area], others: Iterable[Area], slack: float = 0) -> Iterator[tuple[Area, Area]]:
    """Yield the pairs whose bounds have more than a border in common; those of the same list only once."""
    bands: dict[int, list[tuple[int, Area]]] = defaultdict(list)
    for number, other in enumerate(others):
        for band in range(int(other.top // BAND), int(other.bottom // BAND) + 1):
            bands[band].append((number, other))
    for number, one in enumerate(some):
        near = {
            index: other
            for band in range(int(one.top // BAND), int(one.bottom // BAND) + 1)
            for index, other in bands[band]
        }
        for index, other in near.items():
            apart = one.right <= other.left + slack or other.right <= one.left + slack
            apart = apart or one.bottom <= other.top + slack or other.bottom <= one.top + slack
            if not apart and (some is not others or number < index):
                yield one, other
