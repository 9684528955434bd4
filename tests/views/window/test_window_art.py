"""Pictures of windows as text: as wide as asked, with a sign for each cell, in any charset."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows import CASES, case, pictures

from cnnspec.views.window.art import ASCII, BOXES, Art, art, charset_for, signs
from cnnspec.views.window.picture import Picture

Golden = Callable[[str, str], None]


def test_golden(golden: Golden) -> None:
    """Windows of every kind look as a person has found them to be right."""
    drawn = {name: art(case(name), 78) for name in CASES}
    golden("windows.txt", "\n".join(f"{name}\n\n{text(one)}\n" for name, one in drawn.items()))


def test_golden_ascii(golden: Golden) -> None:
    """A terminal without box-drawing characters shows the same in ASCII."""
    one = art(case("all of it"), 78, ASCII)
    assert text(one).isascii()
    golden("window_ascii.txt", text(one))


def text(one: Art | None) -> str:
    assert one
    return "\n".join(one.lines)


@given(pictures(), st.integers(10, 100), st.sampled_from([BOXES, ASCII]))
def test_width(picture: Picture, width: int, charset: object) -> None:
    """No line is wider than asked; in 60 columns there is always room."""
    one = art(picture, width, ASCII if charset is ASCII else BOXES)
    assert one or width < 60
    for line in one.lines if one else ():
        assert len(line) <= width
        assert line == line.rstrip()


@given(pictures())
def test_signs_of_the_first_place(picture: Picture) -> None:
    """Where all cells are shown, the window has as many signs as cells, and the other grid has one."""
    one = art(picture, 100)
    assert one
    axes = picture.under.rows, picture.under.columns
    if all(axis.end - axis.first <= most for axis, most in zip(axes, (11, 16), strict=True)):
        inside = sum(line.count("■") + line.count("□") for line in one.lines)
        looks = [picture.under.look(r, c) for r in axes[0].touched(0) for c in axes[1].touched(0)]
        assert inside == len(looks) - looks.count("beyond") + 1
        assert text(one).count("╔") == 2


def test_narrower_is_below() -> None:
    """Where both grids do not fit beside each other, the output stands below the input."""
    wide, narrow = text(art(case("all of it"), 60)), text(art(case("all of it"), 25))
    assert wide.startswith("input 5×5, padding 1   output 3×3\n")
    assert narrow.startswith("input 5×5, padding 1\n")
    assert "\n\noutput 3×3\n\n╔═╗─┐\n" in narrow
    assert art(case("all of it"), 12) is None


@pytest.mark.parametrize(
    ("encoding", "charset"),
    [
        ("utf-8", BOXES),
        ("utf-16", BOXES),
        ("ascii", ASCII),
        ("cp1252", ASCII),
    ],
)
def test_charsets(encoding: str, charset: object) -> None:
    """Box-drawing characters are used where the output's encoding has them all."""
    assert charset_for(encoding) is charset


def test_signs_are_explained() -> None:
    """Signs are explained as far as they are used, and what is cut off is not called padding."""
    assert signs([arts("one place")]) == {"■": "in the window"}
    assert signs([arts("padded, with a rest")]) == {
        "■": "in the window",
        "□": "in it on padding",
        "·": "another value",
        "◦": "padding",
        "×": "never in a window",
    }
    assert signs([arts("transposed")])["◦"] == "cut off"
    assert signs([arts("transposed"), arts("all of it")])["◦"] == "cut off or padding"
    assert signs([]) == {}


def arts(name: str) -> Art:
    one = art(case(name), 78)
    assert one
    return one


def test_charsets_tell_cells_apart() -> None:
    """Each kind of cell has a sign of its own, and every sign is one column wide."""
    for charset in (BOXES, ASCII):
        assert len(set(charset.cells.values())) == len(charset.cells)
        assert all(len(sign) == 1 for sign in (*charset.cells.values(), *charset.left_out, *charset.arrows))
