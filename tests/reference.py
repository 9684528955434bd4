"""The language once more, as simply as can be: expressions by Python's eval, layers by torch, no checks of ours.

It runs a spec given as plain values on a batch of numbers. What the plan says of a spec is held to it.
"""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import yaml
from torch import Tensor
from torchvision.models._utils import _make_divisible

from cnnspec.errors import RuleError
from cnnspec.language.field_words import words
from cnnspec.layers import LAYERS, REGISTRY
from cnnspec.model import modules
from cnnspec.shape import volume
from cnnspec.testing.running import REFUSALS, tuples, unchecked

BATCH = 2
MAX_VALUES = 4_000
"""Values of a sample beyond which running is a waste of time."""

Names = Mapping[str, Any]
Record = tuple[str, tuple[int, ...], tuple[int, ...], int]

FUNCTIONS: dict[str, Any] = {
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "floor": math.floor,
    "ceil": math.ceil,
    "sum": sum,
    "len": len,
    "make_divisible": lambda value, divisor=8: _make_divisible(value, divisor),
    "true": True,
    "false": False,
}


class Refused(Exception):  # noqa: N818  # a verdict
    """The spec cannot be run."""


class TooLarge(Refused):
    """Nobody knows: it would take too long."""


class Reference:
    """Runs the items of a spec; `records` are its layers: type, input, output, parameters."""

    def __init__(self, blocks: Mapping[str, Any], variables: Names) -> None:
        self.blocks, self.variables = blocks, variables
        self.records: list[Record] = []

    def run(self, items: list[Any], x: Tensor, names: Names | None = None) -> Tensor:
        """Return the output of a list of items; raises Refused."""
        try:
            for item in items:
                x = self.item(item, x, self.variables if names is None else names)
        except REFUSALS as error:
            raise Refused(f"{type(error).__name__}: {error}") from error
        return x

    def item(self, item: Any, x: Tensor, names: Names) -> Tensor:
        """Return the output of an item with its modifiers."""
        if isinstance(item, str):
            return self.one(item, {}, x, names)
        word, given = next((w, g) for w, g in item.items() if w not in ("name", "repeat", "when"))
        when, repeat = item.get("when", True), item.get("repeat")
        names = {**names, "in_channels": x.shape[1]}
        each = repeat is not None and isinstance(when, str) and ("index" in when or "count" in when)
        if not each and not truth(evaluate(when, names)):
            return x
        if repeat is None:
            return self.one(word, given, x, names)
        count = evaluate(repeat, names)
        assert count >= 0  # Python would do nothing
        for index in range(count):
            here = {**names, "in_channels": x.shape[1], "index": index, "count": count}
            if not each or truth(evaluate(when, here)):
                x = self.one(word, given, x, here)
        return x

    def one(self, word: str, given: Any, x: Tensor, names: Names) -> Tensor:
        """Return the output of an item without its modifiers."""
        names = {**names, "in_channels": x.shape[1]}
        if word in self.blocks:
            return self.block(self.blocks[word], given, x, names)
        if word in LAYERS:
            return self.layer(word, given, x, names)
        return self.composition(word, given, x, names)

    def block(self, block: Any, given: Any, x: Tensor, names: Names) -> Tensor:
        arguments = block.get("args", {})
        given = given if isinstance(given, dict) else {next(iter(arguments)): given}
        inside = {**self.variables, "in_channels": x.shape[1]}
        for name, default in arguments.items():
            inside[name] = evaluate(given[name], names) if name in given else evaluate(default, inside)
        return self.run(block["layers"], x, inside)

    def composition(self, word: str, given: Any, x: Tensor, names: Names) -> Tensor:
        """Return the output of a composition, by its definition."""
        main = REGISTRY[word].main
        given = given if isinstance(given, dict) and main in given else {main: given}
        if word == "sequence":
            return self.run(given["layers"], x, names)
        if word == "residual":
            layers = self.run(given["layers"], x, names)
            if not truth(evaluate(given.get("skip", True), names)):
                return layers
            return added(layers, self.run(given.get("shortcut", []), x, names))
        branches = given["branches"].values() if isinstance(given["branches"], dict) else given["branches"]
        first, *others = [self.run(branch, x, names) for branch in branches]
        merge = {"add": added, "multiply": multiplied, "concat": joined}[word]
        for other in others:
            first = merge(first, other)
            if first.numel() > BATCH * MAX_VALUES:
                raise TooLarge
        return first

    def layer(self, word: str, given: Any, x: Tensor, names: Names) -> Tensor:
        """Return the output of a layer, built without our checks."""
        layer_class = LAYERS[word]
        given = given if isinstance(given, dict) else {layer_class.main: given}
        fields = {name: tuples(value) for name, value in evaluate(given, names).items()}
        shape = tuple(x.shape[1:])
        check(word, fields, shape)
        layer = unchecked(layer_class, fields)
        if too_large(layer.output_shape, shape):
            raise TooLarge
        module = layer.build(modules, shape).eval()
        y: Tensor = module(x)
        if y.numel() == 0:
            raise Refused("torch makes an empty tensor of it")
        params = sum(p.numel() for p in module.parameters())
        self.records.append((word, shape, tuple(y.shape[1:]), params))
        return y


