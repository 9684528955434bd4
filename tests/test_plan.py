"""The plan knows every layer's shapes, parameters, MACs and name."""

import keyword
import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.expansion import trace
from cnnspec.language.items import RESERVED

SPECS = sorted((Path(__file__).parents[1] / "specs").glob("*.yaml"))


def plan_of(layers: str, shape: str = "[3, 16, 16]") -> cnnspec.Plan:
    return cnnspec.loads(f"input: {shape}\nlayers:\n{layers}", file="net.yaml").plan()


def problems(layers: str, shape: str = "[3, 16, 16]") -> list[str]:
    with pytest.raises(SpecError) as caught:
        plan_of(layers, shape)
    return [str(problem).splitlines()[0] for problem in caught.value.problems]


def test_lenet5() -> None:
    """LeNet-5 has the numbers that are in every lecture."""
    plan = cnnspec.load(Path(__file__).parents[1] / "specs" / "lenet5.yaml").plan()
    shapes = {step.path: step.output for step in plan.layers}
    assert shapes["conv1"] == (6, 28, 28)
    assert shapes["maxpool1"] == (6, 14, 14)
    assert shapes["conv2"] == (16, 10, 10)
    assert shapes["maxpool2"] == (16, 5, 5)
    assert [shapes[name] for name in ("flatten1", "fc1", "fc2", "fc3")] == [(400,), (120,), (84,), (10,)]
    assert (plan.params, plan.macs, plan.output_shape) == (61_750, 416_520, (10,))
    assert sum(step.params for step in plan.layers if step.type == "fc") == 59_134


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_shipped_specs_are_what_torch_says(path: Path) -> None:
    """Each shipped spec's plan has torch's own output shape, parameters and MACs."""
    plan = cnnspec.load(path).plan()
    with torch.device("meta"), FlopCounterMode(display=False) as counter:  # sizes only: nothing is calculated
        model = plan.build().eval()
        y = model(torch.zeros(1, *plan.input_shape))
    assert tuple(y.shape[1:]) == plan.output_shape
    assert sum(p.numel() for p in model.parameters()) == plan.params
    assert counter.get_total_flops() == 2 * plan.macs


def test_numbering() -> None:
    """Unnamed layers are numbered by kind; a named one doesn't count."""
    plan = plan_of("  - relu\n  - relu: {}\n    name: act\n  - batchnorm\n  - relu\n")
    assert [step.path for step in plan.layers] == ["relu1", "act", "batchnorm1", "relu2"]


def test_repeat() -> None:
    """An unnamed item's repetitions are layers in a row; a named one's stand in a group of that name."""
    plan = plan_of("""
  - conv: {filters: 4, kernel: 3}
    repeat: 2
  - relu
  - conv: {filters: 4, kernel: 3}
    name: stage
    repeat: 3
  - conv: {filters: 4, kernel: 3}
""")
    paths = [step.path for step in plan.layers]
    assert paths == ["conv1", "conv2", "relu1", "stage.0", "stage.1", "stage.2", "conv3"]
    group = plan.steps[3]
    assert (group.params, group.macs) == (
        sum(c.params for c in group.children),
        sum(c.macs for c in group.children),
    )
    assert (group.input, group.output) == ((4, 12, 12), (4, 6, 6))
    assert plan.params == sum(step.params for step in plan.layers)


def test_repeat_zero() -> None:
    """An item repeated zero times is not there."""
    plan = plan_of("  - relu\n  - conv: {filters: 4, kernel: 3}\n    repeat: 0\n")
    assert [step.path for step in plan.layers] == ["relu1"]


