"""Pictures of windows as SVG: what is drawn has the window's sizes, and every text is within the picture."""

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from windows import CASES, case, pictures

from cnnspec.views.drawing.letters import text_width
from cnnspec.views.drawing.svg import as_svg
from cnnspec.views.window.key import key
from cnnspec.views.window.picture import Picture
from cnnspec.views.window.scene import CELL, MOST, scenes

SVG = "{http://www.w3.org/2000/svg}"
ANCHORS = {"start": 0, "middle": 0.5, "end": 1}


def drawn(picture: Picture) -> tuple[ET.Element, ET.Element]:
    """Return the grid under the window and the one beside it, as SVG that an XML parser has read."""
    first, second = (ET.fromstring(as_svg(scene)) for scene in scenes(picture))
    return (second, first) if picture.transposed else (first, second)


def number(element: ET.Element, name: str) -> float:
    return float(element.get(name, "0"))


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def place(root: ET.Element, name: str) -> ET.Element:
    """Return the frame of a place."""
    (group,) = [g for g in root.iter(f"{SVG}g") if g.get("class") == f"place {name}"]
    return group.findall(f"{SVG}rect")[-1]


def is_whole(picture: Picture) -> bool:
    return all(axis.end - axis.first <= MOST for axis in (picture.under.rows, picture.under.columns))


def boxes(root: ET.Element) -> list[tuple[float, float, float, float]]:
    """Return left, top, right and bottom of every text, as wide as it is at most, and of every rectangle."""
    found = []
    for element in root.iter(f"{SVG}text"):
        size = number(element, "font-size")
        width = text_width(element.text or "", size, bold=element.get("font-weight") == "bold")
        left = number(element, "x") - ANCHORS[element.get("text-anchor", "start")] * width
        found.append((left, number(element, "y") - size, left + width, number(element, "y")))
    for element in root.iter(f"{SVG}rect"):
        x, y, width, height = (number(element, name) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


@settings(max_examples=50)
@given(pictures())
def test_all_is_within_the_picture(picture: Picture) -> None:
    """No text and no rectangle reaches out of the picture, however long the numbers are."""
    for scene in (*scenes(picture), key([picture])):
        for left, top, right, bottom in boxes(ET.fromstring(as_svg(scene))):
            assert 0 <= left <= right <= scene.width
            assert 0 <= top <= bottom <= scene.height


@settings(max_examples=50)
@given(pictures())
def test_texts_do_not_overlap(picture: Picture) -> None:
    """Each size can be read."""
    for root in drawn(picture):
        found = sorted(boxes(root)[: len(texts(root))])
        for number_, (left, top, right, bottom) in enumerate(found):
            for other in found[number_ + 1 :]:
                assert other[0] >= right or other[2] <= left or other[1] >= bottom or other[3] <= top


@settings(max_examples=50)
@given(pictures())
def test_frames(picture: Picture) -> None:
    """Where nothing is left out, frames are as large as the window, and as far from each other as the stride."""
    if not is_whole(picture):
        return
    under, _ = drawn(picture)
    rows, columns = picture.under.rows, picture.under.columns
    first = place(under, "first")
    assert (number(first, "width"), number(first, "height")) == (columns.span * CELL, rows.span * CELL)
    if picture.under.places.next and columns.places > 1:
        after = place(under, "next")
        assert (
            number(after, "x") + number(after, "width") - number(first, "x")
            == (columns.span + columns.s) * CELL
        )
    if picture.under.places.last:
        last = place(under, "last")
        assert number(last, "x") - number(first, "x") == (columns.places - 1) * columns.s * CELL
        assert number(last, "y") - number(first, "y") == (rows.places - 1) * rows.s * CELL


@settings(max_examples=50)
@given(pictures())
def test_cells_that_are_painted(picture: Picture) -> None:
    """What is painted is the area of the window's cells, and of those that it never touches."""
    if not is_whole(picture):
        return
    under, beside = drawn(picture)
    rows, columns = picture.under.rows, picture.under.columns
    looks = [
        picture.under.look(r, c)
        for r in range(rows.first, rows.end)
        for c in range(columns.first, columns.end)
    ]
    assert area(under, "touched") == looks.count("touched") + looks.count("touched padding")
    assert area(under, "unreached") == looks.count("never touched")
    assert area(beside, "touched") == 1
    assert area(under, "cell") == rows.size * columns.size


def area(root: ET.Element, role: str) -> float:
    """Return how many cells are painted in a role."""
    rects = [r for r in root.iter(f"{SVG}rect") if r.get("class") == role]
    return sum(number(rect, "width") * number(rect, "height") for rect in rects) / CELL**2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("valid", ["input 32×32", "n = 32", "n = 32", "f = 5", "s = 1"]),
        (
            "padded, with a rest",
            ["input 224×224, padding 3", "n = 224", "3", "3", "n = 224", "3", "3", "f = 7", "s = 2"],
        ),
        ("dilated", ["input 8×8, padding 1", "n = 8", "1", "1", "n = 8", "1", "1", "f = 3, d = 2", "s = 1"]),
        ("same, of even size", ["input 9, padding 1+2", "n = 9", "1", "2", "f = 4", "s = 1"]),
        ("other numbers for each axis", ["input 9×3", "n = 3", "n = 9", "f = 3", "f = 3", "s = 2"]),
        ("transposed", ["output 8×8, cut off 1", "8", "1", "1", "8", "1", "1", "f = 3", "s = 2"]),
        ("one place", ["input 7×7", "n = 7", "n = 7", "f = 7"]),
    ],
)
def test_sizes_that_are_written(name: str, expected: list[str]) -> None:
    """Sizes, padding, window and stride stand at the sides, in the letters of the formulas."""
    under, _ = drawn(case(name))
    assert texts(under) == expected


@pytest.mark.parametrize("name", CASES)
def test_breaks(name: str) -> None:
    """A mark stands where cells are left out, on each axis where some are."""
    picture = case(name)
    for root, grid, most in zip(drawn(picture), (picture.under, picture.beside), (MOST, 9), strict=True):
        marks = [g for g in root.iter(f"{SVG}g") if g.get("class") == "left-out"]
        assert len(marks) == sum(axis.end - axis.first > most for axis in (grid.rows, grid.columns))


def test_lines_between_cells() -> None:
    """Lines are dashed on the padding, and solid between values."""
    under, _ = drawn(case("all of it"))
    (group,) = [g for g in under.iter(f"{SVG}g") if g.get("class") == "lines"]
    dashed = [line.get("stroke-dasharray") is not None for line in group]
    # Of the 6 lines of each axis, each is dashed at both ends and solid within, but those on padding.
    assert (dashed.count(True), dashed.count(False)) == (2 * 2 * 6, 2 * 6)
    xs = sorted({path.get("d", "").split(",")[0] for path in group})
    assert all(one != other for one, other in pairwise(xs))


def test_key() -> None:
    """The key has what the pictures have."""
    told = {
        name: texts(ET.fromstring(as_svg(key([case(name)]))))[1:]
        for name in ("one place", "all of it", "transposed")
    }
    assert told == {
        "one place": [],
        "all of it": ["the next place", "the last place", "padding"],
        "transposed": ["the next place", "the last place", "cut off", "never in a window"],
    }
    assert texts(ET.fromstring(as_svg(key([case("valid")]))))[-1] == "cells that are left out"
