"""Normalization: values brought to mean 0 and variance 1, then scaled and shifted as learned."""

from typing import Any, ClassVar

from pydantic import Field

from cnnspec.layers.base import Case, Layer
from cnnspec.layers.fields import Probability
from cnnspec.shape import Shape


class BatchNorm(Layer):
    """Batch normalization of each channel, over the batch and space (Ioffe & Szegedy, 2015)."""

    type: ClassVar = "batchnorm"
    family: ClassVar = "normalization"
    example: ClassVar = "batchnorm"
    synonyms: ClassVar = ("bn", "batch_norm", "batchnorm2d", "batchnormalization")

    eps: float = Field(1e-5, gt=0, description="added to the variance, against division by zero")
    momentum: Probability = Field(
        0.1, description="share of the newest batch in the running mean and variance"
    )
    affine: bool = Field(True, description="whether to scale and shift each channel as learned")

    def output_shape(self, x: Shape) -> Shape:
        return x

    def params(self, x: Shape) -> int:
        return 2 * x[0] if self.affine else 0

    def params_formula(self, x: Shape) -> tuple[str, str]:
        return ("2·channels", f"2·{x[0]}") if self.affine else ("", "")

    def build(self, nn: Any, x: Shape) -> Any:
        options = self.changed("eps", "momentum", "affine")
        return getattr(nn, f"BatchNorm{max(1, len(x) - 1)}d")(x[0], **options)

    cases: ClassVar = (
        Case((6, 28, 28)),
        Case((6, 28, 28), affine=False),
        Case((6, 28, 28), eps=1e-3, momentum=0.01),
        Case((6, 28)),
        Case((2, 5, 6, 7)),
        Case((120,)),
    )
