"""A module traced by torch.fx: its operations with the shapes of their outputs, and where each is written.

The input is known by its shape only: a tensor on the device ``meta``, which has no numbers. So code that
asks for sizes is traced as it runs, and code that asks for numbers cannot be.
"""

import operator
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call

from cnnspec.errors import Place, Problem, SpecError
from cnnspec.importing.layers import drop_path_rate, layer_of
from cnnspec.importing.modes import Evaluating, evaluating, example, untraceable
from cnnspec.importing.places import here, last_of
from cnnspec.importing.recorded import Recorded, Untraced, needs_numbers, taken_for_tensors
from cnnspec.shape import Shape, times

BATCH = 2
"""Samples of the batch that is traced."""


class Scope(NamedTuple):
    """A call of a submodule: its path, its class, and the number of the call."""

    path: str
    kind: type[nn.Module]
    number: int


class Origin(NamedTuple):
    """Where an operation comes from: the calls of submodules, outermost first, and the line that wrote it."""

    scopes: tuple[Scope, ...] = ()
    place: Place | None = None


class Traced(NamedTuple):
    """The graph of a module; each node has its `value` and its `origin` in its ``meta``.

    `idle` are paths of submodules that gave back what they were given, but may do more in training.
    `asked` are lines that ask whether the module trains.
    """

    module: nn.Module
    x: Shape
    graph: fx.Graph
    idle: tuple[str, ...]
    asked: tuple[Place, ...]


def trace(module: nn.Module, x: Shape) -> Traced:
    """Return the graph of a module for inputs of shape `x`, as it evaluates; raises SpecError."""
    refused = list(untraceable(module))
    if refused:
        raise SpecError(*refused)
    tracer = Tracer(x, module)
    try:
        graph = tracer.traced()
    except Untraced as error:
        raise SpecError(error.problem) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # the module's own code may raise anything, also SystemExit
        raise SpecError(_failure(error)) from None
    asked = dict.fromkeys(place for path, place in tracer.asked if place and path not in tracer.idle)
    return Traced(module, x, graph, tuple(dict.fromkeys(tracer.idle)), tuple(asked))


def of_input(graph: fx.Graph) -> set[fx.Node]:
    """Return the nodes that depend on the input, and the input."""
    found: set[fx.Node] = set()
    for node in graph.nodes:
        if node.op == "placeholder" or not found.isdisjoint(node.all_input_nodes):
            found.add(node)
    return found


