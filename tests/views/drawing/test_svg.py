"""Scenes as SVG: well-formed whatever is written in them, with colours for both themes."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.views.drawing.letters import letter_width, shortened, text_width
from cnnspec.views.drawing.palette import ROLES
from cnnspec.views.drawing.scene import Group, Line, Polygon, Rect, Scene, Text, every, moved
from cnnspec.views.drawing.svg import as_svg, style_sheet

SHAPES = (
    Rect(1, 2, 30, 40, "convolution", radius=4, dashed=True),
    Group((Polygon(((0, 0), (5, 0), (5, 5)), "shade"), Text(3, 4, "conv1", anchor="middle")), "node", "told"),
    Line(((0, 0), (0, 20), (30, 20)), radius=6, arrow=True),
)
NO_GROUND = {"window", "touched", "next", "text", "faint"}
"""Roles that no text stands on: they let what is below them be seen."""

NAMESPACE = "{http://www.w3.org/2000/svg}"


def tags(svg: str) -> list[str]:
    return [element.tag.removeprefix(NAMESPACE) for element in ET.fromstring(svg).iter()]


@given(st.text(), st.text())
def test_any_text_is_only_text(title: str, text: str) -> None:
    """Whatever a spec says is text of the picture, and none of it becomes an element."""
    scene = Scene(
        9, 9, (Group((Text(0, 9, f"x{text}"),), "node", f"x{title}"),), title="x", description=f"x{text}"
    )
    assert tags(as_svg(scene)) == ["svg", "title", "style", "desc", "rect", "g", "title", "text"]


def test_only_titles_have_several_lines() -> None:
    """What is told on hover keeps its lines; a text of the picture is one line."""
    scene = Scene(9, 9, (Group((Text(0, 9, "one\ntwo"),), "node", "one\ntwo"),))
    svg = as_svg(scene)
    assert "<title>one\ntwo</title>" in svg
    assert ">one two</text>" in svg


def test_arrow_ends_where_its_line_ends() -> None:
    """An arrow's tip is the line's last point, so that it touches what it points at."""
    root = ET.fromstring(as_svg(Scene(40, 40, SHAPES)))
    polygons = [element.get("points", "") for element in root.iter(f"{NAMESPACE}polygon")]
    assert polygons[-1].startswith("30,20 ")


def test_every_role_has_both_themes() -> None:
    """Each role is drawn in the light theme's colours, and the style sheet has the dark theme's."""
    for role, (light, dark) in ROLES.items():
        svg = as_svg(Scene(9, 9, (Rect(0, 0, 9, 9, role),)), alone=False)
        assert f'class="{role}" fill="{light.fill or "none"}"' in svg
        assert f".{role} {{fill: {dark.fill or 'none'}; stroke: {dark.stroke or 'none'}" in style_sheet()


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, "contrast ratio")."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_on_every_fill(theme: int) -> None:
    """The text's colour has the contrast that WCAG asks for (4.5) on all that text stands on."""
    ink = ROLES["text"][theme].fill
    below = {role: paints[theme].fill for role, paints in ROLES.items() if role not in NO_GROUND}
    filled = {role for role, fill in below.items() if fill} - {"arrow", "shade"}
    assert {role for role in filled if contrast(ink, below[role]) < 4.5} == set()


@given(st.text(max_size=40), st.floats(10, 400))
def test_shortened_text_fits(text: str, width: float) -> None:
    """A text that is cut is not wider than asked, and one that fits is not cut."""
    cut = shortened(text, 12, width)
    assert text_width(cut, 12) <= max(width, text_width("…", 12))
    assert (cut == text) == (text_width(text, 12) <= width) or cut.endswith("…")


def test_widths_are_those_of_a_font() -> None:
    """The table of widths is that of DejaVu Sans, which matplotlib ships."""
    font = pytest.importorskip("matplotlib.font_manager")
    from PIL import ImageFont

    measured = ImageFont.truetype(font.findfont("DejaVu Sans"), 1000)
    for letter in map(chr, range(32, 127)):
        assert letter_width(letter) == pytest.approx(measured.getlength(letter) / 1000, abs=0.006)


def test_moved_shapes_are_the_same_elsewhere() -> None:
    """Moving shapes there and back changes nothing, and every shape is moved."""
    there = tuple(moved(shape, 7, -3) for shape in SHAPES)
    assert tuple(moved(shape, -7, 3) for shape in there) == SHAPES
    assert all(one != other for one, other in zip(every(SHAPES), every(there), strict=True))
