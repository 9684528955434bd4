"""Each layer's formulas read as a textbook's, and come out at torch's numbers."""

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import cnnspec
from cnnspec.layers import LAYERS
from cnnspec.testing.formulas import compute
from cnnspec.views.explain import Explanation, Formula, explain, heading, legend

SPECS = sorted((Path(__file__).parents[3] / "specs").glob("*.yaml"))


def plan_of(layers: str, shape: str = "[3, 16, 16]") -> cnnspec.Plan:
    return cnnspec.loads(f"input: {shape}\nlayers:\n  - {layers}\n").plan()


def own(explanation: Explanation) -> list[Formula]:
    """Return the formulas of a layer's own numbers, without those of what it sees of the input."""
    return [f for f in explanation.formulas if not f.of.startswith(("receptive field", "effective stride"))]


def formulas(plan: cnnspec.Plan) -> list[str]:
    """Return the last layer's own formulas as they are printed."""
    return [f"{formula.of}: {formula}" for formula in own(explain(plan)[-1])]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_printed_formula_is_torchs(path: Path) -> None:
    """What is printed with a layer's numbers in it comes out at torch's sizes, parameters and MACs."""
    plan = cnnspec.load(path).plan()
    with torch.device("meta"):  # sizes only: nothing is calculated
        model = plan.build()
    # Where layers are alike, the first one tells.
    steps = [(one.step, one) for one in reversed(explain(plan))]
    different = {(str(step.layer or step.path), step.type, step.input): one for step, one in steps}
    for explanation in different.values():
        module = model.get_submodule(explanation.step.path)
        with FlopCounterMode(display=False) as counter:
            y = module(torch.zeros(2, *explanation.step.input, device="meta"))
        found = {formula.of: compute(formula.numbers) for formula in own(explanation)}
        if explanation.step.layer:
            assert found.pop("parameters", 0) == sum(p.numel() for p in module.parameters())
            assert found.pop("MACs", 0) == counter.get_total_flops() / 4
        assert set(found.values()) <= set(y.shape[1:])


