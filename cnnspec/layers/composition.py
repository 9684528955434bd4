"""Composition: lists of layers in a row, beside each other, and around a shortcut."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from cnnspec.errors import RuleError, shown
from cnnspec.layers.base import Element, Kept
from cnnspec.layers.fields import refuse
from cnnspec.shape import Shape, times

Way = tuple[str | int, ...]
"""The keys and indices from a composition's fields to one of its lists."""


class Output(NamedTuple):
    """What comes out of a part, and where it is written: ``line 5``."""

    shape: Shape
    where: str


THE_INPUT = "the input"
"""Where the output of a part without layers is written."""


class Composite(Element):
    """Lists of layers, its parts, and how their outputs are merged.

    Shapes are of one sample, channels first. Every part gets the composition's input.
    """

    family: ClassVar = "composition"

    lists: ClassVar[tuple[str, ...]]
    """The fields that hold layers."""
    branched: ClassVar[bool] = False
    """Whether such a field holds several lists of layers, and not one."""
    keeps: ClassVar[Kept] = Kept()
    """What autograd keeps of the merging; the input is what comes out of the parts."""
    passes: ClassVar[bool] = True
    """Whether a gradient goes on to the parts as it is, with no tensor made for them."""

    @property
    def parts(self) -> Mapping[str, Way]:
        """Return each part's name, which its layers' names begin with, and the way to its list.

        A part without a name stands for the composition itself.
        """
        raise NotImplementedError

    def merge(self, outputs: Mapping[str, Output]) -> Shape:
        """Return the output's shape from those of the parts; raises RuleError where they disagree."""
        raise NotImplementedError

    def size_formulas(self, outputs: list[Shape]) -> tuple[tuple[str, str], ...]:  # noqa: ARG002  # most keep sizes
        """Return the formula of each axis of the output, channels first, as far as it has one."""
        return ()

    def build(self, nn: Any, parts: Mapping[str, Any]) -> Any:
        """Return ``nn``'s module made of the modules of the parts."""
        raise NotImplementedError


class Sequence(Composite):
    """A group of layers, first to last."""

    type: ClassVar = "sequence"
    main: ClassVar = "layers"
    example: ClassVar = "sequence: [conv: {filters: 8, kernel: 3}, relu]"
    synonyms: ClassVar = ("sequential", "group", "layers")
    lists: ClassVar = ("layers",)

    layers: list[Any] = Field(description="the layers, first to last")

    @property
    def parts(self) -> Mapping[str, Way]:
        return {"": ("layers",)}

    def merge(self, outputs: Mapping[str, Output]) -> Shape:
        return outputs[""].shape


class Residual(Composite):
    """The layers' output plus a shortcut past them (He et al., 2015)."""

    type: ClassVar = "residual"
    main: ClassVar = "layers"
    example: ClassVar = "residual: [conv: {filters: 4, kernel: 3, padding: 1}, relu]"
    synonyms: ClassVar = ("skip_connection", "resblock", "shortcut")
    lists: ClassVar = ("layers", "shortcut")

    layers: list[Any] = Field(description="the layers")
    shortcut: list[Any] = Field([], description="layers on the way past them; none is the input itself")
    skip: bool = Field(True, description="whether there is a shortcut at all; `false` leaves only the layers")

    @property
    def parts(self) -> Mapping[str, Way]:
        both: dict[str, Way] = {"layers": ("layers",), "shortcut": ("shortcut",)}
        return both if self.skip else {"layers": ("layers",)}

    def merge(self, outputs: Mapping[str, Output]) -> Shape:
        first, *others = outputs.values()
        for other in others:
            if other.shape != first.shape:
                fix = _fitting(first.shape, other.shape, "shortcut")
                raise _disagreement("layers and shortcut", first, other, fix)
        return first.shape

    def build(self, nn: Any, parts: Mapping[str, Any]) -> Any:
        return nn.Residual(**parts)


def _lists(value: Any) -> Any:
    """Return branches as they are, having checked that they are lists."""
    if not isinstance(value, (list, dict)) or not value:
        refuse(value, "it must be a list of lists of layers, or a mapping from names to lists of layers")
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for name, branch in pairs:
        if not isinstance(branch, list):
            what = f"branch {shown(name)} is {shown(branch)}"
            why = "a branch is a list of layers, and `[]` is the input itself"
            fix = "Begin it with two dashes: `- - conv: …`" if isinstance(value, list) else ""
            fix = f"Write `[{branch}]`" if isinstance(branch, str) else fix
            context = {"sentence": what, "why": why, "fix": fix, "at": name}
            raise PydanticCustomError("rule", "not allowed", context)
    return value


Branches = Annotated[
    list[list[Any]] | dict[str, list[Any]],
    PlainValidator(_lists),
    WithJsonSchema({}),  # the view of the language as JSON Schema says what stands in lists of layers
]


