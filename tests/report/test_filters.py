"""The filters of the first convolution and their maps are those of the network."""

import base64
import io

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

import cnnspec
from cnnspec.report.filters import MOST, FirstLayer, first_layer
from cnnspec.report.pictures import Picture, around_zero, picture, stretched


def pixels(shown: Picture) -> NDArray[np.uint8]:
    """Return what a browser gets of a picture."""
    head, _, data = shown.uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def found(text: str, seed: int = 0) -> tuple[FirstLayer | None, nn.Module, torch.Tensor]:
    plan = cnnspec.loads(text).plan()
    torch.manual_seed(seed)
    model, inputs = plan.build().eval(), torch.randn(1, *plan.input_shape)
    return first_layer(plan, model, inputs), model, inputs


def test_gray() -> None:
    """A filter is shown around middle gray, and beside it what torch's convolution makes of the picture."""
    layer, model, inputs = found(
        "input: [1, 12, 10]\nlayers: [conv: {filters: 3, kernel: [3, 5]}, flatten, fc: 2]"
    )
    assert layer
    assert (layer.path, layer.count, layer.channels, layer.size) == ("conv1", 3, 1, (3, 5))
    conv = model.get_submodule("conv1")
    weights = conv.weight.detach()  # type: ignore[operator]
    maps = conv(inputs).detach()[0]
    for number, one in enumerate(layer.filters):
        assert one.number == number + 1
        weight = weights[number, 0]
        expected = 127.5 + 127.5 * weight / weight.abs().max()
        assert np.abs(pixels(one.weights) - expected.numpy()).max() <= 0.51
        assert one.response
        least, most = maps[number].min(), maps[number].max()
        expected = 255 * (maps[number] - least) / (most - least)
        assert np.abs(pixels(one.response) - expected.numpy()).max() <= 0.51


def test_color() -> None:
    """A filter over three channels is a picture in colour; depthwise filters are in gray."""
    layer, model, _ = found("input: [3, 9, 9]\nlayers: [conv: {filters: 2, kernel: 3}, flatten, fc: 2]")
    assert layer
    weight = model.get_submodule("conv1").weight[1].detach()  # type: ignore[index]
    expected = (127.5 + 127.5 * weight / weight.abs().max()).movedim(0, -1)
    assert np.abs(pixels(layer.filters[1].weights) - expected.numpy()).max() <= 0.51
    layer, _, _ = found("input: [3, 9, 9]\nlayers: [depthwise_conv: 3, flatten, fc: 2]")
    assert layer
    assert [pixels(one.weights).shape for one in layer.filters] == [(3, 3)] * 3


def test_after_other_layers() -> None:
    """The first convolution may come late, see many channels, and stand in a block."""
    text = """
input: [1, 12, 12]
layers:
  - image_filter: sobel_x
  - residual: {layers: [conv: {filters: 6, kernel: 1}], shortcut: [conv: {filters: 6, kernel: 1}]}
  - conv: {filters: 4, kernel: 3}
  - flatten
  - fc: 2
"""
    layer, _, _ = found(text)
    assert layer
    assert layer.path == "residual1.layers.conv1"
    late, _, _ = found(
        "input: [1, 6, 6]\nlayers: [pixel_shuffle: 1, concat: {branches: [[], []]}, conv: {filters: 2, kernel: 3}]"
    )
    assert late
    assert pixels(late.filters[0].weights).shape == (3, 7)


def test_sequences() -> None:
    """Along a sequence, a filter has a row for each channel, and its map is a strip."""
    layer, model, inputs = found("input: [4, 40]\nlayers: [conv: {filters: 2, kernel: 9}, flatten, fc: 2]")
    assert layer
    assert pixels(layer.filters[0].weights).shape == (4, 9)
    assert layer.filters[0].response
    strip = pixels(layer.filters[0].response)
    assert strip.shape == (4, 32)
    values = model.get_submodule("conv1")(inputs)[0, 0].detach()
    expected = 255 * (values - values.min()) / (values.max() - values.min())
    assert np.abs(strip - expected.numpy()).max() <= 0.51


@pytest.mark.parametrize(
    "text",
    [
        "input: [1, 8, 8]\nlayers: [flatten, fc: 2]",
        "input: [1, 8, 8]\nlayers: [image_filter: sobel_x, flatten, fc: 2]",
        "input: [1, 4, 4, 4]\nlayers: [conv: {filters: 2, kernel: 3}]",
    ],
    ids=["none", "fixed", "volumes"],
)
def test_nothing_to_show(text: str) -> None:
    """Without a learned filter over a picture or sequence, there is none to show."""
    assert found(text)[0] is None


def test_many_and_no_picture() -> None:
    """Of many filters the first are shown, and without a picture they have no maps."""
    plan = cnnspec.loads(f"input: [1, 6, 6]\nlayers: [conv: {{filters: {MOST + 5}, kernel: 3}}]").plan()
    layer = first_layer(plan, plan.build(), None)
    assert layer
    assert (len(layer.filters), layer.count) == (MOST, MOST + 5)
    assert {one.response for one in layer.filters} == {None}


def test_filters_without_contrast() -> None:
    """Weights that are all 0 are middle gray, and values that are all the same black; NaN harms nobody."""
    assert around_zero(torch.zeros(1, 2, 2)).unique().tolist() == [128]
    assert stretched(torch.full((2, 2), 3.0)).unique().tolist() == [0]
    assert around_zero(torch.full((1, 2, 2), torch.nan)).unique().tolist() == [128]
    assert stretched(torch.full((2, 2), torch.nan)).unique().tolist() == [0]


def test_large_pictures_are_made_small() -> None:
    """A large picture does not make the page large, and keeps its proportions; a small one keeps its pixels."""
    large = picture(torch.zeros(3, 2000, 1000, dtype=torch.uint8))
    assert (large.width, large.height) == (80, 160)
    assert pixels(large).shape == (160, 80, 3)
    small = picture(torch.arange(16, dtype=torch.uint8).view(1, 4, 4))
    assert (small.width, small.height) == (96, 96)
    assert pixels(small).tolist() == torch.arange(16).view(4, 4).tolist()
