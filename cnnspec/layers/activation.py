"""Activations: a curve applied to every value, without which layers would add up to one."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from cnnspec.errors import RuleError
from cnnspec.layers.base import Case, Kept, Layer, attributes
from cnnspec.layers.fields import Count
from cnnspec.shape import Shape

_CASES = (Case((6, 28, 28)), Case((6, 28)), Case((2, 3, 4, 5)), Case((120,)))


class _Activation(Layer):
    """An activation without parameters; its fields are named as torch's arguments are."""

    family: ClassVar = "activation"
    torch_name: ClassVar[str]
    cases: ClassVar[tuple[Case, ...]] = _CASES

    def output_shape(self, x: Shape) -> Shape:
        return x

    def build(self, nn: Any, x: Shape) -> Any:  # noqa: ARG002  # the contract's signature
        return getattr(nn, self.torch_name)(**self.changed(*type(self).model_fields))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        return attributes(module, cls.torch_name, *cls.model_fields)


class Relu(_Activation):
    """Rectified linear unit: max(0, x)."""

    type: ClassVar = "relu"
    torch_name: ClassVar = "ReLU"
    example: ClassVar = "relu"
    keeps: ClassVar = Kept(output=True)


class Relu6(_Activation):
    """ReLU that stops at 6: min(max(0, x), 6)."""

    type: ClassVar = "relu6"
    torch_name: ClassVar = "ReLU6"
    example: ClassVar = "relu6"


class LeakyRelu(_Activation):
    """ReLU with a small slope below 0."""

    type: ClassVar = "leaky_relu"
    main: ClassVar = "negative_slope"
    torch_name: ClassVar = "LeakyReLU"
    example: ClassVar = "leaky_relu: 0.1"

    negative_slope: float = Field(0.01, description="slope below 0")

    cases: ClassVar = (*_CASES, Case((6, 4, 4), negative_slope=0.2))


class Elu(_Activation):
    """Exponential linear unit: x above 0, α(eˣ − 1) below (Clevert et al., 2015)."""

    type: ClassVar = "elu"
    main: ClassVar = "alpha"
    torch_name: ClassVar = "ELU"
    example: ClassVar = "elu"

    alpha: float = Field(1.0, description="how far it falls below 0")

    cases: ClassVar = (*_CASES, Case((6, 4, 4), alpha=0.5))


class Selu(_Activation):
    """Self-normalizing ELU, with fixed constants (Klambauer et al., 2017)."""

    type: ClassVar = "selu"
    torch_name: ClassVar = "SELU"
    example: ClassVar = "selu"


class Celu(_Activation):
    """ELU that is smooth for every α (Barron, 2017)."""

    type: ClassVar = "celu"
    main: ClassVar = "alpha"
    torch_name: ClassVar = "CELU"
    example: ClassVar = "celu"

    alpha: float = Field(1.0, gt=0, description="how far it falls below 0")

    cases: ClassVar = (*_CASES, Case((6, 4, 4), alpha=0.5))


class Gelu(_Activation):
    """Gaussian error linear unit: x·Φ(x) (Hendrycks & Gimpel, 2016)."""

    type: ClassVar = "gelu"
    torch_name: ClassVar = "GELU"
    example: ClassVar = "gelu"

    approximate: Literal["none", "tanh"] = Field("none", description="`tanh` for the faster approximation")

    cases: ClassVar = (*_CASES, Case((6, 4, 4), approximate="tanh"))


class Silu(_Activation):
    """Sigmoid linear unit, also called swish: x·σ(x)."""

    type: ClassVar = "silu"
    torch_name: ClassVar = "SiLU"
    example: ClassVar = "silu"
    synonyms: ClassVar = ("swish",)


class Mish(_Activation):
    """x·tanh(softplus(x)) (Misra, 2019)."""

    type: ClassVar = "mish"
    torch_name: ClassVar = "Mish"
    example: ClassVar = "mish"


class Sigmoid(_Activation):
    """Logistic curve from 0 to 1: 1/(1 + e⁻ˣ)."""

    type: ClassVar = "sigmoid"
    torch_name: ClassVar = "Sigmoid"
    example: ClassVar = "sigmoid"
    synonyms: ClassVar = ("logistic",)
    keeps: ClassVar = Kept(output=True)


class Tanh(_Activation):
    """Hyperbolic tangent, from −1 to 1."""

    type: ClassVar = "tanh"
    torch_name: ClassVar = "Tanh"
    example: ClassVar = "tanh"
    keeps: ClassVar = Kept(output=True)