class _Branches(Composite):
    """What compositions of equal branches share."""

    main: ClassVar = "branches"
    lists: ClassVar = ("branches",)
    branched: ClassVar = True

    branches: Branches = Field(
        description="lists of layers, each given the same input; `[]` is the input itself"
    )

    @property
    def parts(self) -> Mapping[str, Way]:
        names = self.branches if isinstance(self.branches, dict) else range(len(self.branches))
        return {str(name): ("branches", name) for name in names}

    def joined(self, make: Any, parts: Mapping[str, Any]) -> Any:
        """Return what a constructor makes of the branches: by name, or else by number."""
        return make(**parts) if isinstance(self.branches, dict) else make(*parts.values())


class Add(_Branches):
    """The sum of its branches."""

    type: ClassVar = "add"
    example: ClassVar = "add: [[conv: {filters: 8, kernel: 3, padding: 1}], [conv: {filters: 8, kernel: 1}]]"
    synonyms: ClassVar = ("sum", "plus")

    def merge(self, outputs: Mapping[str, Output]) -> Shape:
        first, *others = outputs.values()
        for other in others:
            if other.shape != first.shape:
                fix = "Give both the same filters"
                if other.shape[1:] != first.shape[1:]:
                    fix += ", strides and padding"
                for one, another in ((first, other), (other, first)):
                    if another.where == THE_INPUT:
                        fix = _fitting(one.shape, another.shape, "branch of the input")
                raise _disagreement("branches", first, other, fix)
        return first.shape

    def build(self, nn: Any, parts: Mapping[str, Any]) -> Any:
        return self.joined(nn.Add, parts)


class Concat(_Branches):
    """The channels of its branches, one after the other."""

    type: ClassVar = "concat"
    example: ClassVar = "concat: {branches: {wide: [conv: {filters: 4, kernel: 3, padding: 1}], same: []}}"
    synonyms: ClassVar = ("concatenate", "cat", "route")

    def merge(self, outputs: Mapping[str, Output]) -> Shape:
        first, *others = outputs.values()
        for other in others:
            if other.shape[1:] != first.shape[1:]:
                fix = "Give them the same strides, and padding that keeps the size: only channels may differ"
                raise _disagreement("branches", first, other, fix)
        return (sum(output.shape[0] for output in outputs.values()), *first.shape[1:])

    def size_formulas(self, outputs: list[Shape]) -> tuple[tuple[str, str], ...]:
        return (("the branches' sum", " + ".join(str(output[0]) for output in outputs)),)

    def build(self, nn: Any, parts: Mapping[str, Any]) -> Any:
        return self.joined(nn.Concat, parts)


class Multiply(_Branches):
    """The product of its branches; an axis of size 1 is stretched, as squeeze-and-excitation does."""

    type: ClassVar = "multiply"
    example: ClassVar = "multiply: [[], [global_avgpool, conv: {filters: 4, kernel: 1}, sigmoid]]"
    synonyms: ClassVar = ("mul", "product", "scale", "gate")
    keeps: ClassVar = Kept(input=True)
    passes: ClassVar = False

    def merge(self, outputs: Mapping[str, Output]) -> Shape:
        product, *others = outputs.values()
        for other in others:
            pairs = list(zip(product.shape, other.shape, strict=False))
            if len(product.shape) != len(other.shape) or any(a != b and 1 not in (a, b) for a, b in pairs):
                raise _disagreement("branches", product, other, "Each axis must have the same size, or 1")
            product = Output(tuple(max(pair) for pair in pairs), product.where)
        return product.shape

    def build(self, nn: Any, parts: Mapping[str, Any]) -> Any:
        return self.joined(nn.Multiply, parts)


def _disagreement(which: str, one: Output, other: Output, fix: str) -> RuleError:
    told = f"{times(one.shape)} ({one.where}) and {times(other.shape)} ({other.where})"
    return RuleError(f"{which} of {{layer}} disagree: {told}", "", fix)


def _fitting(wanted: Shape, given: Shape, which: str) -> str:
    """Return which layers give a shortcut, or whatever `which` says, the wanted shape."""
    strides = {-(-n // m) for n, m in zip(given[1:], wanted[1:], strict=False)}
    stride = strides.pop() if len(strides) == 1 else 1
    if len(wanted) != len(given) or any(
        -(-n // stride) != m for n, m in zip(given[1:], wanted[1:], strict=True)
    ):
        return f"Give the {which} layers that make it {times(wanted)}"
    if len(wanted) == 1:
        return f"Give the {which} an fc of {wanted[0]} units"
    kernel = "×".join("1" * (len(wanted) - 1)) if len(wanted) > 2 else "kernel-1"
    also = f" and stride {stride}" if stride > 1 else ""
    return f"Give the {which} a {kernel} conv of {wanted[0]} filters{also}"
