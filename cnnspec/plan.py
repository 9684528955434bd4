"""The Plan: the spec expanded, with every layer's shapes, parameters and MACs known."""

import keyword
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cnnspec.errors import MAX_PROBLEMS, Place, Problem, RuleError, SpecError
from cnnspec.items import Item
from cnnspec.layers import Layer
from cnnspec.shape import Shape
from cnnspec.spec import Spec

if TYPE_CHECKING:
    from torch.nn import Module

MAX_LAYERS = 10_000
MAX_PARAMS = 10**12

RESERVED = frozenset(
    """
    T_destination add_module append apply bfloat16 buffers call_super_init children compile cpu cuda
    double dump_patches eval extend extra_repr float forward get_buffer get_extra_state
    get_parameter get_submodule half insert ipu load_state_dict modules mtia named_buffers
    named_children named_modules named_parameters parameters pop register_backward_hook
    register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state
    set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
    """.split()  # noqa: SIM905  # fifty names read best as text
)
"""Names that torch.nn.Module keeps for itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """A layer in its place in the network, or a named group of them.

    `path` is its name in the model, and so the beginning of its `state_dict` keys. A
    group has `children` and no layer; its numbers are the sums of theirs.
    """

    path: str
    type: str
    input: Shape
    output: Shape
    params: int
    macs: int
    place: Place
    layer: Layer | None = None
    children: tuple["Step", ...] = ()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def label(self) -> str:
        """The path, and the layer's type where the name does not tell it: ``stem (conv)``."""
        told = (self.name, self.name.rstrip("0123456789").rstrip("_"))
        return self.path if self.type in told else f"{self.path} ({self.type})"

    def leaves(self) -> Iterator["Step"]:
        """Yield the layers in it, first to last."""
        if self.layer:
            yield self
        for child in self.children:
            yield from child.leaves()


@dataclass(frozen=True, slots=True)
class Plan:
    """A network with everything known about it before it is built."""

    spec: Spec
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """The network's name."""
        return self.spec.name

    @property
    def input_shape(self) -> Shape:
        """Shape of one sample, channels first."""
        return self.spec.input

    @property
    def layers(self) -> tuple[Step, ...]:
        """Every layer, first to last, groups expanded."""
        return tuple(leaf for step in self.steps for leaf in step.leaves())

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for one sample."""
        return self.steps[-1].output if self.steps else self.input_shape

    @property
    def params(self) -> int:
        """Number of trainable parameters."""
        return sum(step.params for step in self.steps)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one sample: convolution and fc only, without bias."""
        return sum(step.macs for step in self.steps)

    def build(self) -> "Module":
        """Return the network as a torch.nn.Module, freshly initialized by torch's own rules."""
        from cnnspec.model import build  # torch is imported here and no earlier

        return build(self)


class Trace(NamedTuple):
    """A plan as far as the shapes work, and what stopped it."""

    plan: Plan
    problems: list[Problem]


def make_plan(spec: Spec) -> Plan:
    """Return the plan of a spec; raises SpecError where the shapes do not fit."""
    plan, problems = trace(spec)
    if problems:
        raise SpecError(*problems)
    return plan


def trace(spec: Spec) -> Trace:
    """Return the plan up to the first layer that does not fit, with the problems found."""
    expansion = _Expansion(spec)
    steps = expansion.scope(spec.layers, spec.input, "")
    return Trace(Plan(spec, tuple(steps)), expansion.problems)


class _Stop(Exception):  # noqa: N818  # not an error: the problem is noted already
    """The shapes after this layer are unknown."""


