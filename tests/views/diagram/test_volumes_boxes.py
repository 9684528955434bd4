"""Drawn volumes: what is larger is never drawn smaller, and all of a volume is within its outline."""

from itertools import pairwise

import pytest
from drawn import Area, figure, overlap, parsed
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.shape import Shape
from cnnspec.views.diagram.volumes.boxes import Scale
from cnnspec.views.drawing.scene import Group, Rect, Scene, every
from cnnspec.views.drawing.svg import as_svg

SIZES = st.integers(1, 5000)


@st.composite
def two_shapes(draw: st.DrawFn) -> tuple[Shape, Shape]:
    """Draw a shape and one that is as large or larger on every axis."""
    small = tuple(draw(st.lists(SIZES, min_size=1, max_size=4)))
    return small, tuple(size + draw(st.sampled_from([0, 0, 1, 7, 300])) for size in small)


@given(two_shapes(), st.lists(st.lists(SIZES, min_size=1, max_size=4).map(tuple), max_size=4))
def test_larger_is_never_drawn_smaller(shapes: tuple[Shape, Shape], others: list[Shape]) -> None:
    """In one picture, more channels or values on an axis make a volume larger, or leave it as it is."""
    scale = Scale([*shapes, *others])
    small, large = (scale.box(shape, "convolution") for shape in shapes)
    sizes = [(box.width, box.height, *box.face[2:], *box.back) for box in (small, large)]
    assert all(one <= other + 1e-9 for one, other in zip(*sizes, strict=True))


@pytest.mark.parametrize("size", [1, 2, 7, 224, 4096])
@pytest.mark.parametrize("channels", [1, 3, 512])
def test_square_is_drawn_as_a_square(channels: int, size: int) -> None:
    """The front of a map as high as wide is a square, flat or with depth, in two and in three dimensions."""
    scale = Scale([(channels, size, size), (3, 512, 512), (1, 64, 64, 64)])
    for shape in ((channels, size, size), (channels, size, size, size)):
        _, _, width, height = scale.box(shape, "convolution").face
        assert width == height


def test_typical_sizes_can_be_told_apart() -> None:
    """Along a usual network each map is clearly smaller, with clearly more channels, than the one before."""
    scale = Scale([(3, 224, 224), (2048, 7, 7), (1000,)])
    stages = [(64, 112, 112), (256, 56, 56), (512, 28, 28), (1024, 14, 14), (2048, 7, 7)]
    boxes = [scale.box(stage, "convolution") for stage in stages]
    for one, other in pairwise(boxes):
        assert one.face[3] - other.face[3] > 5
        assert other.back[0] - one.back[0] > 5


@pytest.mark.parametrize(
    ("shape", "sheets"), [((1, 32, 32), 1), ((6, 28, 28), 6), ((16, 10, 10), 16), ((64, 10, 10), 1)]
)
def test_few_channels_are_sheets(shape: Shape, sheets: int) -> None:
    """Few channels are a sheet each, as LeNet-5's figure has them; many are one solid box."""
    box = Scale([(1, 32, 32), (16, 10, 10)]).box(shape, "convolution")
    assert sum(isinstance(one, Rect) for one in box.shapes) == sheets


def test_bands_are_in_front_of_each_other() -> None:
    """Channels that come from elsewhere have their own colour, and the first are in front."""
    scale = Scale([(3, 64, 64), (512, 8, 8)])
    for bands, drawn in ((((2, "input"), (1, "pooling")), 3), (((200, "input"), (312, "pooling")), 2)):
        fronts = [one for one in scale.box((512, 8, 8), "convolution", bands).shapes if isinstance(one, Rect)]
        assert len(fronts) == drawn
        assert (fronts[0].role, fronts[-1].role) == ("pooling", "input")


@given(st.lists(SIZES, min_size=1, max_size=4).map(tuple), st.floats(0.05, 0.95))
def test_everything_is_within_the_outline(shape: Shape, height: float) -> None:
    """A volume is within its size, and at every height exactly between the ends that ways lead to."""
    box = Scale([shape, (3, 64, 64)]).box(shape, "convolution")
    svg = as_svg(Scene(900, 900, (Group(tuple(box.shapes), "volume"),)))
    hull = next(figure(group) for group in parsed(svg).iter() if group.get("class") == "volume")
    assert hull.right <= box.width + 0.01
    assert hull.bottom <= box.height + 0.01
    assert min(hull.left, hull.top) >= -0.01
    y, ends = height * box.height, (box.left_at(height * box.height), box.right_at(height * box.height))
    for left, right, touched in ((-5, ends[0], False), (*ends, True), (ends[1], box.width + 5, False)):
        assert overlap(hull, Area("", ((left, y), (right, y))), 0.02) == touched
    for x in ends:
        assert overlap(hull, Area("", ((x - 0.5, y), (x + 0.5, y))), 0.02)


def test_values_of_short_vectors_are_cells() -> None:
    """The ten values of an output can be counted, those of a long vector cannot."""
    scale = Scale([(10,), (4096,)])
    assert len(tuple(every(scale.box((10,), "dense").shapes))) == 10
    assert len(tuple(every(scale.box((4096,), "dense").shapes))) == 1
