"""Image filters: fixed windows of numbers, as image programs have them."""

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, GetJsonSchemaHandler, PlainValidator
from pydantic_core import CoreSchema

from cnnspec.errors import RuleError, one_of, shown
from cnnspec.layers.base import FLOAT_BYTES, Case, Kept, Layer, attributes
from cnnspec.layers.fields import ConvPadding, FillMode, is_number, refuse
from cnnspec.layers.window import check_fill, check_fit, kept_copy, padded
from cnnspec.shape import Shape, Window, times

Matrix = tuple[float, ...] | tuple[tuple[float, ...], ...]

FilterName = Literal[
    "prewitt_x", "prewitt_y", "sobel_x", "sobel_y", "laplacian", "gaussian", "box", "sharpen"
]

FILTERS: dict[str, Matrix] = {
    "prewitt_x": ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
    "prewitt_y": ((-1, -1, -1), (0, 0, 0), (1, 1, 1)),
    "sobel_x": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    "sobel_y": ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    "laplacian": ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
    "gaussian": ((1 / 16, 1 / 8, 1 / 16), (1 / 8, 1 / 4, 1 / 8), (1 / 16, 1 / 8, 1 / 16)),
    "box": ((1 / 9, 1 / 9, 1 / 9), (1 / 9, 1 / 9, 1 / 9), (1 / 9, 1 / 9, 1 / 9)),
    "sharpen": ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
}
"""The filters with a name. An x filter sees changes from left to right, a y filter from top to bottom."""


class _MatrixSchema:
    """The JSON Schema of a filter: a name, a list of numbers, or a list of rows."""

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        row = {"type": "array", "items": {"type": "number"}, "minItems": 1}
        return {"anyOf": [{"enum": list(FILTERS)}, row, {"type": "array", "items": row, "minItems": 1}]}


def _matrix(value: Any) -> Any:
    """Validate a filter: a name, a list of numbers, or a list of rows of equal length."""
    if isinstance(value, str) and value in FILTERS:
        return value
    if not isinstance(value, (list, tuple)) or not value:
        refuse(value, f"it must be {one_of(FILTERS)}, or a matrix such as [[-1, 0, 1]]")
    if not any(isinstance(row, (list, tuple)) for row in value):
        return _row(value)
    for row in value:
        if not isinstance(row, (list, tuple)) or not row or len(row) != len(value[0]):
            refuse(value, "a matrix is a list of rows, all with the same number of values")
    return tuple(_row(row) for row in value)


def _row(values: Any) -> tuple[float, ...]:
    for value in values:
        if not is_number(value):
            refuse(value, "each value of a filter must be a number")
    return tuple(values)


Filter = Annotated[FilterName | Matrix, PlainValidator(_matrix), _MatrixSchema()]
"""A filter's name, a list of numbers, or a matrix as a list of rows."""


