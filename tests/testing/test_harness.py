"""The harness for layers sees every fault: a layer that is right passes, each wrong one fails, and it says where."""

# ruff: noqa: ARG005  # methods of a layer have the arguments of its contract

from collections.abc import Mapping
from pathlib import Path
from types import new_class
from typing import Any, ClassVar

import pytest
from plugin_fixtures import LAYER, write_package
from pydantic import Field

from cnnspec.errors import RuleError, SpecError
from cnnspec.layers import LAYERS, Case, Kept, Layer
from cnnspec.layers.convolution import Conv
from cnnspec.model import modules
from cnnspec.plugins import loading
from cnnspec.shape import Reach, Shape
from cnnspec.testing import check_layer, checks

CASE = Case((2, 6, 6), filters=3, kernel=3, stride=2)
X = "conv 2×6×6 filters=3, kernel=3, stride=2: "


class Leaky(Layer):
    """A layer that is right, as someone else could write it."""

    family: ClassVar = "activation"
    cases: ClassVar[tuple[Case, ...]] = (Case((2, 4, 4), slope=0.5),)
    keeps: ClassVar = Kept(input=True)

    slope: float = Field(0.1, description="slope below 0")

    def output_shape(self, x: Shape) -> Shape:
        return x

    def build(self, nn: Any, x: Shape) -> Any:  # noqa: ARG002  # the contract's signature
        return nn.LeakyReLU(self.slope)


def changed(layer: type[Layer], **attributes: Any) -> type[Layer]:
    """Return a layer with other methods; it is registered if it gets a type of its own."""
    told = {"__module__": __name__, "__qualname__": "Changed", "__doc__": "A layer.", **attributes}
    made = new_class("Changed", (layer,), exec_body=lambda namespace: namespace.update(told))
    assert issubclass(made, Layer)
    return made


def refuse(self: Layer, x: Shape) -> Shape:
    raise RuleError("no")


