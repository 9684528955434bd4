"""Dense layers, and the step from feature maps to them."""

from typing import Any, ClassVar

from pydantic import Field

from cnnspec.errors import RuleError
from cnnspec.layers.base import Case, Layer, attributes
from cnnspec.layers.fields import Count
from cnnspec.shape import AXES, Shape, times, volume


class Flatten(Layer):
    """All values of the feature maps in one row, channel after channel."""

    type: ClassVar = "flatten"
    family: ClassVar = "dense"
    example: ClassVar = "flatten"

    def output_shape(self, x: Shape) -> Shape:
        return (volume(x),)

    def size_formulas(self, x: Shape) -> tuple[tuple[str, str], ...]:
        if len(x) == 1:
            return ()
        return (("·".join(("channels", *AXES[len(x) - 1])), "·".join(map(str, x))),)

    def is_view(self, x: Shape) -> bool:  # noqa: ARG002  # the contract's signature
        return True

    def reach(self, x: Shape) -> None:  # noqa: ARG002  # what it puts in a row has no places any more
        return None

    def build(self, nn: Any, x: Shape) -> Any:  # noqa: ARG002  # the contract's signature
        return nn.Flatten()

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        return attributes(module, "Flatten")

    cases: ClassVar = (Case((16, 5, 5)), Case((16, 5)), Case((2, 3, 4, 5)), Case((10,)))


class Fc(Layer):
    """Fully connected layer: every unit sees every value of a flat input."""

    type: ClassVar = "fc"
    family: ClassVar = "dense"
    main: ClassVar = "units"
    example: ClassVar = "fc: 120"
    synonyms: ClassVar = ("linear", "dense", "fully_connected", "full")

    units: Count = Field(description="number of units, and so of output values")
    bias: bool = Field(True, description="whether each unit adds a learned number")

    def output_shape(self, x: Shape) -> Shape:
        if len(x) != 1:
            raise RuleError(f"fc needs a flat input, but gets {times(x)}", "", "Put `- flatten` before it")
        return (self.units,)

    def params(self, x: Shape) -> int:
        return self.units * (x[0] + self.bias)

    def params_formula(self, x: Shape) -> tuple[str, str]:
        words, numbers = ("(inputs + 1)", f"({x[0]} + 1)") if self.bias else ("inputs", f"{x[0]}")
        return f"{words}·units", f"{numbers}·{self.units}"

    def macs(self, x: Shape) -> int:
        return self.units * x[0]

    def macs_formula(self, x: Shape) -> tuple[str, str]:
        return "inputs·units", f"{x[0]}·{self.units}"

    def build(self, nn: Any, x: Shape) -> Any:
        return nn.Linear(x[0], self.units, **self.changed("bias"))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        fields = attributes(module, "Linear", out_features="units")
        return fields and fields | {"bias": module.bias is not None}

    def reach(self, x: Shape) -> None:  # noqa: ARG002  # it sees all of any input
        return None

    cases: ClassVar = (
        Case((400,), units=120),
        Case((400,), units=120, bias=False),
        Case((1,), units=1),
    )
    refused: ClassVar = (Case((16, 5, 5), units=120),)
