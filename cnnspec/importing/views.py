"""Operations that move axes, cut out channels, or take the mean over space."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn

from cnnspec.importing import layout
from cnnspec.importing.functions import Weight, bound, name_of
from cnnspec.importing.graph import Op, Unreadable
from cnnspec.importing.values import Value, plain
from cnnspec.layers import LAYERS
from cnnspec.layers.dense import Flatten
from cnnspec.shape import Shape

if TYPE_CHECKING:
    from cnnspec.importing.read import Reader

Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]

_ASSIGNMENTS = {"iadd": "add", "imul": "mul", "isub": "sub", "itruediv": "truediv"}


def without_place(name: str) -> str:
    """Return the name of the operation that does not change its input: ``relu`` for ``relu_``."""
    return _ASSIGNMENTS.get(name) or (name if name.startswith("_") else name.rstrip("_"))


def in_place(node: fx.Node, root: nn.Module) -> bool:
    """Tell whether a node changes the tensor that it is given."""
    if node.op == "call_module":
        return getattr(root.get_submodule(str(node.target)), "inplace", False) is True
    name = name_of(node)
    return name in _ASSIGNMENTS or name != without_place(name) or node.kwargs.get("inplace") is True


def reshape(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Value | Weight:  # noqa: ARG001
    """Read a view with other sizes: `flatten`, `view`, `squeeze` and the like."""
    x, sizes = args[0], tuple(node.meta["value"].shape)
    if isinstance(x, Weight):
        return replace(x, shape=sizes)
    dims = layout.reshaped(x.dims, sizes) if not x.stretched else None
    if dims is None:
        raise Unreadable("this view mixes axes")
    viewed: Value = x.viewed(dims)
    return viewed


def permute(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Value | Weight:  # noqa: ARG001
    """Read an exchange of axes: `permute`, `transpose` and the like."""
    x = args[0]
    if isinstance(x, Weight):
        raise Unreadable("the axes of a weight are exchanged")
    # Sizes that are all different tell where each axis goes.
    probe = torch.empty(tuple(range(2, 2 + len(x.dims))), device="meta")
    if node.op == "call_method":
        moved = getattr(probe, str(node.target))(*args[1:], **kwargs)
    else:
        moved = node.target(probe, *args[1:], **kwargs)  # type: ignore[operator]
    viewed: Value = x.viewed(tuple(x.dims[size - 2] for size in moved.shape))
    return viewed


def same(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Any:  # noqa: ARG001
    """Read what leaves the numbers as they are: `contiguous`, `clone`, `to` the kind that they are of."""
    source = node.args[0]
    assert isinstance(source, fx.Node)
    if source.meta["value"].dtype != node.meta["value"].dtype:
        raise Unreadable("the kind of numbers is changed", "a network has one kind throughout")
    return args[0]


def expand(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Any:  # noqa: ARG001
    """Read axes of size 1 that are stretched, which a product does anyway."""
    x, sizes = args[0], tuple(node.meta["value"].shape)
    source = node.args[0]
    assert isinstance(source, fx.Node)
    before = tuple(source.meta["value"].shape)
    if before == sizes:
        return x
    if not isinstance(x, Value) or len(before) != len(sizes):
        raise Unreadable("a tensor is stretched", "only a product stretches maps of 1×1")
    return replace(x, stretched=True)


def index(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Any:  # noqa: ARG001
    """Read brackets: one of several tensors, some of the channels, every n-th value, or an axis of size 1."""
    x, keys = args[0], args[1]
    if isinstance(x, (tuple, list)):
        return x[keys]
    if not isinstance(x, Value):
        raise Unreadable("part of a weight is taken")
    keys = keys if isinstance(keys, tuple) else (keys,)
    if any(isinstance(key, (Value, Weight)) for key in keys):
        raise Unreadable("values are chosen by a tensor")
    return _indexed(reader, node, x, _in_full(keys, len(x.dims)))


def _in_full(keys: tuple[Any, ...], number: int) -> list[Any]:
    """Return a key for each of a number of dimensions, and None for each new one."""
    given = [key for key in keys if key is not Ellipsis]
    missing = number - sum(key is not None for key in given)
    place = next((i for i, key in enumerate(keys) if key is Ellipsis), len(given))
    return [*given[:place], *[slice(None)] * missing, *given[place:]]


def _indexed(reader: "Reader", node: fx.Node, x: Value, keys: list[Any]) -> Value:
    dims = list(x.dims)
    cuts: dict[int, slice] = {}
    view: list[tuple[layout.Digit, ...]] = []
    position = 0
    for key in keys:
        if key is None:
            view.append(())
            continue
        dim = dims[position]
        size = math.prod(digit.size for digit in dim)
        if isinstance(key, slice):
            if key.indices(size) != (0, size, 1):
                cuts[position] = key
            view.append(dim)
        elif size != 1:
            raise Unreadable("one place of many is taken", "no layer takes out one row or column")
        position += 1
    if not cuts:
        return x.viewed(tuple(view))
    if len(view) != len(dims) or any(v != d for v, d in zip(view, dims, strict=True)):
        raise Unreadable("an axis is cut and moved at once", "", "Write it as two steps")
    return _cut(reader, node, x, cuts)


def _cut(reader: "Reader", node: fx.Node, x: Value, cuts: Mapping[int, slice]) -> Value:
    """Return some of the channels, or every n-th value along axes of space."""
    op = reader.maps(x)
    channels, space = cuts.get(1), {axis: cut for axis, cut in cuts.items() if axis > 1}
    if 0 in cuts:
        raise Unreadable("the batch is cut", "each sample goes through the network")
    value = replace(plain(op), memory=x.memory)
    if channels is not None:
        start, stop, step = channels.indices(op.shape[0])
        if step != 1:
            raise Unreadable("every n-th channel is taken", "channel_slice takes neighbours")
        value = channel_slice(reader, node, value, start, stop)
    if space:
        steps = [space.get(axis, slice(None, None, 1)) for axis in range(2, len(x.dims))]
        if any(cut.start not in (None, 0) or cut.stop is not None for cut in steps):
            raise Unreadable("a part of the maps is cut out", "no layer crops maps")
        stride = [cut.step or 1 for cut in steps]
        layer = LAYERS["maxpool"].of({"kernel": 1, "stride": stride[0] if len(set(stride)) == 1 else stride})
        value = plain(reader.op(node, layer, value.op))
    return value


def channel_slice(reader: "Reader", node: fx.Node, x: Value, start: int, stop: int) -> Value:
    """Return channels from `start` up to `stop`, which share the memory of all."""
    op = reader.maps(x)
    fields = ({"start": start} if start else {}) | ({"stop": stop} if stop < op.shape[0] else {})
    cut = plain(reader.op(node, LAYERS["channel_slice"].of(fields), op)) if fields else plain(op)
    return replace(cut, memory=x.memory.part(start, stop))


def split(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> tuple[Value, ...]:
    """Read `chunk`, `split` and `narrow` of the channels."""
    given = bound("sizes dim", args, kwargs)
    dim = given.get("dim", 0)
    pieces: list[Tensor] = list(node.meta["value"])
    x = _with_channels(reader, args[0], dim)
    parts: list[Value] = []
    start = 0
    for piece in pieces:
        stop = start + piece.shape[dim]
        parts.append(channel_slice(reader, node, x, start, stop))
        start = stop
    return tuple(parts)


def narrow(reader: "Reader", node: fx.Node, args: Args, kwargs: Kwargs) -> Value:
    """Read `narrow` of the channels."""
    given = bound("dim start length", args, kwargs)
    x = _with_channels(reader, args[0], given["dim"])
    return channel_slice(reader, node, x, given["start"], given["start"] + given["length"])


def _with_channels(reader: "Reader", x: Any, dim: int) -> Value:
    """Return a tensor whose axis `dim` is the channels; raises Unreadable for any other."""
    if isinstance(x, Value):
        settled: Value = reader.settled(x)
        if settled.axes and settled.axes[dim] == 1:
            return settled
    raise Unreadable("an axis that is not the channels is cut", "channel_slice takes channels")


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


def rearranged(value: Value) -> Op:
    """Return the layer that moves the axes as a view does; raises Unreadable where there is none."""
    op, dims, sizes = value.op, value.dims, value.sizes
    if layout.flat(dims, sizes):
        return _layer(op, "flatten")
    groups = layout.shuffled_groups(dims, sizes)
    if groups:
        return _layer(op, "channel_shuffle", groups=groups)
    factor = layout.pixel_shuffled(dims, sizes)
    if factor:
        return _layer(op, "pixel_shuffle", factor=factor)
    whole = layout.plain(sizes)
    if len(op.shape) == 1 and dims[:2] == whole and not any(dims[2:]):
        return unflattened(op, len(dims) - 2)
    raise Unreadable("axes are moved, and then used where no layer takes them")


def _layer(op: Op, word: str, **fields: Any) -> Op:
    layer = LAYERS[word].of(fields)
    return Op(layer.output_shape(op.shape), op.node, (op,), layer)


def unflattened(op: Op, rank: int) -> Op:
    """Return a flat operation as one on maps of one place, which its input was before it was flattened.

    Dense layers on the way are 1×1 convolutions then. Raises Unreadable.
    """
    if isinstance(op.layer, Flatten) and op.inputs[0].shape == op.shape + (1,) * rank:
        return op.inputs[0]
    if not op.inputs or len(op.shape) != 1:
        raise Unreadable("a flat tensor becomes maps", "there is no layer for that")
    inputs = tuple(unflattened(one, rank) for one in op.inputs)
    shape: Shape = op.shape + (1,) * rank
    layer = op.layer
    if layer and layer.type == "fc":
        layer = LAYERS["conv"].of({"filters": op.shape[0], "kernel": 1, "bias": layer.resolved()["bias"]})
    if layer and layer.output_shape(inputs[0].shape) != shape:
        raise Unreadable("a flat tensor becomes maps", "there is no layer for that")
    maps = Op(shape, op.node, inputs, layer, op.merge, op.weights)
    # Whoever wants it flat gets it so, from the same weights.
    op.inputs, op.layer, op.merge, op.weights = (maps,), Flatten(), "", {}
    return maps


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


HANDLERS = {
    **dict.fromkeys(
        ("view", "reshape", "flatten", "squeeze", "unsqueeze", "unflatten", "view_as", "reshape_as"), reshape
    ),
    **dict.fromkeys(
        ("permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims", "T", "mT"), permute
    ),
    **dict.fromkeys(
        ("contiguous", "clone", "detach", "to", "float", "type_as", "alias", "data", "requires_grad"), same
    ),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), expand),
    **dict.fromkeys(("chunk", "split", "tensor_split"), split),
    "getitem": index,
    "__getitem__": index,
    "narrow": narrow,
    "pad": pad,
    "mean": mean,
    "amax": amax,
}
"""How operations are read, by their name."""