FORMULAS = {
    "one formula for equal axes": (
        "maxpool: 2",
        ["height, width: (n + 2p − f)/s + 1 = (16 + 2·0 − 2)/2 + 1 = 8"],
    ),
    "one for each axis that differs": (
        "maxpool: [2, 4]",
        [
            "height: (n + 2p − f)/s + 1 = (16 + 2·0 − 2)/2 + 1 = 8",
            "width: (n + 2p − f)/s + 1 = (16 + 2·0 − 4)/4 + 1 = 4",
        ],
    ),
    "rounded down": (
        "maxpool: 3",
        ["height, width: ⌊(n + 2p − f)/s⌋ + 1 = ⌊(16 + 2·0 − 3)/3⌋ + 1 = 5"],
    ),
    "rounded up": (
        "maxpool: {kernel: 3, ceil_mode: true}",
        ["height, width: ⌈(n + 2p − f)/s⌉ + 1 = ⌈(16 + 2·0 − 3)/3⌉ + 1 = 6"],
    ),
    "rounded up, less the window in the padding": (
        "maxpool: {kernel: 1, stride: 2, ceil_mode: true}",
        ["height, width: ⌈(n + 2p − f)/s⌉ = ⌈(16 + 2·0 − 1)/2⌉ = 8"],
    ),
    "dilated": (
        "maxpool: {kernel: 3, stride: 1, dilation: 2}",
        ["height, width: (n + 2p − d(f − 1) − 1)/s + 1 = (16 + 2·0 − 2·(3 − 1) − 1)/1 + 1 = 12"],
    ),
    "same, with an even kernel": (
        "conv: {filters: 4, kernel: 2, padding: same, bias: false, groups: 1}",
        [
            "height, width: (n + 2p + 1 − f)/s + 1 = (16 + 2·0 + 1 − 2)/1 + 1 = 16",
            "parameters: f·f·channels·filters = 2·2·3·4 = 48",
            "MACs: f·f·channels·filters·output size = 2·2·3·4·16·16 = 12,288",
        ],
    ),
    "each channel on its own": (
        "depthwise_conv: 16",
        [
            "height, width: (n + 2p − f)/s + 1 = (16 + 2·0 − 16)/1 + 1 = 1",
            "parameters: (f·f·channels/groups + 1)·filters = (16·16·1 + 1)·3 = 771",
            "MACs: f·f·channels/groups·filters·output size = 16·16·1·3·1·1 = 768",
        ],
    ),
    "transposed": (
        "conv_transpose: {filters: 4, kernel: 2, stride: 2}",
        [
            "height, width: (n − 1)s − 2p + f = (16 − 1)·2 − 2·0 + 2 = 32",
            "parameters: (f·f·channels + 1)·filters = (2·2·3 + 1)·4 = 52",
            "MACs: f·f·channels·filters·input size = 2·2·3·4·16·16 = 12,288",
        ],
    ),
    "transposed, with all it can have": (
        "conv_transpose: {filters: 3, kernel: 3, stride: [2, 3], padding: 1, dilation: 2, output_padding: [0, 1], groups: 3, bias: false}",
        [
            "height: (n − 1)s − 2p + d(f − 1) + 1 = (16 − 1)·2 − 2·1 + 2·(3 − 1) + 1 = 33",
            "width: (n − 1)s − 2p + d(f − 1) + 1 + output_padding = (16 − 1)·3 − 2·1 + 2·(3 − 1) + 1 + 1 = 49",
            "parameters: f·f·channels/groups·filters = 3·3·1·3 = 27",
            "MACs: f·f·channels/groups·filters·input size = 3·3·1·3·16·16 = 6,912",
        ],
    ),
    "a filter without parameters": (
        "image_filter: {kernel: sobel_x, padding: 0}",
        [
            "height, width: (n + 2p − f)/s + 1 = (16 + 2·0 − 3)/1 + 1 = 14",
            "MACs: f·f·channels·output size = 3·3·3·14·14 = 5,292",
        ],
    ),
    "scaled": ("upsample: 2", ["height, width: n·scale = 16·2 = 32"]),
    "scaled and rounded": (
        "upsample: [1.3, 1]",
        ["height: ⌊n·scale⌋ = ⌊16·1.3⌋ = 20", "width: n·scale = 16·1 = 16"],
    ),
    "a size that is given": ("upsample: {size: 9}", []),
    "zeros on both sides": ("zero_pad: 2", ["height, width: n + 2p = 16 + 2·2 = 20"]),
    "zeros on one side": (
        "zero_pad: [[0, 1], 3]",
        ["height: n + before + after = 16 + 0 + 1 = 17", "width: n + 2p = 16 + 2·3 = 22"],
    ),
    "channels that become space": (
        "sequence: [conv: {filters: 8, kernel: 1}, pixel_shuffle: 2]",
        ["channels: channels/(factor·factor) = 8/(2·2) = 2", "height, width: n·factor = 16·2 = 32"],
    ),
    "some of the channels": ("channel_slice: {start: -2}", ["channels: stop − start = 3 − 1 = 2"]),
    "some of the flat values": (
        "sequence: [flatten, channel_slice: {stop: 9}]",
        ["size: stop − start = 9 − 0 = 9"],
    ),
    "a factor for each channel": ("layer_scale", ["parameters: channels = 3"]),
    "branches side by side": (
        "concat: [[], [conv: {filters: 5, kernel: 1}], [conv: {filters: 4, kernel: 1}]]",
        ["channels: the branches' sum = 3 + 5 + 4 = 12"],
    ),
    "branches added up": ("residual: [conv: {filters: 3, kernel: 1}]", []),
    "a number that is no formula": ("prelu", ["parameters: slopes = 1"]),
    "nothing to calculate": ("relu", []),
}  # fmt: skip


@pytest.mark.parametrize("case", FORMULAS.values(), ids=FORMULAS)
def test_formulas(case: tuple[str, list[str]]) -> None:
    """A formula stands in letters, then in numbers, with rounding only where something is rounded."""
    layers, expected = case
    assert formulas(plan_of(layers)) == expected


@pytest.mark.parametrize(
    ("shape", "axes"),
    [("[2, 8]", "length"), ("[2, 8, 8]", "height, width"), ("[2, 8, 8, 8]", "depth, height, width")],
)
def test_axes_have_names(shape: str, axes: str) -> None:
    """The axes are called as one calls them, in one, two and three dimensions."""
    assert formulas(plan_of("maxpool: 2", shape))[0].startswith(f"{axes}: ")


def test_legend() -> None:
    """Letters are explained where they are used, and dilation only where there is one."""
    letters = {
        "flatten": "",
        "relu": "r",
        "maxpool: 2": "npfsrj",
        "maxpool: {kernel: 2, dilation: 2}": "npfsdrj",
        "upsample: 2": "nmrj",
        "zero_pad: 2": "npr",
        "concat: [[flatten], [flatten]]": "",
    }
    assert {layers: "".join(legend(explain(plan_of(layers)))) for layers in letters} == letters
    assert legend(explain(plan_of("relu"))) == {"r": "receptive field before"}


def test_heading() -> None:
    """A layer is headed by its name, its type where the name doesn't tell it, and its shapes."""
    (explanation,) = explain(plan_of("conv: {filters: 4, kernel: 1}\n    name: stem"))
    assert heading(explanation.step) == "stem (conv): 3×16×16 → 4×16×16"


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_says_what_it_does(name: str) -> None:
    """Every layer is explained by a sentence, with or without a formula."""
    flat = "flatten\n  - " if name == "fc" else ""
    explanation = explain(plan_of(flat + LAYERS[name].example, "[4, 16, 16]"))[-1]
    assert explanation.step.type == name
    assert explanation.text.endswith((".", ")."))