WRONG: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "another shape": ({"output_shape": lambda self, x: (4, 2, 2)}, X + "is what torch runs", "output shape: (4, 2, 2) by the layer, (3, 2, 2) by torch"),
    "a size that is no int": ({"output_shape": lambda self, x: (3, 2.0, 2.0)}, X + "is what torch runs", "2.0 by the layer is no int; `//` divides ints"),
    "parameters": ({"params": lambda self, x: 58}, X + "is what torch runs", "parameters: 58 by the layer, 57 by torch"),
    "MACs": ({"macs": lambda self, x: 217}, X + "is what torch runs", "MACs: 217 by the layer, 216.0 by torch"),
    "a size's formula": ({"size_formulas": lambda self, x: (("", ""), ("n", "6"), ("n", "6"))}, X + "formulas give the numbers", "size_formula: 6 is not 2"),
    "a formula too few": ({"size_formulas": lambda self, x: (("", ""), ("", ""))}, X + "formulas give the numbers", "size_formulas has 2 of 3 axes"),
    "half a formula": ({"params_formula": lambda self, x: ("filters × …", "")}, X + "formulas give the numbers", "params_formula is in words or in numbers only"),
    "no formula": ({"macs_formula": lambda self, x: ("", "")}, X + "formulas give the numbers", "macs_formula is empty, but there are 216"),
    "a formula of nothing": ({"params": lambda self, x: 0}, X + "formulas give the numbers", "params_formula is (f·f·channels + 1)·filters, but there are none"),
    "keeps nothing": ({"kept": lambda self, x: Kept()}, X + "keeps what autograd saves", "kept: Kept(input=False, output=False, more=0) by the layer, Kept(input=True, output=False, more=0) by torch"),
    "keeps more": ({"kept": lambda self, x: Kept(input=True, more=100)}, X + "keeps what autograd saves", "kept: Kept(input=True, output=False, more=100) by the layer, Kept(input=True, output=False, more=0) by torch"),
    "a view": ({"is_view": lambda self, x: True}, X + "keeps what autograd saves", "is_view: True by the layer, False by torch"),
    "buffers": ({"buffers": lambda self, x: 8}, X + "keeps what autograd saves", "buffers in bytes: 8 by the layer, 0 by torch"),
    "sees little": ({"reach": lambda self, x: (Reach(), Reach())}, X + "sees what an impulse shows", "inputs seen on axis 0: 1 by the layer, 3 by torch"),
    "sees all": ({"reach": lambda self, x: None}, X + "sees what an impulse shows", "inputs seen on axis 0: 13 by the layer, 3 by torch"),
    "forgets to build": ({"build": lambda self, nn, x: nn.Conv2d(x[0], self.filters, 3)}, "conv.stride: reaches torch", "2 becomes (1, 1) in the module"),
    "no case for a field": ({}, "conv.groups: reaches torch", "no case gives the field another value than its default"),
    "refuses nothing": ({"refused": (CASE,)}, X + "is refused", "the layer takes it, and makes (3, 2, 2) of it"),
    "refuses too much": ({"refused": (CASE,), "output_shape": refuse}, X + "is refused", "torch runs it, and makes (3, 2, 2) of it"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong_layer(case: tuple[Mapping[str, Any], str, str]) -> None:
    """Each fault is found by the check for it, which says what the layer claims and what torch does."""
    attributes, name, message = case
    layer = changed(Conv, **{"cases": (CASE,), "refused": (), **attributes})
    (check,) = (one for one in checks(layer) if one.name == name)
    with pytest.raises(AssertionError) as caught:
        check()
    assert str(caught.value) == message
    assert caught.value.__notes__ == [f"cnnspec.testing: {name}"]


WRONGLY_DESCRIBED: dict[str, tuple[Mapping[str, Any], str]] = {
    "no sentence": ({"__doc__": "a layer that tells nothing"}, "the first line of its docstring is no sentence"),
    "no docstring": ({"__doc__": None}, "it has no docstring, which tells what it does"),
    "no example": ({"example": " "}, "it has no example"),
    "no YAML": ({"example": "mine: {"}, "its example 'mine: {' is no YAML"),
    "another's example": ({"example": "relu"}, "its example 'relu' takes the input of none of its cases"),
    "a typo": ({"example": "mine: {slop: 1}"}, "its example 'mine: {slop: 1}' takes the input of none of its cases"),
    "a field without a meaning": ({"__annotations__": {"slope": float}, "slope": 0.1}, "its field slope has no description"),
    "a field that is not written": ({"__annotations__": {"slope": float}, "slope": Field(0.1, description="slope", exclude=True)}, "with all defaults, it is read as Changed(slope=0.1)"),
    "a field without effect": ({"build": lambda self, nn, x: nn.LeakyReLU(0.1)}, "with 0.5 and without it, the module is the same"),
    "other weights in the source": ({"build": lambda self, nn, x: nn.LeakyReLU(self.slope) if nn is modules else nn.PReLU()}, "weights in the source: [] by the layer, ['mine1.weight'] by torch"),
    "reads nothing": ({"build": lambda self, nn, x: nn.Threshold(self.slope, 0.0), "read": classmethod(lambda cls, module, x: None)}, "the module that it builds is read as no layer"),
    "reads others": ({"read": classmethod(lambda cls, module, x: {"slope": 0.3})}, "the module that it builds is read as {'slope': 0.3}, which builds one with another negative_slope"),
    "a name of ours": ({"type": "conv", "__qualname__": "Conv"}, "another layer is called conv"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONGLY_DESCRIBED.values(), ids=WRONGLY_DESCRIBED)
def test_wrong_description(case: tuple[Mapping[str, Any], str], site: Path) -> None:
    """What a layer tells of itself, and whether it survives being written and read, is checked, too."""
    attributes, message = case
    if attributes.get("type") == "conv":
        layer = changed(Leaky, example="conv")
        layer.type = "conv"  # not registered, as the name is taken
    else:
        layer = changed(Leaky, **{"type": "mine", "example": "mine", **attributes})
    with pytest.raises(AssertionError) as caught:
        check_layer(layer)
    assert str(caught.value) == message


def test_right_layer(site: Path) -> None:
    """A layer of someone else's that is right passes, whether or not it reads modules."""
    layer = changed(Leaky, type="mine", example="mine")
    check_layer(layer)
    read = classmethod(lambda cls, module, x: {"slope": module.negative_slope})
    check_layer(changed(layer, type="mine_too", example="mine_too", read=read, __qualname__="Other"))


def test_other_source(site: Path) -> None:
    """Source that computes something else is found, though it has the same weights."""
    layer = changed(
        Leaky,
        type="mine",
        example="mine",
        build=lambda self, nn, x: nn.LeakyReLU(self.slope if nn is modules else 0.3),
    )
    with pytest.raises(AssertionError, match="the source computes something else:") as caught:
        check_layer(layer)
    assert "LeakyReLU(0.3)" in str(caught.value)


def test_made_without_the_namespace(site: Path) -> None:
    """A module that is not made through the namespace has no source, and that is told."""
    layer = changed(
        Leaky, type="mine", example="mine", build=lambda self, nn, x: modules.LeakyReLU(self.slope)
    )
    with pytest.raises(SpecError, match="mine1 cannot be written as source; what makes mine is not called"):
        check_layer(layer)


def test_what_a_layer_raises(site: Path) -> None:
    """An error of the layer's own code is raised as it is, with the check that met it."""
    layer = changed(Leaky, type="mine", example="mine", build=lambda self, nn, x: nn.NoSuchModule())
    with pytest.raises(AttributeError, match="NoSuchModule") as caught:
        check_layer(layer)
    assert caught.value.__notes__ == ["cnnspec.testing: mine 2×4×4 slope=0.5: is what torch runs"]


@pytest.mark.parametrize("text", ["", "import torch"])
def test_torch_beside_a_layer(text: str, site: Path) -> None:
    """The module of a layer that a package announces must not import torch, which would slow down all commands."""
    write_package(site, "own", f"{text}\n{LAYER}")
    (site / "torch.py").touch()  # the other process finds this one, and is soon done
    loading.use("own.layers")
    (check,) = (one for one in checks(LAYERS["doubled"]) if one.name == "doubled: is defined without torch")
    if text:
        with pytest.raises(AssertionError, match=r"own\.layers imports torch; `nn\.imported` does that"):
            check()
    else:
        check()


def test_each_check_has_a_name() -> None:
    """No two checks have one name, by which a test runner tells them apart."""
    names = [str(check) for layer in LAYERS.values() for check in checks(layer)]
    assert len(names) == len(set(names))