SHAPES = {
    "kernel": ("  - conv: {filters: 16, kernel: 17}", "net.yaml:3:25: kernel 17 does not fit the 16×16 input of conv1; the output would be empty. Use kernel ≤ 16, padding ≥ 1, or drop a pool."),
    "dilated": ("  - conv: {filters: 6, kernel: 5, dilation: 5}", "with dilation 5 it spans 21, and the output would be empty"),
    "pool": ("  - maxpool: 17", "kernel 17 does not fit the 16×16 input of maxpool1"),
    "pool padding": ("  - maxpool: {kernel: 3, padding: 2}", "padding 2 is more than half the kernel of maxpool1, 3"),
    "fc": ("  - fc: 10", "net.yaml:3:5: fc needs a flat input, but gets 3×16×16. Put `- flatten` before it."),
    "groups": ("  - conv: {filters: 6, kernel: 1, groups: 2}", "groups 2 do not divide the 3 channels of conv1"),
    "groups of filters": ("  - conv: {filters: 4, kernel: 1, groups: 3}", "groups 3 do not divide the 4 filters of conv1"),
    "axes": ("  - maxpool: [2, 2, 2]", "kernel lists 3 values, but the input has 2 axes. Give one number, or 2."),
    "conv after flatten": ("  - flatten\n  - conv: {filters: 6, kernel: 1}", "conv needs channels and space, but gets 768 flat"),
    "named": ("  - maxpool: 17\n    name: shrink", "does not fit the 16×16 input of shrink"),
    "in a group": ("  - maxpool: 2\n    name: pools\n    repeat: 5", "does not fit the 1×1 input of pools.4"),
    "prelu": ("  - prelu: {num_parameters: 2}", "num_parameters of prelu1 is 2, but its input has 3 channels"),
    "reflection": (
        "  - conv: {filters: 1, kernel: 3, padding: 16, padding_mode: reflect}",
        "padding 16 is too much for the 16×16 input of conv1",
    ),
    "too many parameters": ("  - flatten\n  - fc: 1000000000\n  - fc: 1000000000", "fc2 would have 1,000,000,001,000,000,000"),
}  # fmt: skip


@pytest.mark.parametrize("case", SHAPES.values(), ids=SHAPES)
def test_shapes_that_do_not_fit(case: tuple[str, str]) -> None:
    """A shape that doesn't fit is told once, with the numbers, at the field that is to blame."""
    layers, expected = case
    (found,) = problems(layers)
    assert expected in found


def test_too_many_layers() -> None:
    """Repetitions can't make a network of millions of layers."""
    assert (
        "too many layers; that is the limit of 10,000"
        in problems("  - relu: {}\n    repeat: 10000\n  - relu\n")[0]
    )


def test_plan_up_to_the_failure() -> None:
    """The layers before the one that doesn't fit are in the plan all the same."""
    spec = cnnspec.loads("input: [3, 16, 16]\nlayers:\n  - relu\n  - maxpool: 4\n  - maxpool: 5\n  - relu\n")
    plan, found = trace(spec)
    assert [step.path for step in plan.layers] == ["relu1", "maxpool1"]
    assert len(found) == 1


NAMES = {
    "twice": ("  - relu: {}\n    name: a\n  - relu: {}\n    name: a", "net.yaml:6:11: two layers are called 'a'; the first stands in line 4"),
    "as numbered": ("  - relu\n  - tanh: {}\n    name: relu1", "two layers are called 'relu1'"),
    "torch's": ("  - relu: {}\n    name: forward", "net.yaml:4:11: a layer cannot be called 'forward'; Python or PyTorch"),
    "Python's": ("  - relu: {}\n    name: class", "a layer cannot be called 'class'"),
    "private": ("  - relu: {}\n    name: _modules", "a layer cannot be called '_modules'"),
}  # fmt: skip


@pytest.mark.parametrize("case", NAMES.values(), ids=NAMES)
def test_names_that_cannot_be(case: tuple[str, str]) -> None:
    """Names that would clash are told before torch trips over them."""
    layers, expected = case
    assert expected in problems(layers)[0]


def test_reserved_names_are_torchs() -> None:
    """Every name that torch's containers keep for themselves is refused."""
    attributes = {name for name in dir(nn.Sequential()) if re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name)}
    assert {name for name in attributes if not keyword.iskeyword(name)} <= RESERVED
