"""Regularization: noise in training that keeps a network from learning by heart."""

from typing import Any, ClassVar

from pydantic import Field

from cnnspec.layers.base import Case, Layer
from cnnspec.layers.fields import Probability
from cnnspec.shape import Shape


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

    cases: ClassVar = (Case((6, 28, 28)), Case((120,), p=0.2), Case((6, 28), p=0))