class Tracer(fx.Tracer):
    """Records what a module does with inputs of a shape."""

    def __init__(self, x: Shape, module: nn.Module, *, training: bool = False) -> None:
        super().__init__()
        self.module = module
        self.mode = Evaluating(training)
        self.mode.asked = lambda: self.asked.append((self.scopes[-1].path if self.scopes else "", here()))
        self.asked: list[tuple[str, Place | None]] = []
        like = example(module)
        self.device = like.device
        self.input = torch.empty(BATCH, *x, dtype=like.dtype, device="meta")
        self.idle: list[str] = []
        self.scopes: list[Scope] = []
        self.calls = 0
        self.running = False
        self.tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        self.names = {tensor: name for name, tensor in self.tensors.items()}
        self.without_numbers: dict[Tensor, Tensor] = {}

    def traced(self) -> fx.Graph:
        """Return the graph of the module."""
        with evaluating(self.module, self.mode), taken_for_tensors(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they would name lines of torch's, and of this file
            return self.trace(self.module)

    def create_args_for_root(
        self,
        root_fn: Callable[..., Any],  # noqa: ARG002  # the module may have a forward of its own
        is_module: bool,  # noqa: ARG002  # fx's signature
        concrete_args: Any = None,  # noqa: ARG002
    ) -> tuple[Any, list[Any]]:
        """Return the module's forward, and the module and its input to call it with."""
        x = self.create_proxy("placeholder", "x", (), {})
        return (lambda root, given: root.forward(given)), [self.root, x]

    def proxy(self, node: fx.Node) -> fx.Proxy:
        """Return a tensor that stands for what the node gives."""
        return Recorded(node, self)

    def create_arg(self, a: Any) -> Any:
        """Return how an argument stands in the graph."""
        return a.node if type(a) is Recorded else super().create_arg(a)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:  # noqa: ARG002
        """Return an attribute of a module: for its weights and buffers, what stands for them."""
        if self.running or not isinstance(attr_val, Tensor) or attr_val not in self.names:
            return attr_val
        name = self.names[attr_val]
        if name not in parameter_proxy_cache:
            parameter_proxy_cache[name] = self.create_proxy("get_attr", name, (), {})
        return parameter_proxy_cache[name]

    def create_proxy(self, kind: str, target: Any, args: Any, kwargs: Any, *more: Any, **options: Any) -> Any:
        """Record an operation, and return what it gives: tensors, or what can be known at once."""
        proxy = super().create_proxy(kind, target, args, kwargs, *more, **options)
        node = proxy.node
        node.meta["origin"] = Origin(tuple(self.scopes), here())
        value = node.meta["value"] = self.value_of(node)
        return self.given(proxy, value)

    def given(self, proxy: fx.Proxy, value: Any) -> Any:
        """Return what stands for a value: a list of tensors has an operation of its own for each."""
        if isinstance(value, Tensor):
            return proxy
        if isinstance(value, (tuple, list)) and not isinstance(value, torch.Size):
            each = (
                self.create_proxy("call_function", operator.getitem, (proxy, i), {})
                for i in range(len(value))
            )
            return type(value)(each)
        if value is not None:  # what gives nothing may have changed something
            self.graph.erase_node(proxy.node)
        return value

    def value_of(self, node: fx.Node) -> Any:
        """Return what an operation gives, without numbers; raises Untraced."""
        if "value" in node.meta:
            return node.meta["value"]
        if node.op == "placeholder":
            return self.input
        if node.op == "get_attr":
            name = str(node.target)
            return self.empty(self.tensors[name] if name in self.tensors else vars(self.root)[name])
        args, kwargs = (fx.node.map_aggregate(given, self.plain) for given in (node.args, node.kwargs))
        try:
            return self.run(node, args, kwargs)
        except Exception as error:  # noqa: BLE001  # torch raises many kinds
            raise Untraced(self.refused(node, args, error)) from None

    def run(self, node: fx.Node, args: Any, kwargs: Any) -> Any:
        """Return what an operation makes of tensors without numbers."""
        with torch.no_grad():
            if node.op == "call_function":
                return node.target(*args, **kwargs)  # type: ignore[operator]  # of such a node it is a function
            if node.op == "call_method":
                if node.target in ("cpu", "cuda"):
                    return args[0]
                if node.target == "to":
                    args, kwargs = fx.node.map_aggregate((args, kwargs), _nowhere)
                return getattr(args[0], str(node.target))(*args[1:], **kwargs)
            module = self.root.get_submodule(str(node.target))
            weights = {**dict(module.named_parameters()), **dict(module.named_buffers())}
            self.running = True
            try:
                with evaluating(module, False):
                    empty = {name: self.empty(weight) for name, weight in weights.items()}
                    return functional_call(module, empty, args, kwargs)
            finally:
                self.running = False

    def plain(self, argument: Any) -> Any:
        """Return an argument as torch takes it, its numbers left out."""
        if isinstance(argument, fx.Node):
            return self.value_of(argument)
        return False if isinstance(argument, Evaluating) else argument

    def empty(self, given: Any) -> Any:
        """Return a tensor without its numbers, always the same; other things as they are."""
        if not isinstance(given, Tensor):
            return given
        if given not in self.without_numbers:
            self.without_numbers[given] = torch.empty_like(given, device="meta")
        return self.without_numbers[given]

    def refused(self, node: fx.Node, args: Any, error: Exception) -> Problem:
        """Return the problem of an operation that torch does not carry out."""
        why = str(error).strip().partition("\n")[0]
        if "meta tensor" in why or "'meta'" in why or "meta device" in why:
            return needs_numbers(f"`{node.target}`", here())
        shapes = [times(tuple(one.shape[1:])) for one in args if isinstance(one, Tensor)]
        name = (
            f"{node.target} ({type(self.root.get_submodule(str(node.target))).__name__})"
            if node.op == "call_module"
            else getattr(node.target, "__name__", str(node.target))
        )
        fix = (
            f"Does the network take {times(tuple(self.input.shape[1:]))}? `input` is the shape of one sample"
        )
        return Problem(
            f"{name} does not take {' and '.join(shapes) or 'what it is given'}",
            f"torch says: {why}",
            fix,
            here(),
        )

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Record the call of a module as one operation if it is torch's or a layer's, else what it does."""
        if self.running:
            return forward(*args, **kwargs)
        self.calls += 1
        self.scopes.append(Scope(self.path_of_module(m), type(m), self.calls))
        try:
            if self.is_operation(m, args):
                return self.create_proxy("call_module", self.scopes[-1].path, args, kwargs)
            result = forward(*args, **kwargs)
            if args and result is args[0] and "training" in _names(m):
                self.idle.append(self.scopes[-1].path)
            return result
        finally:
            self.scopes.pop()

    def is_operation(self, m: nn.Module, args: tuple[Any, ...]) -> bool:
        """Tell whether a module is one of torch's, or one that a layer builds."""
        if isinstance(m, nn.Sequential) or not args or type(args[0]) is not Recorded:
            return False
        if type(m).__module__.startswith("torch.nn."):
            return True
        return drop_path_rate(m) is not None or layer_of(m, tuple(args[0].known.shape[1:])) is not None


def _names(module: nn.Module) -> tuple[str, ...]:
    """Return the names in a module's forward."""
    code = getattr(type(module).forward, "__code__", None)
    return code.co_names if code else ()


def _nowhere(argument: Any) -> Any:
    """Return an argument of ``Tensor.to``, without the place that it may name."""
    return torch.device("meta") if isinstance(argument, (str, torch.device)) else argument


def _failure(error: BaseException) -> Problem:
    """Return the problem of an error that is the module's own, or torch.fx's."""
    told = str(error).strip().partition("\n")[0]
    what = f"torch.fx cannot trace the module: {type(error).__name__}" + (f": {told}" if told else "")
    return Problem(what, "", "Change this line, or import the network without it", last_of(error))
