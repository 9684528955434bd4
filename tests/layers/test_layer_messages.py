"""What a layer cannot take is refused with the numbers, the reason and a way out."""

import pytest
from pydantic import ValidationError

import cnnspec
from cnnspec.errors import RuleError, SpecError
from cnnspec.layers import LAYERS

MESSAGES = {
    "output padding": (
        "conv_transpose: {filters: 2, kernel: 3, output_padding: 1}",
        "output_padding 1 of conv_transpose1 is too much; it must be less than stride 1 or dilation 1. Use output_padding ≤ 0, or a larger stride.",
    ),
    "all cut off": (
        "conv_transpose: {filters: 2, kernel: 3, padding: 20}",
        "padding 20 cuts off all of the output of conv_transpose1; it would be 10 long. Use padding ≤ 4.",
    ),
    "groups of a transposed convolution": (
        "conv_transpose: {filters: 3, kernel: 2, groups: 2}",
        "groups 2 do not divide the 3 filters of conv_transpose1; each group takes an equal part. Use groups that divide 3, such as 1.",
    ),
    "filter of an unknown name": (
        "image_filter: sobel",
        "kernel is 'sobel'; it must be prewitt_x, prewitt_y, sobel_x, sobel_y, laplacian, gaussian, box or sharpen, or a matrix such as [[-1, 0, 1]].",
    ),
    "filter without numbers": (
        "image_filter: []",
        "kernel is []; it must be prewitt_x, prewitt_y, sobel_x, sobel_y, laplacian, gaussian, box or sharpen, or a matrix such as [[-1, 0, 1]].",
    ),
    "filter of unequal rows": (
        "image_filter: [[1, 2], [3]]",
        "kernel is [[1, 2], [3]]; a matrix is a list of rows, all with the same number of values.",
    ),
    "filter of rows and numbers": (
        "image_filter: [[1, 2], 3]",
        "kernel is [[1, 2], 3]; a matrix is a list of rows, all with the same number of values.",
    ),
    "filter of truth values": (
        "image_filter: [[true]]",
        "kernel is true; each value of a filter must be a number.",
    ),
    "filter of one dimension": (
        "image_filter: [1, 2, 1]",
        "the kernel of image_filter1 has 1 dimension, but the input 4×8×8 has 2 dimensions. Give a list of rows: [[1, 2, 1]].",
    ),
    "filter too large": (
        "image_filter: {kernel: [[1, 1, 1, 1, 1, 1, 1, 1, 1]], padding: 0}",
        "kernel 1×9 does not fit the 8×8 input of image_filter1; the output would be empty. Use kernel ≤ 8, padding ≥ 1, or drop a pool.",
    ),
    "filled from too little": (
        "image_filter: {kernel: box, padding: 20, padding_mode: reflect}",
        "padding 20 is too much for the 8×8 input of image_filter1; `reflect` fills it from the input, which reaches 7. Use padding ≤ 7, or zeros.",
    ),
    "groups of a normalization": (
        "groupnorm: 3",
        "groups 3 do not divide the 4 channels of groupnorm1; each group takes an equal part. Use groups that divide 4, such as 2.",
    ),
    "one value in a group": (
        "sequence: [global_avgpool, groupnorm: 4]",
        "each group of sequence1.groupnorm1 has one value only of the input 4×1×1; normalized, it would always be 0. Use fewer groups.",
    ),
    "one value in a channel": (
        "sequence: [global_avgpool, instancenorm]",
        "each channel has one value only in the 4×1×1 input of sequence1.instancenorm1; normalized, it would always be 0. Drop sequence1.instancenorm1.",
    ),
    "neither scale nor size": (
        "upsample",
        "upsample needs `scale` or `size`; one of them tells how large the output is. Add `scale: 2`, say.",
    ),
    "scale and size": (
        "upsample: {scale: 2, size: 5}",
        "upsample has scale and size; one of them tells how large the output is. Remove one of them.",
    ),
    "corners of copies": (
        "upsample: {scale: 2, align_corners: true}",
        "align_corners does not go with nearest; nothing is between copies. Use another mode, or leave it out.",
    ),
    "mode for other axes": (
        "upsample: {scale: 2, mode: linear}",
        "mode linear does not fit the 4×8×8 input of upsample1, which has 2 axes. Use bilinear.",
    ),
    "scale of nothing": (
        "upsample: 0",
        "scale is 0; it must be greater than 0 and at most 1,000,000,000.",
    ),
    "scale is a truth value": (
        "upsample: true",
        "scale is true; it must be a number, or a list with one per axis.",
    ),
    "nothing left": (
        "upsample: 0.01",
        "scale 0.01 leaves nothing of the 8×8 input of upsample1; the output would be empty. Use scale ≥ 1/8, or drop a pool.",
    ),
    "zeros cannot be taken away": ("zero_pad: -1", "padding is -1; it must be at least 0."),
    "zeros on three sides": (
        "zero_pad: [[1, 2, 3]]",
        "padding is [1, 2, 3]; a list within the list is `[before, after]` of one axis.",
    ),
    "zeros for another rank": (
        "zero_pad: [1, 2, 3]",
        "padding lists 3 values, but the input has 2 axes. Give one number, or 2.",
    ),
    "channels for pixels": (
        "pixel_shuffle: 3",
        "factor 3 of pixel_shuffle1 does not fit its 4 channels; 9 of them become one. Give it a multiple of 9, such as 9.",
    ),
    "pixels of flat values": (
        "sequence: [flatten, pixel_shuffle: 2]",
        "pixel_shuffle needs channels of height and width, but gets 256. Move pixel_shuffle before `flatten`.",
    ),
    "groups to shuffle": (
        "channel_shuffle: 3",
        "groups 3 do not divide the 4 channels of channel_shuffle1; each group takes an equal part. Use groups that divide 4, such as 2.",
    ),
    "beyond the channels": (
        "channel_slice: {start: 9}",
        "start 9 of channel_slice1 is beyond its 4 channels. Use -4 to 4.",
    ),
    "before the channels": (
        "channel_slice: {stop: -5}",
        "stop -5 of channel_slice1 is beyond its 4 channels. Use -4 to 4.",
    ),
    "no channels": (
        "channel_slice: {start: 3, stop: 1}",
        "channel_slice1 leaves none of the 4 channels; channel 3 is not before channel 1. Use a start that is less than stop.",
    ),
    "channels up to themselves": (
        "channel_slice: {start: -2, stop: 2}",
        "channel_slice1 leaves none of the 4 channels; channel 2 is not before channel 2. Use a start that is less than stop.",
    ),
    "space that is gone": (
        "sequence: [flatten, channel_dropout]",
        "channel_dropout needs channels and space, but gets 256 flat values. Move channel_dropout before `flatten`.",
    ),
}


