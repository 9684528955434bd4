"""The picture of a window has as many cells of each kind as the layer's numbers say."""

from collections import Counter

import pytest
from hypothesis import given
from windows import CASES, case, pictures, step_of

from cnnspec.layers import LAYERS
from cnnspec.views.window.axis import Axis
from cnnspec.views.window.picture import Picture, Place, Places, picture_of


def cells(axis: Axis) -> range:
    return range(axis.first, axis.end)


@given(pictures())
def test_numbers_of_cells(picture: Picture) -> None:
    """The first place touches f·f cells, of which those outside the input are padding, or beyond it."""
    rows, columns = picture.under.rows, picture.under.columns
    looks = Counter(picture.under.look(row, column) for row in cells(rows) for column in cells(columns))
    inner = [sum(0 <= cell < axis.size for cell in axis.touched(0)) for axis in (rows, columns)]
    assert looks["touched"] == inner[0] * inner[1]
    known = [sum(not axis.is_beyond(cell) for cell in axis.touched(0)) for axis in (rows, columns)]
    assert looks["touched"] + looks["touched padding"] == known[0] * known[1]
    sizes = [axis.before + axis.size + axis.after for axis in (rows, columns)]
    beyond = looks["beyond"]
    assert looks.total() - beyond == sizes[0] * sizes[1]
    reached = [
        sum(axis.is_touched(cell) for cell in cells(axis) if not axis.is_beyond(cell))
        for axis in (rows, columns)
    ]
    assert looks["never touched"] == sizes[0] * sizes[1] - reached[0] * reached[1]


@given(pictures())
def test_places(picture: Picture) -> None:
    """Each place of the window is one cell of the other grid, and the last is the last one there."""
    for under, beside in zip(
        (picture.under.rows, picture.under.columns),
        (picture.beside.rows, picture.beside.columns),
        strict=True,
    ):
        assert under.places == beside.size == beside.places
    assert picture.under.places == picture.beside.places


@pytest.mark.parametrize("name", CASES)
def test_grids_are_input_and_output(name: str) -> None:
    """The grids have the sizes of the layer's input and output, the input first."""
    step, picture = step_of(*CASES[name]), case(name)
    for grid, shape, what in zip(picture.grids, (step.input, step.output), ("input", "output"), strict=True):
        sizes = [axis.size for axis in (grid.rows, grid.columns)][-len(shape[1:]) :]
        assert sizes == list(shape[1:])[-2:]
        assert grid.title.startswith(f"{what} {'×'.join(map(str, shape[1:]))}")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("padded, with a rest", "input 224×224, padding 3"),
        ("same, of even size", "input 9, padding 1+2"),
        ("transposed", "output 8×8, cut off 1"),
        ("valid", "input 32×32"),
    ],
)
def test_titles(name: str, title: str) -> None:
    """A grid says its size, and what is around it."""
    assert case(name).under.title == title


def test_padding_of_each_axis() -> None:
    """Paddings that differ are told for each axis."""
    picture = picture_of(step_of("[1, 8, 8]", "conv: {filters: 1, kernel: 3, padding: [0, 2]}"))
    assert picture
    assert picture.under.title == "input 8×8, padding 0×2"


@pytest.mark.parametrize(
    ("layer", "places"),
    [
        ("maxpool: 8", Places(Place(0, 0), None, None)),
        ("maxpool: [8, 4]", Places(Place(0, 0), Place(0, 1), None)),
        ("maxpool: [4, 8]", Places(Place(0, 0), Place(1, 0), None)),
        ("maxpool: [2, 8]", Places(Place(0, 0), Place(1, 0), Place(3, 0))),
        ("maxpool: 2", Places(Place(0, 0), Place(0, 1), Place(3, 3))),
    ],
)
def test_places_that_are_shown(layer: str, places: Places) -> None:
    """The next place lies to the right, or below where there is no room; none is shown twice."""
    picture = picture_of(step_of("[1, 8, 8]", layer))
    assert picture
    assert picture.under.places == places


@pytest.mark.parametrize("name", LAYERS)
def test_layers_with_windows_have_pictures(name: str) -> None:
    """Every layer whose window slides has a picture, and no other."""
    flat = "flatten\n  - " if name == "fc" else ""
    step = step_of("[4, 16, 16]", flat + LAYERS[name].example)
    assert step.layer
    assert (picture_of(step) is not None) == bool(step.layer.windows(step.input))


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("valid", "The window takes 28×28 places, and makes one output at each."),
        ("one place", "The window takes 1 place, and makes one output there."),
        ("three axes", "The window takes 8×4×3 places, and makes one output at each. Depth is not shown."),
        (
            "transposed",
            "The window spreads each of the 4×4 inputs over the output; what overlaps is added up.",
        ),
    ],
)
def test_captions(name: str, caption: str) -> None:
    """A caption says how many places there are, and what happens there."""
    assert case(name).caption == caption