class ImageFilter(Layer):
    """A fixed filter that is not trained, such as an edge filter, applied to every channel on its own."""

    type: ClassVar = "image_filter"
    family: ClassVar = "convolution"
    main: ClassVar = "kernel"
    example: ClassVar = "image_filter: sobel_x"
    synonyms: ClassVar = ("filter", "sobel", "prewitt", "edge_filter", "fixed_conv", "blur", "gaussian_blur")
    copies: ClassVar = True

    kernel: Filter = Field(description=f"{', '.join(FILTERS)}, or a matrix")
    padding: ConvPadding = Field(
        "same", description="values added on each side, p; `same` keeps the size, `valid` is 0"
    )
    padding_mode: FillMode = Field(
        "replicate", description="what the padding is filled with; zeros would look like an edge"
    )

    @property
    def matrix(self) -> Matrix:
        """The filter's numbers."""
        return FILTERS[self.kernel] if isinstance(self.kernel, str) else self.kernel

    def sizes(self) -> tuple[int, ...]:
        """Return the filter's size on each axis."""
        first = self.matrix[0]
        return (len(self.matrix), len(first)) if isinstance(first, tuple) else (len(self.matrix),)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        kernel = self.sizes()
        if len(x) not in (2, 3):
            what = f"image_filter needs channels of 1 or 2 dimensions, but gets {times(x)}"
            fix = "Move image_filter before `flatten`" if len(x) == 1 else "Use conv"
            raise RuleError(what, "", fix)
        if len(kernel) != len(x) - 1:
            what = f"the kernel of {{layer}} has {_dimensions(kernel)}, but the input {times(x)} has "
            what += _dimensions(x[1:])
            fix = "Give a list of numbers, such as [-1, 0, 1]"
            if len(x) == 3:
                fix = f"Give a list of rows: {shown([self.matrix])}"
            raise RuleError(what, "", fix, "kernel")
        padding, extra = padded(self.padding, kernel, (1,) * len(kernel))
        axes = zip(x[1:], kernel, padding, extra, strict=True)
        return tuple(Window(n, f, p=p, extra=e) for n, f, p, e in axes)

    def output_shape(self, x: Shape) -> Shape:
        windows = self.windows(x)
        check_fit(windows, x)
        check_fill(self.padding_mode, windows, x)
        return (x[0], *(w.output for w in windows))

    def kept(self, x: Shape) -> Kept:
        return kept_copy(self.padding_mode, (x[0], *(w.n + 2 * w.p + w.extra for w in self.windows(x))))

    def buffers(self, x: Shape) -> int:
        return x[0] * math.prod(self.sizes()) * FLOAT_BYTES

    def macs(self, x: Shape) -> int:
        return math.prod(self.sizes()) * math.prod(self.output_shape(x))

    def macs_formula(self, x: Shape) -> tuple[str, str]:
        kernel = self.sizes()
        words = f"{'·'.join('f' * len(kernel))}·channels·output size"
        return words, "·".join(map(str, (*kernel, *self.output_shape(x))))

    def build(self, nn: Any, x: Shape) -> Any:
        return nn.ImageFilter(x[0], self.matrix, **self.changed("padding", "padding_mode"))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        fields = attributes(module, "ImageFilter", "padding", "padding_mode")
        named = (name for name, matrix in FILTERS.items() if fields and matrix == module.kernel)
        return fields and fields | {"kernel": next(named, module.kernel)}

    cases: ClassVar = (
        Case((1, 28, 28), kernel="sobel_x"),
        Case((3, 28, 30), kernel="sobel_y"),
        Case((3, 28, 30), kernel="prewitt_x", padding=0),
        Case((3, 28, 30), kernel="prewitt_y", padding=[0, 2]),
        Case((3, 28, 30), kernel="laplacian", padding="valid"),
        Case((3, 28, 30), kernel="gaussian", padding_mode="reflect"),
        Case((3, 28, 30), kernel="box", padding=2, padding_mode="zeros"),
        Case((3, 28, 30), kernel="sharpen", padding_mode="circular"),
        Case((2, 9, 9), kernel=[[1, 0, -1]]),
        Case((2, 9, 9), kernel=[[0.25, 0.25], [0.25, 0.25]]),
        Case((2, 9, 9), kernel=[[1], [0], [-1], [2]], padding=0),
        Case((2, 9), kernel=[-1, 0, 1]),
        Case((2, 9), kernel=[0.5, 0.5], padding_mode="zeros"),
    )
    refused: ClassVar = (
        Case((1, 2, 2), kernel="sobel_x", padding=0),
        Case((1, 2, 2), kernel="sobel_x", padding=2, padding_mode="reflect"),
        Case((1, 2, 2), kernel="sobel_x", padding=3, padding_mode="circular"),
        Case((1, 9), kernel="sobel_x"),
        Case((1, 9, 9), kernel=[1, 2, 1]),
        Case((9,), kernel=[1, 2, 1]),
        Case((1, 4, 4, 4), kernel="box"),
    )


def _dimensions(shape: Shape) -> str:
    return "1 dimension" if len(shape) == 1 else f"{len(shape)} dimensions"