@pytest.mark.parametrize("case", MESSAGES.values(), ids=MESSAGES)
def test_messages(case: tuple[str, str]) -> None:
    """The message says what is wrong, why, and what would be right."""
    layers, expected = case
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(f"input: [4, 8, 8]\nlayers:\n  - {layers}\n").plan()
    assert [problem.message for problem in caught.value.problems] == [expected]


def test_a_message_points_at_the_field() -> None:
    """The caret stands under the field that breaks the rule."""
    text = "input: [4, 8, 8]\nlayers:\n  - upsample: {scale: 2, mode: trilinear}\n"
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(text).plan()
    place = caught.value.problems[0].place
    assert place
    assert (place.line, place.column) == (3, text.splitlines()[2].index("mode") + 1)


@pytest.mark.parametrize(
    ("layer", "fields"),
    [
        ("conv", {"filters": 2, "kernel": 3}),
        ("conv_transpose", {"filters": 2, "kernel": 3}),
        ("image_filter", {"kernel": "box"}),
        ("maxpool", {"kernel": 2}),
        ("adaptive_maxpool", {"output_size": 2}),
        ("global_maxpool", {}),
        ("instancenorm", {}),
        ("local_response_norm", {"size": 3}),
        ("channel_dropout", {}),
        ("upsample", {"scale": 2}),
        ("zero_pad", {"padding": 1}),
        ("pixel_shuffle", {"factor": 2}),
        ("channel_shuffle", {"groups": 2}),
    ],
)
def test_space_is_needed(layer: str, fields: dict[str, object]) -> None:
    """Each layer that works on space refuses flat values in the same words."""
    with pytest.raises(RuleError, match=rf"^{layer} needs channels .*, but gets 16") as caught:
        LAYERS[layer].of(fields).output_shape((16,))
    assert caught.value.fix == f"Move {layer} before `flatten`"


@pytest.mark.parametrize(
    ("layer", "shape"), [("image_filter: box", (1, 4, 4, 4)), ("pixel_shuffle: 2", (4, 4))]
)
def test_pictures_are_needed(layer: str, shape: tuple[int, ...]) -> None:
    """What only works on pictures names what does the job elsewhere."""
    with pytest.raises(SpecError, match=r"Use (conv|upsample)\."):
        cnnspec.loads(f"input: {list(shape)}\nlayers: [{layer}]").plan()


@pytest.mark.parametrize("padding", [[1, 2, 3, 4], [], [[1]], [[0, -1]], [[0, True]], "same", 1.5])
def test_margins(padding: object) -> None:
    """Zeros are counted by whole numbers: one, one for each axis, or two of an axis."""
    with pytest.raises(ValidationError):
        LAYERS["zero_pad"].of({"padding": padding})
