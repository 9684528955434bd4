"""Operations that merge tensors: sums, products, and channels side by side."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import fx

from cnnspec.importing.functions import Weight, bound
from cnnspec.importing.graph import Op, Unreadable
from cnnspec.importing.values import Value, plain
from cnnspec.layers import LAYERS
from cnnspec.shape import Shape, times

if TYPE_CHECKING:
    from cnnspec.importing.read import Reader

Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]


def add(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Value:
    """Read a sum of two tensors."""
    given = bound("other alpha", args, kwargs)
    one, other = args[0], given["other"]
    if _is(one, 0) or _is(other, 0):  # as Python's `sum` begins
        return one if isinstance(one, Value) else other
    if given.get("alpha", 1) != 1:
        raise Unreadable("a tensor is multiplied by a number before it is added")
    if not isinstance(one, Value) or not isinstance(other, Value):
        raise Unreadable(f"{_kind(one, other)} is added to a tensor", "there is no layer for that")
    return _merged(reader, node, "add", one, other)


def multiply(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Value:
    """Read a product of two tensors, or of each channel and its own learned factor."""
    one, other = args[0], bound("other", args, kwargs)["other"]
    if isinstance(one, Value) and isinstance(other, Value):
        return _merged(reader, node, "multiply", one, other)
    if _is(one, 1) or _is(other, 1):
        return one if isinstance(one, Value) else other
    x, factor = (one, other) if isinstance(one, Value) else (other, one)
    if isinstance(x, Value) and isinstance(factor, Weight):
        return _scaled(reader, node, x, factor)
    raise Unreadable(f"a tensor is multiplied by {_kind(one, other)}", "there is no layer for that")


def subtract(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Value:  # noqa: ARG001
    """Read a difference, of nothing."""
    one, other = args[0], bound("other alpha", args, kwargs)["other"]
    if isinstance(one, Value) and _is(other, 0):
        return one
    what = f"{_kind(other)} is subtracted from {_kind(one)}"
    raise Unreadable(what, "there is no layer for that")


def divide(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Value:  # noqa: ARG001
    """Read a quotient, by one."""
    one, other = args[0], bound("other", args, kwargs)["other"]
    if isinstance(one, Value) and _is(other, 1):
        return one
    raise Unreadable(f"{_kind(one)} is divided by {_kind(other)}", "there is no layer for that")


def _is(given: Any, number: int) -> bool:
    return isinstance(given, (int, float)) and given == number


def _scaled(reader: "Reader", node: fx.Node, x: Value, factor: Weight) -> Value:
    """Return each channel times its factor."""
    channels = x.op.shape[0]
    sizes = (*(1,) * (len(x.dims) - len(factor.shape)), *factor.shape)
    axes = x.axes
    expected = axes and tuple(channels if axis == 1 else 1 for axis in axes)
    if sizes != expected or factor.key not in dict(reader.traced.module.named_parameters()):
        what = f"a tensor is multiplied by {factor.key}, which is {times(factor.shape) or 'one number'}"
        raise Unreadable(what, f"layer_scale has a learned factor for each of the {channels} channels")
    numbers = dict(reader.traced.module.named_parameters())[factor.key].detach().flatten()
    same = not numbers.is_meta and bool((numbers == numbers[0]).all())
    layer = LAYERS["layer_scale"].of({"init": _short(float(numbers[0]))} if same else {})
    return x.after(reader.op(node, layer, x.op, {"scale": factor.key}))


def _short(number: float) -> float:
    """Return the shortest decimal that is the same number in single precision."""
    import numpy as np

    return float(str(np.float32(number)))


def concat(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Value:
    """Read channels side by side."""
    given = bound("dim", args, kwargs)
    tensors, dim = args[0] if args else kwargs["tensors"], given.get("dim", given.get("axis", 0))
    values = [value for value in tensors if isinstance(value, Value)]
    if len(values) != len(tensors):
        raise Unreadable("weights are put beside feature maps", "there is no layer for that")
    ops, like = _together(reader, values)
    axes = like.axes
    assert axes is not None
    if axes[dim] != 1:
        raise Unreadable(
            "tensors are put together along an axis that is not the channels", "concat joins channels"
        )
    if len(ops) == 1:
        return like
    shape = (sum(op.shape[0] for op in ops), *ops[0].shape[1:])
    return like.after(Op(shape, node, tuple(ops), merge="concat"))


def _merged(reader: "Reader", node: fx.Node, kind: str, one: Value, other: Value) -> Value:
    values = [one, other]
    if kind == "multiply":  # which stretches them itself
        values = [replace(value, stretched=False) if value.stretched else value for value in values]
    ops, like = _together(reader, values)
    shapes = [op.shape for op in ops]
    if len(shapes[0]) != len(shapes[1]) or (kind == "add" and shapes[0] != shapes[1]):
        raise Unreadable(
            f"{times(shapes[0])} and {times(shapes[1])} are merged", f"{kind} takes equal shapes"
        )
    shape: Shape = tuple(max(pair) for pair in zip(*shapes, strict=True))
    return like.after(Op(shape, node, tuple(ops), merge=kind))


def _together(reader: "Reader", values: list[Value]) -> tuple[list[Op], Value]:
    """Return operations whose outputs have their axes in the same order, and a tensor with that order."""
    orders = {value.axes for value in values}
    if len(orders) == 1 and None not in orders and not any(value.stretched for value in values):
        return [value.op for value in values], values[0]
    ops = [reader.maps(value) for value in values]
    return ops, plain(ops[0])


def _kind(*values: Any) -> str:
    """Return what is merged, in a message: of two, that which is no tensor of the network."""
    other = next((value for value in values if not isinstance(value, Value)), values[0])
    if isinstance(other, Value):
        return "a tensor"
    if isinstance(other, Weight):
        return other.key
    return f"the number {other}" if isinstance(other, (int, float)) else "a tensor that is always the same"


HANDLERS = {
    "add": add,
    "sub": subtract,
    "subtract": subtract,
    "mul": multiply,
    "multiply": multiply,
    "div": divide,
    "divide": divide,
    "truediv": divide,
    "cat": concat,
    "concat": concat,
    "concatenate": concat,
}
"""How operations are read, by their name."""
