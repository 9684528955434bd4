"""Weights of a network for other pictures or other classes: the ends are adapted, and all else must match."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import cnnspec
from cnnspec.errors import CheckpointError
from cnnspec.model.adapting import for_channels

SPEC = """
input: [CHANNELS, 8, 8]
layers:
  - conv: {filters: 4, kernel: 3, padding: 1, bias: false}
    name: stem
  - batchnorm
  - relu
  - conv: {filters: 4, kernel: 3, padding: 1}
    name: body
  - global_avgpool
  - flatten
  - fc: CLASSES
    name: head
"""

State = dict[str, Tensor]


def net(channels: int = 3, classes: int = 5, spec: str = SPEC) -> nn.Module:
    """Return the network, every value different from all others."""
    text = spec.replace("CHANNELS", str(channels)).replace("CLASSES", str(classes))
    model = cnnspec.loads(text).plan().build()
    for value in model.state_dict().values():
        value.copy_(torch.rand(value.shape) + 0.5)
    return model.eval()


def copy(model: nn.Module) -> State:
    return {key: value.clone() for key, value in model.state_dict().items()}


def renamed(state: State) -> State:
    """Return the same by names of another program, in the same order."""
    return {f"module{number}.{key.rpartition('.')[2]}": x for number, (key, x) in enumerate(state.items())}


def given(source: nn.Module, how: str) -> State:
    return copy(source) if how == "name" else renamed(copy(source))


def same(one: State, other: State, *, but: str = "?") -> bool:
    return all(torch.equal(one[key], other[key]) for key in one if not key.startswith(but))


def test_gray_is_seen_as_before() -> None:
    """A network for colour that is made one for gray answers gray pictures as it did when these had three channels."""
    source, model = net(3), net(1)
    cnnspec.load_weights(model, copy(source), adapt=True)
    gray = torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(model(gray), source(gray.expand(-1, 3, -1, -1)))


@pytest.mark.parametrize("how", ["name", "order"])
@pytest.mark.parametrize("channels", [2, 3, 6])
def test_color_from_gray(channels: int, how: str) -> None:
    """A network for gray that is given equal channels answers as it did to one of them."""
    source, model = net(1), net(channels)
    report = cnnspec.load_weights(model, given(source, how), adapt=True)
    assert report.how == how
    gray = torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(model(gray.expand(-1, channels, -1, -1)), source(gray))


def test_channels_that_are_no_multiple() -> None:
    """The channels are repeated, and the response to equal channels stays about the same."""
    weight = torch.arange(1.0, 4.0).view(1, 3, 1, 1)
    assert for_channels(weight, 4).flatten().tolist() == [0.75, 1.5, 2.25, 0.75]
    assert for_channels(weight, 2).flatten().tolist() == [1.5, 3.0]
    torch.testing.assert_close(for_channels(torch.ones(1, 3, 1, 1), 4).sum(), torch.tensor(3.0))


@pytest.mark.parametrize("how", ["name", "order"])
@pytest.mark.parametrize("classes", [2, 4, 9])
def test_other_classes(classes: int, how: str) -> None:
    """The last layer keeps its own values, all else is loaded; also where the head is as wide as other layers."""
    source, model = net(), net(classes=classes)
    before = copy(model)
    report = cnnspec.load_weights(model, given(source, how), adapt=True)
    after = copy(model)
    assert same(after, copy(source), but="head")
    assert torch.equal(after["head.weight"], before["head.weight"])
    assert torch.equal(after["head.bias"], before["head.bias"])
    assert [one.ours for one in report.replaced] == ["head.weight", "head.bias"]
    assert report.changes == [f"head has {classes} outputs instead of 5: its weights are new"]
    assert not {ours for ours, _ in report.matched} & {"head.weight", "head.bias"}


@pytest.mark.parametrize("how", ["name", "order"])
def test_nothing_to_adapt(how: str) -> None:
    """With the same channels and classes, all is loaded, the last layer as well."""
    source, model = net(), net()
    report = cnnspec.load_weights(model, given(source, how), adapt=True)
    assert same(copy(model), copy(source))
    assert report.changes == []
    assert len(report.matched) == len(copy(model))


def test_both_ends() -> None:
    """First convolution and last layer may both differ, and the report says so."""
    report = cnnspec.load_weights(net(1, 1234), renamed(copy(net(3, 5))), adapt=True)
    assert str(report).splitlines() == [
        "8 tensors loaded, matched by order",
        "stem takes 1 instead of 3 channels: its weights are summed",
        "head has 1,234 outputs instead of 5: its weights are new",
    ]
    report = cnnspec.load_weights(net(3), copy(net(1)), adapt=True)
    assert report.changes == ["stem takes 3 instead of 1 channel: its weights are repeated, times 1/3"]


def test_without_adapt() -> None:
    """Where it is not asked for, nothing is adapted: what differs is only told."""
    report = cnnspec.load_weights(net(1, 3), copy(net()))
    assert [one.ours for one in report.disagreed] == ["stem.weight", "head.weight", "head.bias"]
    assert report.changes == []


def test_a_single_layer() -> None:
    """A network of one convolution is first and last layer at once."""
    spec = "input: [CHANNELS, 8, 8]\nlayers: [conv: {filters: CLASSES, kernel: 1}]"
    model = net(1, 3, spec)
    before = copy(model)
    with pytest.raises(CheckpointError, match="none of the 2 tensors given fits"):
        cnnspec.load_weights(model, copy(net(3, 5, spec)), adapt=True)
    cnnspec.load_weights(model, copy(net(3, 3, spec)), adapt=True)
    assert not same(copy(model), before)


def test_auxiliary_heads() -> None:
    """The heads that GoogLeNet and Inception have only for training are left out, and that is told."""
    state = copy(net()) | {"aux1.fc.weight": torch.rand(3, 3), "AuxLogits.fc.bias": torch.rand(3)}
    report = cnnspec.load_weights(net(), state, adapt=True)
    assert report.left_out == ("aux1.fc.weight", "AuxLogits.fc.bias")
    assert report.changes == ["auxiliary heads left out (2): aux1, AuxLogits"]


def test_a_block_of_such_a_name() -> None:
    """A block that a spec calls so is none of these."""
    model, source = (net(spec=SPEC.replace("name: body", "name: aux")) for _ in range(2))
    report = cnnspec.load_weights(model, copy(source), adapt=True)
    assert report.left_out == ()
    assert same(copy(model), copy(source))


def test_old_weights_have_no_counters() -> None:
    """That batch norm did not count its batches is no error: nothing is computed from it."""
    state = {key: x for key, x in copy(net()).items() if not key.endswith("num_batches_tracked")}
    report = cnnspec.load_weights(net(), renamed(state), adapt=True)
    assert report.missing == ("batchnorm1.num_batches_tracked",)


WRONG = {
    "missing": ({"body.bias": None}, "9 tensors do, but not these: 1 missing (body.bias)."),
    "unexpected": ({"neck.weight": torch.rand(3)}, "10 tensors do, but not these: 1 unexpected (neck.weight)."),
    "another size": ({"body.weight": torch.rand(4, 4, 5, 5)}, "9 tensors do, but not these: 1 of another shape (body.weight 4×4×3×3 and body.weight 4×4×5×5)."),
    "a head of another input": ({"head.weight": torch.rand(9, 8)}, "but not these: 2 of another shape (head.weight 5×4 and head.weight 9×8, head.bias 5 and head.bias 5)."),
    "a kernel of another size": ({"stem.weight": torch.rand(4, 1, 5, 5)}, "1 of another shape (stem.weight 4×3×3×3 and stem.weight 4×1×5×5)."),
    "several": ({f"x{n}": torch.rand(1) for n in range(5)} | {"body.bias": None}, "1 missing (body.bias), 5 unexpected (x0, x1, x2, and 2 more)."),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_all_else_must_match(case: tuple[dict[str, Any], str]) -> None:
    """What would stay random, or has no place, is an error that names it, and the model stays as it was."""
    change, message = case
    state = {key: x for key, x in (copy(net()) | change).items() if x is not None}
    model = net()
    before = copy(model)
    with pytest.raises(CheckpointError) as caught:
        cnnspec.load_weights(model, state, adapt=True)
    told = str(caught.value)
    assert told.startswith("the weights do not fit the model; ")
    assert message in told
    assert same(copy(model), before)


def test_convolutions_in_groups_are_left() -> None:
    """Of a convolution whose filters see a part of the channels only, weights for other channels are none."""
    spec = "input: [CHANNELS, 8, 8]\nlayers: [conv: {filters: 4, kernel: 3, groups: 2}, batchnorm, relu, conv: {filters: CLASSES, kernel: 1}]"
    with pytest.raises(
        CheckpointError, match=r"of another shape \(conv1.weight 4×1×3×3 and conv1.weight 4×2×3×3"
    ):
        cnnspec.load_weights(net(2, spec=spec), copy(net(4, spec=spec)), adapt=True)


def test_networks_without_weights() -> None:
    """Nothing can be loaded into a network that has none."""
    model = cnnspec.loads("input: [1, 8, 8]\nlayers: [relu]").plan().build()
    with pytest.raises(CheckpointError, match="none of the 10 tensors given fits any of its 0"):
        cnnspec.load_weights(model, copy(net()), adapt=True)
