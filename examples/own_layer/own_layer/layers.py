"""The layer as a spec knows it, without torch."""

from typing import Any, ClassVar

from pydantic import Field

from cnnspec.errors import RuleError
from cnnspec.layers import Case, Kept, Layer
from cnnspec.shape import Shape


class Maxout(Layer):
    """The largest of every few channels that follow each other (Goodfellow et al., 2013)."""

    type: ClassVar = "maxout"
    family: ClassVar = "activation"
    main: ClassVar = "pieces"
    example: ClassVar = "maxout: 2"
    keeps: ClassVar = Kept(input=True, output=True)
    cases: ClassVar = (Case((6, 8, 8), pieces=2), Case((120,), pieces=4))
    refused: ClassVar = (Case((6, 8, 8), pieces=4),)

    pieces: int = Field(ge=1, description="channels of which the largest is left")

    def output_shape(self, x: Shape) -> Shape:
        if x[0] % self.pieces:
            raise RuleError(f"{self.pieces} pieces do not divide the {x[0]} channels of {{layer}}")
        return (x[0] // self.pieces, *x[1:])

    def build(self, nn: Any, x: Shape) -> Any:
        return nn.imported("own_layer.modules").Maxout(self.pieces)
