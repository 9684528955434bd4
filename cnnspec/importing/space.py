"""Operations over the axes of space: means, maxima, and zeros around the maps."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import fx

from cnnspec.importing import layout
from cnnspec.importing.functions import bound, name_of
from cnnspec.importing.graph import Unreadable
from cnnspec.importing.values import Value, plain
from cnnspec.layers import LAYERS

if TYPE_CHECKING:
    from cnnspec.importing.read import Reader

Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]


def mean(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Value:
    """Read the mean over space, which is global pooling; over some axes of it, pooling along these."""
    return _reduced(reader, node, args, kwargs, "avgpool")


def amax(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Value:
    """Read the maximum over space."""
    return _reduced(reader, node, args, kwargs, "maxpool")


def _reduced(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs, pool: str) -> Value:
    given = bound("dim keepdim dtype", args, kwargs)
    x, over = args[0], given.get("dim", given.get("axis"))
    over = list(over) if isinstance(over, (tuple, list)) else [] if over is None else [over]
    if not isinstance(x, Value) or given.get("dtype") is not None or x.stretched:
        raise Unreadable(f"no layer does what {name_of(node)} does here")
    places = {dim % len(x.dims) for dim in over}
    digits = [digit for place in places for digit in x.dims[place]]
    space = {axis: layout.plain(x.sizes)[axis] for axis in range(2, len(x.sizes))}
    axes = {digit.axis for digit in digits}
    if not places or any((digit,) != space.get(digit.axis) for digit in digits):
        raise Unreadable("this goes over more than space", "pooling takes each channel by itself")
    if axes == {axis for axis, dim in space.items() if dim}:
        layer = LAYERS[f"global_{pool}"].of({})
    else:
        layer = LAYERS[pool].of({"kernel": [x.sizes[axis] if axis in axes else 1 for axis in space]})
    op = reader.op(node, layer, x.op)
    dims = tuple(() if place in places else dim for place, dim in enumerate(x.dims))
    kept = given.get("keepdim", False)
    return Value(op, dims if kept else tuple(d for place, d in enumerate(dims) if place not in places))


def maximum(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> tuple[Value, None]:
    """Read the maximum along an axis of space; its second output, where that is, is none here."""
    if not isinstance(bound("dim keepdim", args, kwargs).get("dim"), int):
        raise Unreadable("no layer does what max does here", "pooling takes each channel by itself")
    return _reduced(reader, node, args, kwargs, "maxpool"), None


def pad(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Value:
    """Read zeros around the maps."""
    given = bound("pad mode value", args, kwargs)
    x, sides = args[0], list(given["pad"])
    if not isinstance(x, Value) or given.get("mode", "constant") != "constant" or given.get("value"):
        raise Unreadable(
            f"no layer pads with {given.get('mode', 'constant')} {given.get('value') or ''}".rstrip()
        )
    op = reader.maps(x)
    rank = len(op.shape) - 1
    margins = [
        tuple(sides[place : place + 2]) for place in range(0, len(sides), 2)
    ]  # torch begins with the last axis
    margins += [(0, 0)] * (rank - len(margins))
    if len(margins) > rank or any(side < 0 for margin in margins for side in margin):
        raise Unreadable("this pads channels, or crops", "zero_pad puts zeros around the maps")
    if not any(map(any, margins)):
        return x
    layer = LAYERS["zero_pad"].of({"padding": _margins(margins[::-1])})
    return plain(reader.op(node, layer, op))


def _margins(margins: list[tuple[int, int]]) -> Any:
    """Return margins as briefly as a spec can have them."""
    each: list[Any] = [margin[0] if margin[0] == margin[1] else list(margin) for margin in margins]
    same = all(isinstance(one, int) and one == each[0] for one in each)
    return each[0] if same else each


HANDLERS = {"mean": mean, "amax": amax, "max": maximum, "pad": pad}
"""How operations are read, by their name."""
