"""The contract of a layer, and the registry that everything else reads.

A layer is one class: its fields, its shape rule, its parameters and MACs with their
formulas, its torch constructor and its cases. It never imports torch: the constructor
gets its namespace as an argument.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from cnnspec.errors import RuleError
from cnnspec.shape import Reach, Shape, Window, times

REGISTRY: dict[str, type["Element"]] = {}
"""The whole vocabulary: every layer and composition by the name that a spec calls it."""

LAYERS: dict[str, type["Layer"]] = {}
"""The layers of the registry, without the compositions."""

FLOAT_BYTES, INDEX_BYTES = 4, 8
"""What a number of float32 and of int64 takes."""

NO_FORMULA = ("", "")
"""Stands for the formula of a number that is not calculated."""


class Case:
    """A layer's fields and an input shape, for examples and for the comparison with torch."""

    __slots__ = ("fields", "input")

    def __init__(self, input: Shape, /, **fields: Any) -> None:  # noqa: A002  # the field's name in a spec
        self.input = input
        self.fields = fields

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value}" for name, value in self.fields.items())
        return f"{times(self.input)} {fields}".rstrip()


class Kept(NamedTuple):
    """What PyTorch's autograd keeps of a step for the backward pass.

    `more` are the bytes, for one sample, of what it keeps besides: a mask, indices.
    """

    input: bool = False
    output: bool = False
    more: int = 0


class Element(BaseModel):
    """A word of the language with its fields; a subclass is registered under its `type`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)

    type: ClassVar[str]
    """The layer's name in a spec."""
    family: ClassVar[str]
    """The heading it stands under in ``cnnspec layers``."""
    main: ClassVar[str | None] = None
    """The field that may stand alone, as in ``fc: 120``."""
    example: ClassVar[str]
    """How it is written in a spec."""
    synonyms: ClassVar[tuple[str, ...]] = ()
    """Other tools' names for it, for did-you-mean."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "type" in cls.__dict__:
            known = REGISTRY.get(cls.type)
            # The same class once more is a module that is read again, or a notebook's cell.
            if known and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
                where = f"{known.__module__} and {cls.__module__}"
                raise TypeError(f"two layers are called {cls.type!r}, in {where}")
            REGISTRY[cls.type] = cls

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Return the layer with these fields; raises pydantic.ValidationError."""
        return cls.model_validate(dict(fields))

    def resolved(self) -> dict[str, Any]:
        """Return the fields as plain values, every default filled in."""
        return self.model_dump(exclude_none=True)


