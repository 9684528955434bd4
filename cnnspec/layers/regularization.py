"""Regularization: noise in training that keeps a network from learning by heart."""

from typing import Any, ClassVar

from pydantic import Field

from cnnspec.layers.base import FLOAT_BYTES, Case, Kept, Layer, attributes, spatial_rank
from cnnspec.layers.fields import Probability
from cnnspec.shape import Shape, volume


class Dropout(Layer):
    """Dropout: each value is set to 0 with probability p while training (Srivastava et al., 2014)."""

    type: ClassVar = "dropout"
    family: ClassVar = "regularization"
    main: ClassVar = "p"
    example: ClassVar = "dropout: 0.5"

    p: Probability = Field(0.5, description="probability of a value to be dropped")

    def output_shape(self, x: Shape) -> Shape:
        return x

    def build(self, nn: Any, x: Shape) -> Any:  # noqa: ARG002  # the contract's signature
        return nn.Dropout(**self.changed("p"))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        return attributes(module, "Dropout", "p")

    def kept(self, x: Shape) -> Kept:
        return Kept(more=volume(x) * FLOAT_BYTES)  # which values stay, and their factor

    def is_view(self, x: Shape) -> bool:  # noqa: ARG002  # the contract's signature
        return self.p == 0

    cases: ClassVar = (Case((6, 28, 28)), Case((120,), p=0.2), Case((6, 28), p=0))


class ChannelDropout(Layer):
    """Dropout of whole channels, as neighbours in one tell the same (Tompson et al., 2015)."""

    type: ClassVar = "channel_dropout"
    family: ClassVar = "regularization"
    main: ClassVar = "p"
    example: ClassVar = "channel_dropout: 0.2"
    synonyms: ClassVar = ("dropout1d", "dropout2d", "dropout3d", "spatial_dropout", "spatialdropout2d")

    p: Probability = Field(0.5, description="probability of a channel to be dropped")

    def output_shape(self, x: Shape) -> Shape:
        spatial_rank(x, self.type)
        return x

    def build(self, nn: Any, x: Shape) -> Any:
        return getattr(nn, f"Dropout{len(x) - 1}d")(**self.changed("p"))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        return attributes(module, f"Dropout{len(x) - 1}d", "p")

    def kept(self, x: Shape) -> Kept:
        return Kept(more=x[0] * FLOAT_BYTES)

    def is_view(self, x: Shape) -> bool:  # noqa: ARG002  # the contract's signature
        return self.p == 0

    cases: ClassVar = (Case((6, 28, 28)), Case((6, 28, 28), p=0.2), Case((6, 28), p=1), Case((2, 3, 4, 5)))
    refused: ClassVar = (Case((6, 28, 28), p=1.5),)


class DropPath(Layer):
    """Stochastic depth: whole samples are set to 0 with probability p while training (Huang et al., 2016)."""

    type: ClassVar = "drop_path"
    family: ClassVar = "regularization"
    main: ClassVar = "p"
    example: ClassVar = "drop_path: 0.1"
    synonyms: ClassVar = ("stochastic_depth", "stochasticdepth", "droppath", "drop_connect")

    p: Probability = Field(description="probability of a sample to be dropped")

    def output_shape(self, x: Shape) -> Shape:
        return x

    def build(self, nn: Any, x: Shape) -> Any:  # noqa: ARG002  # the contract's signature
        return nn.DropPath(self.p)

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        return attributes(module, "DropPath", "p")

    keeps: ClassVar = Kept(more=FLOAT_BYTES)

    def is_view(self, x: Shape) -> bool:  # noqa: ARG002  # the contract's signature
        return self.p == 0

    cases: ClassVar = (
        Case((6, 28, 28), p=0.2),
        Case((6, 28), p=0),
        Case((2, 3, 4, 5), p=1),
        Case((120,), p=0.5),
    )