class _Expansion:
    """Expands a spec's items layer by layer, carrying the shape along."""

    def __init__(self, spec: Spec) -> None:
        self.document = spec.document
        self.problems: list[Problem] = []
        self.count = 0

    def scope(self, items: tuple[Item, ...], x: Shape, prefix: str) -> list[Step]:
        """Return the steps of one list of items, up to the first that does not fit."""
        self.check_names(items)
        names = _Names(prefix)
        steps: list[Step] = []
        try:
            for item in items:
                for step in self.expand(item, x, names):
                    steps.append(step)
                    x = step.output
        except _Stop:
            pass
        return steps

    def expand(self, item: Item, x: Shape, names: "_Names") -> Iterator[Step]:
        """Yield the steps of one item: one layer, its repetitions, or a named group of those."""
        if item.repeat is None:
            yield self.layer(item, x, names.of(item))
        elif item.name is None:
            for _ in range(item.repeat):
                step = self.layer(item, x, names.of(item))
                yield step
                x = step.output
        else:
            yield self.group(item, x, names.of(item))

    def group(self, item: Item, x: Shape, path: str) -> Step:
        """Return the named repetitions of an item as a group of 0, 1, 2, …."""
        children: list[Step] = []
        output = x
        for index in range(item.repeat or 0):
            children.append(self.layer(item, output, f"{path}.{index}"))
            output = children[-1].output
        params, macs = sum(c.params for c in children), sum(c.macs for c in children)
        place = self.document.place(item.path)
        return Step(path, "sequence", x, output, params, macs, place, children=tuple(children))

    def layer(self, item: Item, x: Shape, path: str) -> Step:
        """Return one layer in its place; raises _Stop where it does not fit."""
        self.count += 1
        layer, place = item.layer, self.document.place(item.path)
        try:
            if self.count > MAX_LAYERS:
                why, fix = f"that is the limit of {MAX_LAYERS:,}", "Repeat less"
                raise RuleError("the network has too many layers", why, fix)
            output = layer.output_shape(x)
            params, macs = layer.params(x), layer.macs(x)
            if params > MAX_PARAMS:
                raise RuleError(
                    f"{{layer}} would have {params:,} parameters", "no memory holds them", "Make it smaller"
                )
        except RuleError as error:
            self.problems.append(error.at(self.blame(item, error.field), path))
            raise _Stop from None
        return Step(path, layer.type, x, output, params, macs, place, layer)

    def blame(self, item: Item, field: str | None) -> Place:
        """Return the place of a field of an item, whether it has a key or stands alone."""
        if field is not None and field == item.layer.main and (*item.path, field) not in self.document.keys:
            return self.document.value_place(item.path)
        return self.document.place((*item.path, field) if field else item.path)

    def check_names(self, items: tuple[Item, ...]) -> None:
        """Note names that stand twice in one scope, or that torch or Python keep for themselves."""
        first: dict[str, Place] = {}
        names = _Names("")
        for item in items:
            if len(first) > MAX_LAYERS or len(self.problems) > MAX_PROBLEMS:
                return  # too many of either, which is told elsewhere
            place = self.document.value_place((*item.path[:-1], "name") if item.name else item.path)
            repeats = 1 if item.name or item.repeat is None else min(item.repeat, MAX_LAYERS)
            for name in [names.of(item) for _ in range(repeats)]:
                if name in first:
                    what = f"two layers are called '{name}'; the first stands in line {first[name].line}"
                    fix = f"Call it something else; '{name}' is also what the unnamed ones are numbered as"
                    self.problems.append(
                        Problem(what, "", fix if name[-1].isdigit() else "Rename one", place)
                    )
                first.setdefault(name, place)
            if item.name and (
                item.name in RESERVED or keyword.iskeyword(item.name) or item.name.startswith("_")
            ):
                what, why = (
                    f"a layer cannot be called '{item.name}'",
                    "Python or PyTorch keeps that name for itself",
                )
                self.problems.append(Problem(what, why, f"Call it {item.name.strip('_')}_1, say", place))


class _Names:
    """The names in one scope: those given, and the unnamed layers numbered by kind."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.numbers: dict[str, int] = {}

    def of(self, item: Item) -> str:
        """Return the next name for an item."""
        if item.name:
            return self.prefix + item.name
        kind = item.layer.type
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return f"{self.prefix}{numbered(kind, self.numbers[kind])}"


def numbered(kind: str, number: int) -> str:
    """Return an unnamed layer's name: ``conv1``; ``relu6_1``, as relu can have a 61st."""
    return f"{kind}_{number}" if kind[-1].isdigit() else f"{kind}{number}"
