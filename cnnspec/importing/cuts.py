"""Operations that take out a part: some of several tensors, some of the channels, every n-th value."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor, fx

from cnnspec.importing import layout
from cnnspec.importing.functions import Weight, bound
from cnnspec.importing.graph import Unreadable
from cnnspec.importing.values import Value, plain
from cnnspec.layers import LAYERS

if TYPE_CHECKING:
    from cnnspec.importing.read import Reader

Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]


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
        settled = reader.settled(x)
        if settled.axes and settled.axes[dim] == 1:
            return settled
    raise Unreadable("an axis that is not the channels is cut", "channel_slice takes channels")


HANDLERS = {
    **dict.fromkeys(("chunk", "split", "tensor_split"), split),
    "getitem": index,
    "__getitem__": index,
    "narrow": narrow,
}
"""How operations are read, by their name."""
