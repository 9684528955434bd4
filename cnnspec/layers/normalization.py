"""Normalization: values brought to mean 0 and variance 1, then scaled and shifted as learned."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from cnnspec.errors import RuleError
from cnnspec.layers.base import (
    FLOAT_BYTES,
    INDEX_BYTES,
    NO_FORMULA,
    Case,
    Kept,
    Layer,
    attributes,
    spatial_rank,
)
from cnnspec.layers.fields import Count, Probability
from cnnspec.layers.groups import check_groups
from cnnspec.shape import Shape, times, volume

Epsilon = Annotated[float, Field(gt=0, description="added to the variance, against division by zero")]


class _Norm(Layer):
    """What the normalizations with a scale and a shift for each channel share."""

    family: ClassVar = "normalization"

    @property
    def learns(self) -> bool:
        """Whether it learns a scale and a shift."""
        return True

    def output_shape(self, x: Shape) -> Shape:
        return x

    def params(self, x: Shape) -> int:
        return 2 * x[0] if self.learns else 0

    def params_formula(self, x: Shape) -> tuple[str, str]:
        return ("2·channels", f"2·{x[0]}") if self.learns else NO_FORMULA


class BatchNorm(_Norm):
    """Batch normalization of each channel, over the batch and space (Ioffe & Szegedy, 2015)."""

    type: ClassVar = "batchnorm"
    example: ClassVar = "batchnorm"
    synonyms: ClassVar = ("bn", "batch_norm", "batchnorm2d", "batchnormalization")

    eps: Epsilon = 1e-5
    momentum: Probability = Field(
        0.1, description="share of the newest batch in the running mean and variance"
    )
    affine: bool = Field(True, description="whether to scale and shift each channel as learned")

    @property
    def learns(self) -> bool:
        return self.affine

    def buffers(self, x: Shape) -> int:
        return 2 * x[0] * FLOAT_BYTES + INDEX_BYTES  # running mean and variance, and the number of batches

    def build(self, nn: Any, x: Shape) -> Any:
        options = self.changed("eps", "momentum", "affine")
        return getattr(nn, f"BatchNorm{max(1, len(x) - 1)}d")(x[0], **options)

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        return attributes(module, f"BatchNorm{max(1, len(x) - 1)}d", "eps", "momentum", "affine")

    cases: ClassVar = (
        Case((6, 28, 28)),
        Case((6, 28, 28), affine=False),
        Case((6, 28, 28), eps=1e-3, momentum=0.01),
        Case((6, 28)),
        Case((2, 5, 6, 7)),
        Case((120,)),
    )


class ChannelLayerNorm(_Norm):
    """Layer normalization over the channels, at each place on its own (Ba et al., 2016; Liu et al., 2022)."""

    type: ClassVar = "channel_layernorm"
    example: ClassVar = "channel_layernorm"
    synonyms: ClassVar = ("layernorm", "layer_norm", "layernorm2d", "ln", "layernormalization")

    eps: Epsilon = 1e-5

    def kept(self, x: Shape) -> Kept:
        return Kept(input=True, more=2 * volume(x[1:]) * FLOAT_BYTES)  # each place's mean and deviation

    def build(self, nn: Any, x: Shape) -> Any:
        return nn.ChannelLayerNorm(x[0], **self.changed("eps"))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        return attributes(module, "ChannelLayerNorm", "eps")

    cases: ClassVar = (
        Case((6, 28, 28)),
        Case((96, 7, 5), eps=1e-6),
        Case((6, 28)),
        Case((2, 5, 6, 7)),
        Case((120,)),
    )


class GroupNorm(_Norm):
    """Normalization of groups of channels, within each sample (Wu & He, 2018)."""

    type: ClassVar = "groupnorm"
    main: ClassVar = "groups"
    example: ClassVar = "groupnorm: 4"
    synonyms: ClassVar = ("group_norm", "gn", "groupnormalization")

    groups: Count = Field(description="groups that the channels are split into")
    eps: Epsilon = 1e-5
    affine: bool = Field(True, description="whether to scale and shift each channel as learned")

    @property
    def learns(self) -> bool:
        return self.affine

    def output_shape(self, x: Shape) -> Shape:
        check_groups(self.groups, channels=x[0])
        if volume(x) == self.groups:  # PyTorch refuses it, though only for a single sample
            what = f"each group of {{layer}} has one value only of the input {times(x)}"
            raise RuleError(what, "normalized, it would always be 0", "Use fewer groups", "groups")
        return x

    def build(self, nn: Any, x: Shape) -> Any:
        return nn.GroupNorm(self.groups, x[0], **self.changed("eps", "affine"))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        return attributes(module, "GroupNorm", "eps", "affine", num_groups="groups")

    cases: ClassVar = (
        Case((6, 28, 28), groups=3),
        Case((6, 28, 28), groups=6, eps=1e-3),
        Case((6, 28, 28), groups=1, affine=False),
        Case((6, 28), groups=2),
        Case((2, 5, 6, 7), groups=2),
        Case((120,), groups=8),
    )
    refused: ClassVar = (Case((6, 28, 28), groups=4),)


class InstanceNorm(_Norm):
    """Normalization of each channel of each sample, over space (Ulyanov et al., 2016)."""

    type: ClassVar = "instancenorm"
    example: ClassVar = "instancenorm"
    synonyms: ClassVar = ("instance_norm", "instancenorm2d", "instancenormalization")

    eps: Epsilon = 1e-5
    affine: bool = Field(False, description="whether to scale and shift each channel as learned")

    @property
    def learns(self) -> bool:
        return self.affine

    def output_shape(self, x: Shape) -> Shape:
        spatial_rank(x, self.type)
        if volume(x[1:]) == 1:
            what = f"each channel has one value only in the {times(x)} input of {{layer}}"
            raise RuleError(what, "normalized, it would always be 0", "Drop {layer}")
        return x

    def build(self, nn: Any, x: Shape) -> Any:
        return getattr(nn, f"InstanceNorm{len(x) - 1}d")(x[0], **self.changed("eps", "affine"))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        return attributes(module, f"InstanceNorm{len(x) - 1}d", "eps", "affine")

    cases: ClassVar = (
        Case((6, 28, 28)),
        Case((6, 28, 28), affine=True),
        Case((6, 28, 28), eps=1e-3),
        Case((6, 28), affine=True),
        Case((2, 5, 6, 7)),
    )
    refused: ClassVar = (Case((6, 1, 1)), Case((6, 1)), Case((6, 1, 1, 1)))


class LocalResponseNorm(Layer):
    """Each value divided by a measure of its neighbours in nearby channels (Krizhevsky et al., 2012)."""

    type: ClassVar = "local_response_norm"
    family: ClassVar = "normalization"
    main: ClassVar = "size"
    example: ClassVar = "local_response_norm: 5"
    synonyms: ClassVar = ("lrn", "localresponsenorm", "localresponsenormalization", "crossmapnorm")

    size: Count = Field(description="number of neighbouring channels, the value's own among them")
    alpha: float = Field(1e-4, description="factor of the neighbours' mean square")
    beta: float = Field(0.75, description="exponent of the divisor")
    k: float = Field(1.0, description="number that the divisor begins with")

    def output_shape(self, x: Shape) -> Shape:
        spatial_rank(x, self.type)
        return x

    def kept(self, x: Shape) -> Kept:
        """The squares with zeros around their channels, the divisor, and the divisor before the exponent."""
        squares = (x[0] + self.size - 1) * volume(x[1:])
        return Kept(input=True, more=(squares + 2 * volume(x)) * FLOAT_BYTES)

    def build(self, nn: Any, x: Shape) -> Any:  # noqa: ARG002  # the contract's signature
        return nn.LocalResponseNorm(self.size, **self.changed("alpha", "beta", "k"))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        return attributes(module, "LocalResponseNorm", *cls.model_fields)

    cases: ClassVar = (
        Case((6, 28, 28), size=5),
        Case((6, 28, 28), size=2, alpha=1e-3, beta=0.5, k=2),
        Case((6, 28, 28), size=9),
        Case((6, 28), size=3),
        Case((2, 5, 6, 7), size=1),
    )
    refused: ClassVar = (Case((120,), size=5),)
