"""The traced graph read, node by node, as layers and mergings of feature maps."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor, fx, nn

from cnnspec.errors import Place, SpecError
from cnnspec.importing import cuts, merges, space, views
from cnnspec.importing.functions import Found, Weight, module_of, name_of
from cnnspec.importing.graph import Op, Unreadable, origin_of, place_of
from cnnspec.importing.layers import drop_path_rate, layer_of, why_none
from cnnspec.importing.trace import BATCH, Traced, of_input
from cnnspec.importing.values import Stale, Value, plain
from cnnspec.layers import LAYERS, Layer
from cnnspec.shape import times

_HANDLERS: dict[str, Callable[..., Any]] = {
    **views.HANDLERS,
    **cuts.HANDLERS,
    **space.HANDLERS,
    **merges.HANDLERS,
}


class Reader:
    """Reads the nodes of a graph one by one; `values` has what each of them gives."""

    def __init__(self, traced: Traced) -> None:
        self.traced = traced
        self.values: dict[fx.Node, Any] = {}
        self.unknown: set[fx.Node] = set()
        self.refused: dict[tuple[Place | None, str], list[tuple[Unreadable, fx.Node]]] = {}
        self.made: dict[Value, Op] = {}

    def output(self) -> Op:
        """Return the operation that gives the output; raises SpecError with all that cannot be said."""
        result: Op | None = None
        needed = self.needed()
        for node in self.traced.graph.nodes:
            if node not in needed:
                continue
            try:
                if node.op == "output":
                    result = self.result(node)
                else:
                    self.values[node] = self.value(node)
            except Unreadable as error:
                if self.unknown.isdisjoint(node.all_input_nodes):  # else it may only follow from another
                    self.refused.setdefault((place_of(node), error.what), []).append((error, node))
                self.values[node] = _unknown(node)
                if not self.holds_maps(node):
                    self.unknown.add(node)
        if self.refused or result is None:
            # What a line does in each of many blocks is told once.
            raise SpecError(*(found[0][0].at(found[0][1], len(found) - 1) for found in self.refused.values()))
        return result

    def needed(self) -> set[fx.Node]:
        """Return the nodes that the output depends on, and those that change something of the input's."""
        graph = self.traced.graph
        left = [node for node in graph.nodes if node.op == "output"]
        left += [
            node
            for node in of_input(graph)
            if node.op != "output"
            and (node.meta.get("value") is None or views.in_place(node, self.traced.module))
        ]
        found: set[fx.Node] = set()
        while left:
            node = left.pop()
            if node not in found:
                found.add(node)
                left += node.all_input_nodes
        return found

    def holds_maps(self, node: fx.Node) -> bool:
        """Tell whether what a node gives, which could not be read, has a place for each sample."""
        shape = getattr(node.meta.get("value"), "shape", (0,))
        inputs = [self.values.get(one) for one in node.all_input_nodes]
        return any(isinstance(one, (Value, tuple)) for one in inputs) and shape[:1] == (BATCH,)

    def result(self, node: fx.Node) -> Op:
        """Return the operation whose output is the network's; raises Unreadable."""
        given = self.resolved(node.args[0])
        why, fix = "a network has one output, a tensor", ""
        if isinstance(given, Value):
            op = self.maps(given)
            if op.inputs or op.node.op != "placeholder":
                return op
            what, why = "the module gives back its input", "a network has at least one layer"
        elif isinstance(given, Weight):
            what = f"the module gives {given.key}, whatever its input is"
        elif isinstance(given, (tuple, list, dict)) and given:
            number = (
                f"{len(given)} outputs"
                if len(given) > 1
                else f"a {'dict' if isinstance(given, dict) else type(given).__name__} with its output"
            )
            what, fix = f"the module gives {number}", "Import a module that returns the tensor alone"
        else:
            what = "the module gives no tensor"
        raise Unreadable(what, why, fix)

    def value(self, node: fx.Node) -> Any:
        """Return what a node gives; raises Unreadable."""
        if node.op == "placeholder":
            return plain(Op(tuple(node.meta["value"].shape[1:]), node))
        if node.op == "get_attr":
            return _attribute(node)
        args, kwargs = self.resolved(node.args), self.resolved(node.kwargs)
        read = self.module if node.op == "call_module" else self.function
        result = read(node, args, kwargs)
        if isinstance(result, Value):
            _check(node, result)
            if views.in_place(node, self.traced.module):
                return self.changed(args[0], result, node)
        return result

    def resolved(self, argument: Any) -> Any:
        """Return an argument, with values for the nodes in it; raises Unreadable where one cannot be used."""
        return fx.node.map_aggregate(argument, self._current)

    def _current(self, argument: Any) -> Any:
        if not isinstance(argument, fx.Node):
            return argument
        value = self.values[argument] if argument in self.values else _attribute(argument)
        if isinstance(value, Stale):
            what = (
                f"`{value.changed_by.name}` changes a tensor in its place, and what shares its memory is used"
            )
            raise Unreadable(what, "", "Write `inplace=False`, or `x = x + y` for `x += y`")
        return value

    def changed(self, target: Any, result: Value, node: fx.Node) -> Value:
        """Return the result of a change in place: from now on, the target and its other names are that."""
        if not isinstance(target, Value):
            return result
        result = replace(result, memory=target.memory)
        for other, value in self.values.items():
            views_of = value if isinstance(value, tuple) else (value,)
            if not any(isinstance(one, Value) and one.memory.touches(target.memory) for one in views_of):
                continue
            same = isinstance(value, Value) and value.op is target.op and value.dims == target.dims
            self.values[other] = result if same else Stale(node)
        return result

    def module(self, node: fx.Node, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Value:
        """Return what comes out of a module; raises Unreadable."""
        path = str(node.target)
        module = self.traced.module.get_submodule(path)
        if len(args) != 1 or kwargs or not isinstance(args[0], Value):
            raise Unreadable(
                f"{type(module).__name__} is given more than its input", "a layer takes one tensor"
            )
        rate = drop_path_rate(module)
        if rate is not None:
            return self.apply(node, LAYERS["drop_path"].of({"p": rate}), args[0])
        saved = module.state_dict(keep_vars=True)
        return self.read(node, Found(module, {name: f"{path}.{name}" for name in saved}), args[0])

    def function(self, node: fx.Node, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Return what a function or method of torch gives; raises Unreadable."""
        name = name_of(node)
        plain_name = views.without_place(name)
        handler = _HANDLERS.get(plain_name)
        if handler:
            return handler(self, node, args, kwargs)
        x = next((one for one in args if isinstance(one, Value)), None)
        if x is not None and x is args[0]:
            scopes = origin_of(node).scopes
            owner = self.traced.module.get_submodule(scopes[-1].path if scopes else "")
            found = module_of(plain_name, args, kwargs, x.op.shape, owner)
            if found:
                return self.read(node, found, x)
        raise Unreadable(f"no layer does what {name or getattr(node.target, '__name__', node.target)} does")

    def read(self, node: fx.Node, found: Found, value: Value) -> Value:
        """Return what comes out of a module of torch; raises Unreadable where it is no layer."""
        module = found.module
        match module:
            case nn.Identity():
                return value
            case nn.Flatten() | nn.Unflatten():
                return views.reshaped(node, value)
            case nn.Linear():
                return self.linear(node, found, value)
            case nn.LayerNorm():
                return self.layer_norm(node, found, value)
            case nn.Softmax() | nn.LogSoftmax():
                chosen = 0 if len(value.dims) in (1, 3) else 1  # what torch takes, with a warning
                dim = chosen if module.dim is None else module.dim
                module = type(module)(value.axes[dim] if value.axes else dim)
        try:
            x = self.maps(value)
        except Unreadable:
            shape = value.shape[1:]
            if layer_of(module, shape) is None and layer_of(module, value.op.shape) is None:
                raise Unreadable(*why_none(module, shape)) from None
            layer = layer_of(module, value.op.shape)
            if value.axes is None or layer is None or not _pointwise(layer):
                raise
            return value.after(self.op(node, layer, value.op, found.weights))
        layer = layer_of(module, x.shape)
        if layer is None:
            raise Unreadable(*why_none(module, x.shape))
        return plain(self.op(node, layer, x, found.weights))

    def apply(self, node: fx.Node, layer: Layer, value: Value) -> Value:
        """Return what comes out of a layer that does the same with every value."""
        return (
            value.after(self.op(node, layer, value.op))
            if value.axes
            else plain(self.op(node, layer, self.maps(value)))
        )

    def op(self, node: fx.Node, layer: Layer, x: Op, weights: Mapping[str, str] | None = None) -> Op:
        """Return a layer's operation."""
        return Op(layer.output_shape(x.shape), node, (x,), layer, weights=weights or {})

    def linear(self, node: fx.Node, found: Found, value: Value) -> Value:
        """Return what comes out of a dense layer: at each place of maps, it is a convolution."""
        axes = value.axes
        if axes and len(axes) > 2:
            if axes[-1] != 1:
                what = "this dense layer goes along an axis that is not the channels"
                raise Unreadable(what, "fc sees all values of a flat input", "Flatten its input")
            module = found.module
            fields = {"filters": module.out_features, "kernel": 1, "bias": module.bias is not None}
            return value.after(self.op(node, LAYERS["conv"].of(fields), value.op, found.weights))
        x = self.maps(value)
        layer = layer_of(found.module, x.shape)
        if layer is None:
            raise Unreadable(*why_none(found.module, x.shape))
        return plain(self.op(node, layer, x, found.weights))

    def layer_norm(self, node: fx.Node, found: Found, value: Value) -> Value:
        """Return what comes out of a layer normalization: over the channels, or over all of a sample."""
        module, axes = found.module, value.axes
        assert isinstance(module, nn.LayerNorm)
        if axes and len(module.normalized_shape) == len(axes) - 1 > 1 and not list(module.parameters()):
            layer = LAYERS["groupnorm"].of({"groups": 1, "eps": module.eps, "affine": False})
            return value.after(self.op(node, layer, value.op))
        if not axes:
            value = self.settled(value)
            axes = value.axes
        if not axes or axes[-1] != 1 or len(module.normalized_shape) != 1 or module.bias is None:
            what = f"no layer does what {module} does"
            why = f"channel_layernorm goes over the channels of {times(value.op.shape)}, with scale and shift"
            raise Unreadable(what, why)
        layer = LAYERS["channel_layernorm"].of({"eps": module.eps})
        return value.after(self.op(node, layer, value.op, found.weights))

    def settled(self, value: Value) -> Value:
        """Return a tensor with whole axes; raises Unreadable where no layer makes it that."""
        return value if value.axes else replace(plain(self.maps(value)), memory=value.memory)

    def maps(self, value: Value) -> Op:
        """Return the operation that gives a tensor as it is; raises Unreadable where no layer does."""
        if value.stretched:
            raise Unreadable("a tensor is stretched", "only a product stretches maps of 1×1")
        if value.axes == tuple(range(len(value.dims))):
            return value.op
        if value not in self.made:
            self.made[value] = views.rearranged(value)
        return self.made[value]


def _attribute(node: fx.Node) -> Any:
    """Return a weight of the module, or what else its code asks for."""
    value = node.meta.get("value")
    return Weight(str(node.target), tuple(value.shape)) if isinstance(value, Tensor) else value


def _unknown(node: fx.Node) -> Any:
    """Return what stands for the output of a node that cannot be read, so that the others can be."""
    value = node.meta.get("value")
    if isinstance(value, (tuple, list)):
        return tuple(_unknown_tensor(one, node) for one in value)
    return _unknown_tensor(value, node)


def _unknown_tensor(value: Any, node: fx.Node) -> Any:
    return plain(Op(tuple(value.shape[1:]), node)) if isinstance(value, Tensor) else value


def _pointwise(layer: Layer) -> bool:
    """Tell whether a layer does the same whatever the order of the axes is."""
    return (layer.family == "activation" and layer.type != "prelu") or layer.type in ("dropout", "drop_path")


def _check(node: fx.Node, value: Value) -> None:
    """Raise Unreadable where a tensor would have other sizes than the traced one."""
    traced = tuple(node.meta["value"].shape)
    if value.shape != traced and not value.stretched:
        raise Unreadable(f"the layers would give {times(value.shape[1:])} and not {times(traced[1:])}")
