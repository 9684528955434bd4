"""Layers with windows of every kind, for the tests of their pictures."""

from hypothesis import assume
from hypothesis import strategies as st

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.layers import LAYERS
from cnnspec.plan import Step
from cnnspec.views.window.picture import Picture, picture_of

CASES = {
    "valid": ("[1, 32, 32]", "conv: {filters: 6, kernel: 5}"),
    "padded, with a rest": ("[3, 224, 224]", "conv: {filters: 64, kernel: 7, stride: 2, padding: 3}"),
    "all of it": ("[1, 5, 5]", "maxpool: {kernel: 3, stride: 2, padding: 1}"),
    "rounded up": ("[1, 6, 6]", "maxpool: {kernel: 3, stride: 2, ceil_mode: true}"),
    "dilated": ("[1, 8, 8]", "conv: {filters: 1, kernel: 3, dilation: 2, padding: 1}"),
    "same, of even size": ("[1, 9]", "conv: {filters: 1, kernel: 4, padding: same}"),
    "gaps": ("[1, 10, 10]", "conv: {filters: 1, kernel: 3, stride: 4}"),
    "other numbers for each axis": ("[1, 9, 3]", "conv: {filters: 1, kernel: 3, stride: [2, 1]}"),
    "transposed": (
        "[1, 4, 4]",
        "conv_transpose: {filters: 1, kernel: 3, stride: 2, padding: 1, output_padding: 1}",
    ),
    "three axes": ("[1, 8, 9, 10]", "maxpool: [1, 2, 3]"),
    "larger than the picture": ("[1, 64, 64]", "conv: {filters: 1, kernel: 31, padding: same}"),
    "an image filter": ("[1, 6, 6]", "image_filter: sobel_x"),
    "one place": ("[1, 7, 7]", "avgpool: 7"),
}


def step_of(shape: str, layer: str) -> Step:
    return cnnspec.loads(f"input: {shape}\nlayers:\n  - {layer}\n").plan().layers[-1]


def case(name: str) -> Picture:
    picture = picture_of(step_of(*CASES[name]))
    assert picture
    return picture


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Draw the picture of a layer that fits its input."""
    rank = draw(st.sampled_from([2, 2, 2, 1, 3]))
    small = st.integers(1, 5) | st.lists(st.integers(1, 5), min_size=rank, max_size=rank)
    shape = [2, *(draw(st.integers(1, 40)) for _ in range(rank))]
    kernel = draw(st.integers(1, 9) | st.lists(st.integers(1, 9), min_size=rank, max_size=rank))
    fields: dict[str, object] = {"kernel": kernel, "stride": draw(small), "padding": draw(st.integers(0, 4))}
    name = draw(st.sampled_from(["conv", "maxpool", "avgpool", "depthwise_conv", "conv_transpose"]))
    if "dilation" in LAYERS[name].model_fields:
        fields["dilation"] = draw(small)
    if "filters" in LAYERS[name].model_fields:
        fields["filters"] = 1
    if "pool" in name:
        fields["ceil_mode"] = draw(st.booleans())
    text = ", ".join(f"{field}: {str(value).lower()}" for field, value in fields.items())
    try:
        picture = picture_of(step_of(str(shape), f"{name}: {{{text}}}"))
    except SpecError:
        assume(False)  # hypothesis's own way to say that it does not fit
        raise
    assert picture
    return picture
