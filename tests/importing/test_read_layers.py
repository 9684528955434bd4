"""Layers are read back from torch's modules, and what no layer builds is not."""

from typing import Any

import pytest
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from cnnspec.importing.layers import differences, layer_of
from cnnspec.layers import LAYERS, Case, Layer
from cnnspec.model import modules
from cnnspec.shape import Shape

CASES = [
    pytest.param(layer, case, id=f"{name} {case}") for name, layer in LAYERS.items() for case in layer.cases
]


@pytest.mark.parametrize(("layer_class", "case"), CASES)
def test_reads_what_it_builds(layer_class: type[Layer], case: Case) -> None:
    """From each module that a layer builds, a layer is read that builds the same: itself, or one word for it."""
    layer = layer_class.of(case.fields)
    module = layer.build(modules, case.input)
    found = layer_of(module, case.input)
    assert found is not None
    assert differences(module, found.build(modules, case.input)) == []
    assert found.type == layer.type or {found.type, layer.type} == {"conv", "depthwise_conv"}


class Conv2d(nn.Conv2d):
    """Another convolution, with the name of torch's."""


@pytest.mark.parametrize(
    ("module", "x"),
    [
        (nn.Conv2d(3, 4, 3), (4, 8, 8)),
        (Conv2d(3, 4, 3), (3, 8, 8)),
        (weight_norm(nn.Conv2d(3, 4, 3)), (3, 8, 8)),
        (nn.Conv2d(3, 4, 3), (3, 8)),
        (nn.BatchNorm2d(3, momentum=None), (3, 8, 8)),
        (nn.BatchNorm2d(3, track_running_stats=False), (3, 8, 8)),
        (nn.InstanceNorm2d(3, track_running_stats=True), (3, 8, 8)),
        (nn.AvgPool2d(2, divisor_override=3), (3, 8, 8)),
        (nn.MaxPool2d(2, return_indices=True), (3, 8, 8)),
        (nn.Softmax(dim=2), (3, 8, 8)),
        (nn.Upsample(scale_factor=1.5, recompute_scale_factor=True), (3, 8, 8)),
        (nn.ConvTranspose2d(3, 4, 3), (3, 8, 8, 8)),
        (nn.Threshold(0, 1), (3, 8, 8)),
        (nn.Flatten(2), (3, 8, 8)),
        (nn.PReLU(2), (3, 8, 8)),
    ],
    ids=str,
)
def test_reads_nothing_else(module: nn.Module, x: Shape) -> None:
    """A module whose settings, class or input no layer has is not taken for one that is nearly the same."""
    assert layer_of(module, x) is None


@pytest.mark.parametrize(
    ("module", "x", "word", "fields"),
    [
        (
            nn.Conv2d(8, 8, (3, 3), (2, 2), (1, 1), groups=8),
            (8, 9, 9),
            "depthwise_conv",
            {"kernel": 3, "stride": 2},
        ),
        (nn.AdaptiveAvgPool2d((1, 1)), (8, 9, 9), "global_avgpool", {}),
        (nn.AdaptiveAvgPool2d((2, 1)), (8, 9, 9), "adaptive_avgpool", {"output_size": (2, 1)}),
        (nn.MaxPool2d((2, 2), (2, 2)), (8, 9, 9), "maxpool", {"kernel": 2, "stride": None}),
        (nn.ReLU(inplace=True), (8, 9, 9), "relu", {}),
        (nn.ZeroPad2d((1, 2, 3, 3)), (8, 9, 9), "zero_pad", {"padding": (3, (1, 2))}),
    ],
)
def test_says_it_briefly(module: nn.Module, x: Shape, word: str, fields: dict[str, Any]) -> None:
    """A layer is read in the words that a person would use for it."""
    layer = layer_of(module, x)
    assert layer is not None
    assert layer.type == word
    assert {name: getattr(layer, name) for name in fields} == fields