class HardSigmoid(_Activation):
    """Sigmoid of straight lines: min(max(0, x/6 + 1/2), 1)."""

    type: ClassVar = "hardsigmoid"
    torch_name: ClassVar = "Hardsigmoid"
    example: ClassVar = "hardsigmoid"
    synonyms: ClassVar = ("hard_sigmoid",)


class HardSwish(_Activation):
    """Swish with the hard sigmoid (Howard et al., 2019)."""

    type: ClassVar = "hardswish"
    torch_name: ClassVar = "Hardswish"
    example: ClassVar = "hardswish"
    synonyms: ClassVar = ("hard_swish",)


class HardTanh(_Activation):
    """Tanh of straight lines: x between two bounds."""

    type: ClassVar = "hardtanh"
    torch_name: ClassVar = "Hardtanh"
    example: ClassVar = "hardtanh"
    synonyms: ClassVar = ("hard_tanh", "clip", "clamp")

    min_val: float = Field(-1.0, description="lower bound")
    max_val: float = Field(1.0, description="upper bound")

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min_val >= self.max_val:
            what, fix = "min_val of hardtanh must be less than max_val", "Exchange the two"
            raise PydanticCustomError("rule", "not allowed", {"sentence": what, "fix": fix, "at": "min_val"})
        return self

    cases: ClassVar = (*_CASES, Case((6, 4, 4), min_val=-2, max_val=0.5))
    refused: ClassVar = (Case((6, 4, 4), min_val=2, max_val=2),)


class Softplus(_Activation):
    """Smooth ReLU: log(1 + e^βx)/β."""

    type: ClassVar = "softplus"
    torch_name: ClassVar = "Softplus"
    example: ClassVar = "softplus"

    beta: float = Field(1.0, gt=0, description="sharpness of the bend")
    threshold: float = Field(20.0, description="above it, a straight line for numerical stability")

    cases: ClassVar = (*_CASES, Case((6, 4, 4), beta=2, threshold=10))


class Prelu(_Activation):
    """Leaky ReLU that learns its slope (He et al., 2015)."""

    type: ClassVar = "prelu"
    torch_name: ClassVar = "PReLU"
    example: ClassVar = "prelu"

    num_parameters: Count = Field(1, description="slopes to learn: 1, or one for each channel")
    init: float = Field(0.25, description="slope to start from")

    def output_shape(self, x: Shape) -> Shape:
        if self.num_parameters not in (1, x[0]):
            what = f"num_parameters of {{layer}} is {self.num_parameters}, but its input has {x[0]} channels"
            raise RuleError(what, "", f"Use 1 or {x[0]}", "num_parameters")
        return x

    def params(self, x: Shape) -> int:  # noqa: ARG002  # the contract's signature
        return self.num_parameters

    def params_formula(self, x: Shape) -> tuple[str, str]:  # noqa: ARG002  # as params
        return "slopes", f"{self.num_parameters}"

    cases: ClassVar = (*_CASES, Case((6, 4, 4), num_parameters=6, init=0.1))
    refused: ClassVar = (Case((6, 4, 4), num_parameters=5),)


class Abs(_Activation):
    """Absolute value, |x|."""

    type: ClassVar = "abs"
    torch_name: ClassVar = "Abs"
    example: ClassVar = "abs"
    synonyms: ClassVar = ("absolute", "magnitude", "modulus")


class Square(_Activation):
    """Each value squared, x²."""

    type: ClassVar = "square"
    torch_name: ClassVar = "Square"
    example: ClassVar = "square"
    synonyms: ClassVar = ("squared", "pow", "power")


class Sqrt(_Activation):
    """Square root of each value, √x; below 0 there is none, and it is not a number."""

    type: ClassVar = "sqrt"
    torch_name: ClassVar = "Sqrt"
    example: ClassVar = "sqrt"
    synonyms: ClassVar = ("square_root", "root")
    keeps: ClassVar = Kept(output=True)


class _Softmax(_Activation):
    """A softmax goes over the channels: axis 1 of a batch."""

    def build(self, nn: Any, x: Shape) -> Any:  # noqa: ARG002  # the contract's signature
        return getattr(nn, self.torch_name)(dim=1)

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        return super().read(module, x) if getattr(module, "dim", None) == 1 else None


class Softmax(_Softmax):
    """Probabilities over the channels, which add up to 1; not before cross-entropy, which has its own."""

    type: ClassVar = "softmax"
    torch_name: ClassVar = "Softmax"
    example: ClassVar = "softmax"
    keeps: ClassVar = Kept(output=True)


class LogSoftmax(_Softmax):
    """Logarithm of the softmax; not before cross-entropy, which has its own."""

    type: ClassVar = "log_softmax"
    torch_name: ClassVar = "LogSoftmax"
    example: ClassVar = "log_softmax"
    keeps: ClassVar = Kept(output=True)