def evaluate(given: Any, names: Names) -> Any:
    """Return a value with the expressions in it evaluated by Python."""
    if isinstance(given, dict):
        return {key: evaluate(value, names) for key, value in given.items()}
    if isinstance(given, list):
        return [evaluate(value, names) for value in given]
    if not isinstance(given, str) or (given in words() and given not in names):
        return given
    value = eval(given, {"__builtins__": {}}, _Words(FUNCTIONS | dict(names)))  # noqa: S307  # our own text
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Words(dict[str, Any]):
    """Names, of which the unknown stand for themselves: they are words that fields take."""

    def __missing__(self, name: str) -> str:
        return name


def too_large(output_shape: Callable[[tuple[int, ...]], tuple[int, ...]], x: tuple[int, ...]) -> bool:
    """Tell whether running a layer would take much memory; what it refuses, torch is to say."""
    try:
        return volume(output_shape(x)) > MAX_VALUES
    except (RuleError, *REFUSALS):
        return False


@dataclass
class Drawn:
    """A spec as plain values, and which of its variants is meant."""

    values: dict[str, Any]
    variant: str | None = None

    @property
    def text(self) -> str:
        """The spec as YAML."""
        return yaml.dump(self.values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)

    def variables(self) -> dict[str, Any]:
        """Return the variables' values, by Python."""
        return resolved(self.values.get("vars", {}), self.values.get("variants", {}).get(self.variant, {}))

    def run(self) -> tuple[Reference, Tensor]:
        """Return what the reference makes of it; raises Refused."""
        variables = self.variables()
        reference = Reference(self.values.get("blocks", {}), variables)
        x = torch.randn(BATCH, *evaluate(self.values["input"], variables))
        return reference, reference.run(self.values["layers"], x)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # whichever there is
    """Writes every list and mapping out, also one that stands in two places."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def resolved(variables: Names, overrides: Names) -> dict[str, Any]:
    """Return the values of variables, each of which may use those before it."""
    found: dict[str, Any] = {}
    for name, given in variables.items():
        found[name] = evaluate(overrides.get(name, given), found)
    return found


# The rules below are the language's own: it refuses what torch would do in silence.


def truth(value: Any) -> bool:
    """Return a truth value; a number is none."""
    assert isinstance(value, bool)
    return value


def added(one: Tensor, other: Tensor) -> Tensor:
    """Return the sum; shapes must be equal: a broadcast sum is a mistake in a network."""
    assert one.shape == other.shape
    return one + other


def multiplied(one: Tensor, other: Tensor) -> Tensor:
    """Return the product; a flat vector and maps are not multiplied, though torch could align them."""
    assert one.ndim == other.ndim
    return one * other


def joined(one: Tensor, other: Tensor) -> Tensor:
    """Return the channels of both."""
    return torch.cat([one, other], 1)


def in_range(value: Any, marks: list[Any]) -> bool:
    """Tell whether a number is within the bounds that its field has in the language."""
    bounds = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
    return not isinstance(value, (int, float)) or all(
        holds(value, getattr(mark, bound))
        for mark in marks
        for bound, holds in bounds.items()
        if hasattr(mark, bound)
    )


def check(word: str, fields: Mapping[str, Any], x: tuple[int, ...]) -> None:
    """Refuse what only torch would take."""
    for name, value in fields.items():
        assert in_range(value, LAYERS[word].model_fields[name].metadata)  # torch takes a momentum of 2
        if name != "kernel" or word != "image_filter":
            assert not isinstance(value, tuple) or len(value) == len(x) - 1  # not one for all axes
    assert word != "fc" or len(x) == 1  # torch would work on the last axis
    assert word not in ("upsample", "image_filter") or len(x) > 1  # torch would take the batch for channels
    assert word != "pixel_shuffle" or len(x) == 3  # torch would take further axes for batches
    assert word != "groupnorm" or volume(x) != fields["groups"]  # torch refuses it for a batch of one only
    if word == "image_filter":
        kernel = fields["kernel"]
        assert len(x) == (2 if isinstance(kernel, tuple) and not isinstance(kernel[0], tuple) else 3)  # same
    if word == "channel_slice":  # Python cuts off what is beyond the end
        assert all(abs(channel) <= x[0] for channel in fields.values())
