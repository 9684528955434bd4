"""Weights of a network written by someone else find their places, and nothing is guessed."""

from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import cnnspec
from cnnspec.model.weights import Disagreement

SPEC = """
input: [3, 8, 8]
layers:
  - conv: {filters: 4, kernel: 3, padding: 1, bias: false}
  - batchnorm
  - relu
  - conv: {filters: 4, kernel: 3, padding: 1}
  - batchnorm
  - global_avgpool
  - flatten
  - fc: CLASSES
"""


def ours(classes: int = 5) -> nn.Module:
    return cnnspec.loads(SPEC.replace("CLASSES", str(classes))).plan().build()


def theirs() -> nn.Module:
    """Return the network of SPEC by other names, with every value different from all others."""
    model = nn.Sequential(
        OrderedDict(
            stem=nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
            body=nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)),
            head=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)),
        )
    )
    for number, value in enumerate(model.state_dict().values()):
        value.copy_(torch.rand(value.shape) + number + 1)
    return model


def layer(**tensors: Tensor) -> nn.Module:
    """Return a module with these parameters and nothing else."""
    module = nn.Module()
    for name, tensor in tensors.items():
        module.register_parameter(name, nn.Parameter(tensor))
    return module


def copy(model: nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_by_name() -> None:
    """A network of the same names gets its weights by name, whatever their order."""
    source, model = ours(), ours()
    state = dict(reversed(source.state_dict().items()))
    report = cnnspec.load_weights(model, state)
    assert equal(copy(model), copy(source))
    assert report.how == "name"
    assert report.matched == tuple((key, key) for key in model.state_dict())
    assert report.missing == report.unexpected == ()
    assert report.disagreed == ()


def test_by_order() -> None:
    """The same network by other names gets every tensor, counters included, and computes the same."""
    source, model = theirs(), ours()
    report = cnnspec.load_weights(model, source.state_dict())
    assert report.how == "order"
    assert dict(report.matched) == dict(zip(model.state_dict(), source.state_dict(), strict=True))
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(model.eval()(x), source.eval()(x))
    assert str(report) == "15 tensors loaded, matched by order"


def test_other_classes() -> None:
    """All but the last layer is loaded where only the classes differ, and both shapes are told."""
    model = ours(classes=2)
    before = copy(model)
    report = cnnspec.load_weights(model, theirs().state_dict())
    assert report.disagreed == (
        Disagreement("fc1.weight", "head.2.weight", (2, 4), (5, 4)),
        Disagreement("fc1.bias", "head.2.bias", (2,), (5,)),
    )
    assert torch.equal(model.state_dict()["fc1.weight"], before["fc1.weight"])
    assert len(report.matched) == 13
    assert report.missing == report.unexpected == ()
    assert str(report).splitlines()[1:] == [
        "of another shape (2): fc1.weight 2×4 and head.2.weight 5×4, fc1.bias 2 and head.2.bias 5"
    ]


def test_other_classes_by_name() -> None:
    """What has the same name and another shape is told and left as it is, also when names match."""
    model = ours(classes=2)
    report = cnnspec.load_weights(model, ours().state_dict())
    assert [(d.ours, d.theirs) for d in report.disagreed] == [("fc1.weight",) * 2, ("fc1.bias",) * 2]
    assert report.how == "name"
    assert len(report.matched) == 13


def test_missing_and_unexpected() -> None:
    """What only one side has is listed, and the rest is loaded."""
    state = ours().state_dict()
    state["old.weight"] = state.pop("fc1.weight")
    model = ours()
    report = cnnspec.load_weights(model, state)
    assert report.missing == ("fc1.weight",)
    assert report.unexpected == ("old.weight",)
    assert len(report.matched) == 14
    assert "missing in the state_dict (1): fc1.weight" in str(report)
    assert "unexpected in the state_dict (1): old.weight" in str(report)


def test_counts_that_differ_are_not_guessed() -> None:
    """Where one side has more tensors of a kind than the other, none of that kind is loaded."""
    source = nn.Sequential(theirs(), nn.BatchNorm2d(4), nn.Conv2d(4, 7, 3))  # a third batch norm
    model = ours()
    report = cnnspec.load_weights(model, source.state_dict())
    assert [o for o, _ in report.matched] == ["conv1.weight", "conv2.weight", "fc1.weight", "fc1.bias"]
    assert set(report.missing) == {k for k in model.state_dict() if "batchnorm" in k} | {"conv2.bias"}
    assert "2.weight" in report.unexpected
    assert report.disagreed == ()


def test_linear_as_convolution() -> None:
    """A Linear fills a 1×1 convolution, and the other way round: 1s at a shape's end don't count."""
    linear, convolution = nn.Linear(6, 24), nn.Conv2d(6, 24, 1)
    pairs: tuple[tuple[nn.Module, nn.Module], ...] = ((linear, convolution), (convolution, linear))
    for source, model in pairs:
        for value in source.state_dict().values():
            value.copy_(torch.rand(value.shape))
        report = cnnspec.load_weights(model, source.state_dict())
        assert len(report.matched) == 2
        assert torch.equal(linear.weight, convolution.weight.squeeze())


def test_other_name_for_the_same_thing() -> None:
    """A tensor that the other side calls something else is matched by its shape."""
    model, gain = nn.Sequential(nn.Linear(3, 4), layer(gain=torch.zeros(4))), torch.rand(4)
    state = {"a.weight": torch.rand(4, 3), "a.bias": torch.rand(4), "b.layer_scale": gain.reshape(4, 1, 1)}
    report = cnnspec.load_weights(model, state)
    assert report.matched[-1] == ("1.gain", "b.layer_scale")
    assert torch.equal(model.state_dict()["1.gain"], gain)


def test_known_names_are_not_mixed_up() -> None:
    """A bias is no weight, even if nothing else of its size is left on either side."""
    model = nn.Sequential(nn.Conv2d(1, 4, 3), layer(bias=torch.zeros(9)))
    state = {"a.weight": torch.rand(4, 1, 3, 3), "a.bias": torch.rand(4), "b.weight": torch.rand(9)}
    report = cnnspec.load_weights(model, state)
    assert report.missing == ("1.bias",)
    assert report.unexpected == ("b.weight",)


def test_precision() -> None:
    """Values take the model's precision, and the parameters stay those that the optimizer knows."""
    model = ours()
    parameters = list(model.parameters())
    cnnspec.load_weights(model, theirs().double().state_dict())
    assert all(one is other for one, other in zip(model.parameters(), parameters, strict=True))
    assert {value.dtype for value in model.state_dict().values()} == {torch.float32, torch.int64}
    assert all(p.requires_grad for p in parameters)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            {"a.weight": torch.zeros(7)},
            "the weights do not fit the model; none of the 1 tensors given fits any of its 2. They are of another network, or of another size of it.",
        ),
        (
            {"weight": torch.zeros(7, 3), "bias": torch.zeros(7)},
            "the weights do not fit the model; none of the 2 tensors given fits any of its 2; of different shapes are weight 4×3 and weight 7×3. They are of another network, or of another size of it.",
        ),
        ({}, "the weights do not fit the model; none of the 0 tensors given fits any of its 2."),
        (
            {"weight": torch.zeros(4, 3), "bias": torch.zeros(4, dtype=torch.int8)},
            "bias is of int8; bias of the model is of float32. Give weights that are not quantized.",
        ),
        (
            {"state_dict": {"weight": torch.zeros(4, 3)}},
            "'state_dict' is of type dict, not a tensor; weights are given as a state_dict, a mapping from names to tensors. Give the part of it that holds the weights.",
        ),
        ({"epoch": 3}, "'epoch' is of type int, not a tensor"),
        (nn.Linear(3, 4), "this is of type Linear; weights are given as a state_dict, a mapping from names to tensors. Give its `state_dict()`."),
    ],
)  # fmt: skip
def test_refused(state: Any, message: str) -> None:
    """What does not fit at all is an error that says why, and the model stays as it was."""
    model = nn.Linear(3, 4)
    before = copy(model)
    with pytest.raises(cnnspec.CheckpointError) as caught:
        cnnspec.load_weights(model, state)
    assert str(caught.value).startswith(message)
    assert equal(copy(model), before)


def test_long_reports_are_cut() -> None:
    """The report's text stays short; its lists have everything."""
    state = {"weight": torch.rand(4, 3), "bias": torch.rand(4)} | {f"x{i}": torch.rand(1) for i in range(30)}
    report = cnnspec.load_weights(nn.Linear(3, 4), state)
    assert len(report.unexpected) == 30
    assert str(report).endswith("x6, x7, and 22 more")
