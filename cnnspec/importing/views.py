"""Operations that only look at a tensor otherwise: with other sizes, with its axes in another order."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from cnnspec.importing import layout
from cnnspec.importing.functions import Weight, name_of
from cnnspec.importing.graph import Op, Unreadable
from cnnspec.importing.values import Value
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
    x = args[0]
    if isinstance(x, Weight):
        return replace(x, shape=tuple(node.meta["value"].shape))
    return reshaped(node, x)


def reshaped(node: fx.Node, x: Value) -> Value:
    """Return a view with the sizes that a node gives; raises Unreadable."""
    sizes = tuple(node.meta["value"].shape)
    dims = layout.reshaped(x.dims, sizes) if not x.stretched else None
    if dims is None:
        raise Unreadable("this view mixes axes")
    return x.viewed(dims)


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
    if len(op.shape) == 1:
        raise Unreadable(f"{op.shape[0]} values become maps", "there is no layer for that")
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


_RESHAPES = ("view", "reshape", "flatten", "squeeze", "unsqueeze", "unflatten", "view_as", "reshape_as")
_PERMUTES = ("permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims", "T", "mT")
_SAME = ("contiguous", "clone", "detach", "alias", "data", "requires_grad")
_MOVES = ("to", "cpu", "cuda", "float", "type_as")
_EXPANDS = ("expand", "expand_as", "broadcast_to")

HANDLERS: dict[str, Any] = {
    **dict.fromkeys(_RESHAPES, reshape),
    **dict.fromkeys(_PERMUTES, permute),
    **dict.fromkeys(_SAME + _MOVES, same),
    **dict.fromkeys(_EXPANDS, expand),
}
"""How operations are read, by their name."""
