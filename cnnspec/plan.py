"""The Plan: the spec expanded, with every layer's shapes, parameters and MACs known."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnnspec.errors import Place
from cnnspec.language.arithmetic import Value
from cnnspec.layers import Composite, Layer
from cnnspec.shape import Shape
from cnnspec.spec import Spec

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True, slots=True)
class Step:
    """A layer in its place in the network, a group of them in a row, or a composition of groups.

    `path` is its name in the model, and so the beginning of its `state_dict` keys. A group
    (a block, a sequence, repetitions, a part of a composition) has neither layer nor
    composite but `children`, whose numbers are added up; a composite merges its children.
    `arguments` are the values of a block's arguments.
    """

    path: str
    type: str
    input: Shape
    output: Shape
    params: int
    macs: int
    place: Place
    layer: Layer | None = None
    composite: Composite | None = None
    children: tuple["Step", ...] = ()
    arguments: Mapping[str, Value] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def label(self) -> str:
        """The path, and the layer's type where the name does not tell it: ``stem (conv)``."""
        told = (self.name, self.name.rstrip("0123456789").rstrip("_"))
        return self.path if self.type in told else f"{self.path} ({self.type})"

    def within(self) -> Iterator["Step"]:
        """Yield the step itself and all steps in it, each before its parts."""
        yield self
        for child in self.children:
            yield from child.within()

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
        """Number of parameters."""
        return sum(step.params for step in self.steps)

    @property
    def trainable(self) -> int:
        """Number of parameters that learn: all but those that `freeze` names."""
        train = self.spec.train
        if not train.freeze:
            return self.params
        return sum(step.params for step in self.layers if not train.is_frozen(step.path))

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one sample: convolution and fc only, without bias."""
        return sum(step.macs for step in self.steps)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the summary's table and the network's picture."""
        from cnnspec.views.notebook import plan_html  # what shows a Plan imports this module

        return plan_html(self)

    def build(self) -> "Module":
        """Return the network as a torch.nn.Module, freshly initialized by torch's own rules."""
        from cnnspec.model import build  # torch is imported here and no earlier

        return build(self)