class Layer(Element):
    """One layer of the network.

    Shapes are of one sample, channels first. `output_shape` raises RuleError where the
    layer cannot take the input; the other methods are only called for inputs it can take.
    """

    cases: ClassVar[tuple[Case, ...]] = ()
    """Cases in which it must equal torch in output shape, parameters and MACs."""
    refused: ClassVar[tuple[Case, ...]] = ()
    """Cases which both torch and this layer must refuse."""
    keeps: ClassVar[Kept] = Kept(input=True)
    """What PyTorch's autograd keeps, where it is always the same."""
    copies: ClassVar[bool] = False
    """Whether its kernels work on copies of input, output and weights, in an order of their own."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "type" in cls.__dict__:
            LAYERS[cls.type] = cls

    def output_shape(self, x: Shape) -> Shape:
        """Return the output's shape for input shape `x`; raises RuleError."""
        raise NotImplementedError

    def windows(self, x: Shape) -> tuple[Window, ...]:  # noqa: ARG002  # most layers slide no window
        """Return the window on each spatial axis; empty for a layer without one."""
        return ()

    def size_formulas(self, x: Shape) -> tuple[tuple[str, str], ...]:
        """Return the formula of each axis of the output, channels first, in words and in numbers.

        Empty texts stand for an axis without a formula, and nothing at all for a layer without any.
        """
        windows = self.windows(x)
        return (NO_FORMULA, *(window.formula() for window in windows)) if windows else ()

    def params(self, x: Shape) -> int:  # noqa: ARG002  # most layers have none
        """Return the number of trainable parameters."""
        return 0

    def params_formula(self, x: Shape) -> tuple[str, str]:  # noqa: ARG002  # as params
        """Return the formula of `params` in words and in numbers; empty where there are none."""
        return NO_FORMULA

    def macs(self, x: Shape) -> int:  # noqa: ARG002  # only convolution and fc count
        """Return the multiply-accumulates for one sample: convolution and fc only, without bias."""
        return 0

    def macs_formula(self, x: Shape) -> tuple[str, str]:  # noqa: ARG002  # as macs
        """Return the formula of `macs` in words and in numbers; empty where there are none."""
        return NO_FORMULA

    def kept(self, x: Shape) -> Kept:  # noqa: ARG002  # mostly the same for all inputs
        """Return what autograd keeps of the layer for the backward pass."""
        return self.keeps

    def is_view(self, x: Shape) -> bool:  # noqa: ARG002  # most layers make a tensor
        """Tell whether the output shares the input's memory."""
        return False

    def buffers(self, x: Shape) -> int:  # noqa: ARG002  # most layers have none
        """Return the bytes that the layer stores without training them."""
        return 0

    def reach(self, x: Shape) -> tuple[Reach, ...] | None:
        """Return what a value of the output sees of the input, on each spatial axis; None for all of it."""
        return tuple(window.reach for window in self.windows(x)) or (Reach(),) * (len(x) - 1)

    def build(self, nn: Any, x: Shape) -> Any:
        """Return ``nn``'s module for input shape `x`; ``nn`` is `model.modules` or stands in for it.

        Classes of another package are reached as ``nn.imported("package.modules").Swish``.
        """
        raise NotImplementedError

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # a layer need not be read
        """Return the fields with which `build` makes such a module for input `x`; None if it never does.

        The inverse of `build`, by the name of the module's class and by its attributes. Who asks
        compares what `build` makes of the fields with the module.
        """
        return None

    def changed(self, *names: str, **renamed: str) -> dict[str, Any]:
        """Return the named fields that differ from their default, as keyword arguments for torch.

        Built modules and generated source then say only what the spec says. `renamed`
        maps torch's argument to our field where the names differ.
        """
        arguments = {name: name for name in names} | renamed
        fields = type(self).model_fields
        values = {argument: getattr(self, name) for argument, name in arguments.items()}
        return {a: v for a, v in values.items() if v != fields[arguments[a]].default}


def attributes(module: Any, name: str, *names: str, **renamed: str) -> dict[str, Any] | None:
    """Return attributes of a module of the class `name` as fields; None for another class, or without them.

    `renamed` maps torch's attribute to our field where the names differ, as in `Layer.changed`.
    """
    wanted = {n: n for n in names} | renamed
    if type(module).__name__ != name or not all(hasattr(module, a) for a in wanted):
        return None
    return {field: torch_size(getattr(module, a)) for a, field in wanted.items()}


def spatial_rank(x: Shape, layer: str) -> int:
    """Return the number of spatial axes; raises RuleError for a flat input."""
    if len(x) == 1:
        what = f"{layer} needs channels and space, but gets {x[0]} flat values"
        raise RuleError(what, "", f"Move {layer} before `flatten`")
    return len(x) - 1


def per_axis(value: Any, rank: int, field: str) -> tuple[Any, ...]:
    """Return one value for each of `rank` axes; raises RuleError where a list has another length."""
    if not isinstance(value, tuple):
        return (value,) * rank
    if len(value) != rank:
        axes = "1 axis" if rank == 1 else f"{rank} axes"
        fix = f"Give one number, or {rank}" if rank > 1 else "Give one number"
        raise RuleError(f"{field} lists {len(value)} values, but the input has {axes}", "", fix, field)
    return value


def torch_size(value: Any) -> Any:
    """Return a per-axis value as short as it can be said: ``5`` for ``(5, 5)``."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
