"""Pooling: a window slides over each channel and keeps one number of what it sees."""

from fractions import Fraction
from typing import Any, ClassVar

from pydantic import Field

from cnnspec.errors import RuleError
from cnnspec.layers.base import (
    INDEX_BYTES,
    Case,
    Kept,
    Layer,
    attributes,
    per_axis,
    spatial_rank,
    torch_size,
)
from cnnspec.layers.fields import Padding, Sizes
from cnnspec.layers.window import check_fit
from cnnspec.shape import Reach, Shape, Window, times, volume


class _Pool(Layer):
    """What `maxpool` and `avgpool` share."""

    family: ClassVar = "pooling"
    main: ClassVar = "kernel"
    torch_name: ClassVar[str]

    kernel: Sizes = Field(description="size of the window, f")
    stride: Sizes | None = Field(
        None, description="step of the window, s; as large as the kernel if not given"
    )
    padding: Padding = Field(0, description="padding on each side, p; at most half the kernel")
    ceil_mode: bool = Field(False, description="round the output size up, not down")

    def resolved(self) -> dict[str, Any]:
        fields = self.model_dump()  # every field in its place, also a stride not given
        return fields | {"stride": fields["kernel"] if self.stride is None else fields["stride"]}

    def spacing(self, rank: int) -> tuple[int, ...]:
        """Return the dilation on each axis."""
        return (1,) * rank

    def windows(self, x: Shape) -> tuple[Window, ...]:
        rank = spatial_rank(x, self.type)
        kernel = per_axis(self.kernel, rank, "kernel")
        stride = kernel if self.stride is None else per_axis(self.stride, rank, "stride")
        axes = zip(
            x[1:], kernel, stride, per_axis(self.padding, rank, "padding"), self.spacing(rank), strict=True
        )
        return tuple(Window(n, f, s, p, d, self.ceil_mode) for n, f, s, p, d in axes)

    def output_shape(self, x: Shape) -> Shape:
        windows = self.windows(x)
        for window in windows:
            if window.p > window.f // 2:
                what = f"padding {window.p} is more than half the kernel of {{layer}}, {window.f}"
                why = "a window could see padding only"
                raise RuleError(what, why, f"Use padding ≤ {window.f // 2}", "padding")
        check_fit(windows, x, most_padding=min(w.f // 2 for w in windows))
        return (x[0], *(w.output for w in windows))

    def build(self, nn: Any, x: Shape) -> Any:
        names = [name for name in type(self).model_fields if name != "kernel"]
        options = {k: torch_size(v) for k, v in self.changed(*names).items()}
        return getattr(nn, f"{self.torch_name}{len(x) - 1}d")(torch_size(self.kernel), **options)

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        names = [name for name in cls.model_fields if name != "kernel"]
        fields = attributes(module, f"{cls.torch_name}{len(x) - 1}d", *names, kernel_size="kernel")
        if fields and fields["stride"] == fields["kernel"]:
            fields["stride"] = None
        return fields


class MaxPool(_Pool):
    """Max pooling: the largest value in each window."""

    type: ClassVar = "maxpool"
    torch_name: ClassVar = "MaxPool"
    example: ClassVar = "maxpool: {kernel: 2, stride: 2}"
    synonyms: ClassVar = ("max_pool", "maxpool2d", "maxpooling2d", "pool", "max_pooling")

    dilation: Sizes = Field(1, description="distance between the window's inputs, d")

    def spacing(self, rank: int) -> tuple[int, ...]:
        return per_axis(self.dilation, rank, "dilation")

    def kept(self, x: Shape) -> Kept:
        return _with_indices(self.output_shape(x))

    cases: ClassVar = (
        Case((6, 28, 28), kernel=2),
        Case((6, 28, 28), kernel=2, stride=2),
        Case((6, 28, 28), kernel=3, stride=2),
        Case((6, 28, 28), kernel=3, stride=2, ceil_mode=True),
        Case((6, 28, 28), kernel=3, stride=1, dilation=2),
        Case((6, 10, 10), kernel=1, stride=2, ceil_mode=True),
        Case((2, 10, 11), kernel=[2, 3], stride=[3, 1], padding=[1, 0]),
        Case((2, 10, 11), kernel=3, stride=2, padding=1, ceil_mode=True),
        Case((2, 10, 11), kernel=4, stride=3, padding=2, ceil_mode=True),
        Case((2, 10, 11), kernel=2, stride=5, padding=1, ceil_mode=True),
        Case((2, 10, 11), kernel=3, stride=4, padding=1, dilation=2, ceil_mode=True),
        Case((2, 10, 11), kernel=3, dilation=[2, 3]),
        Case((2, 2, 2), kernel=3, stride=2, ceil_mode=True),
        Case((2, 112, 112), kernel=3, stride=2, padding=1),
        Case((2, 1, 1), kernel=1),
        Case((2, 5, 5), kernel=5, padding=2, stride=1),
        Case((4, 21), kernel=2),
        Case((4, 21), kernel=3, stride=2, padding=1, ceil_mode=True),
        Case((4, 21), kernel=3, dilation=4),
        Case((2, 7, 8, 9), kernel=2),
        Case((2, 7, 8, 9), kernel=[1, 2, 3], stride=[2, 1, 2], padding=[0, 1, 1], ceil_mode=True),
        Case((2, 7, 8, 9), kernel=3, dilation=[1, 2, 3], stride=2),
        Case((2, 2, 2, 1), kernel=2, padding=1),
    )
    refused: ClassVar = (
        Case((6, 28, 28), kernel=2, padding=2),
        Case((6, 28, 28), kernel=3, padding=2),
        Case((6, 2, 2), kernel=3),
        Case((6, 4, 4), kernel=3, dilation=2),
    )


class AvgPool(_Pool):
    """Average pooling: the mean of each window."""

    type: ClassVar = "avgpool"
    torch_name: ClassVar = "AvgPool"
    example: ClassVar = "avgpool: 2"
    synonyms: ClassVar = ("avg_pool", "avgpool2d", "averagepooling2d", "average_pool", "meanpool")

    count_include_pad: bool = Field(True, description="whether the mean counts the padding's zeros")

    def output_shape(self, x: Shape) -> Shape:
        output = super().output_shape(x)
        for window in self.windows(x):
            if len(x) == 4 and window.f > window.n:
                what = f"kernel {window.f} does not fit the {times(x[1:])} input of {{layer}}"
                why = "PyTorch's 3-D average pooling takes no window larger than its input, padded or not"
                raise RuleError(what, why, f"Use kernel ≤ {window.n}", "kernel")
        return output

    cases: ClassVar = (
        Case((6, 28, 28), kernel=2),
        Case((6, 28, 28), kernel=3, stride=2),
        Case((6, 28, 28), kernel=3, stride=2, ceil_mode=True),
        Case((6, 10, 10), kernel=1, stride=2, ceil_mode=True),
        Case((6, 10, 10), kernel=2, stride=1, padding=1),
        Case((6, 10, 10), kernel=2, stride=1, padding=1, count_include_pad=False),
        Case((2, 10, 11), kernel=[2, 3], stride=[3, 1], padding=[1, 0]),
        Case((2, 10, 11), kernel=[2, 3], padding=1, ceil_mode=True),
        Case((2, 10, 11), kernel=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
        Case((2, 10, 11), kernel=4, stride=3, padding=2, ceil_mode=True),
        Case((2, 10, 11), kernel=2, stride=5, padding=1, ceil_mode=True),
        Case((2, 10, 11), kernel=5, stride=[1, 4]),
        Case((2, 2, 2), kernel=3, stride=2, ceil_mode=True),
        Case((2, 35, 35), kernel=3, stride=1, padding=1),
        Case((2, 7, 7), kernel=7),
        Case((2, 1, 1), kernel=1),
        Case((4, 21), kernel=2),
        Case((4, 21), kernel=3, stride=2, padding=1, ceil_mode=True),
        Case((4, 21), kernel=4, stride=1, padding=2, count_include_pad=False),
        Case((2, 7, 8, 9), kernel=2),
        Case((2, 7, 8, 9), kernel=[1, 2, 3], stride=[2, 1, 2], padding=[0, 1, 1], ceil_mode=True),
        Case((2, 7, 8, 9), kernel=3, stride=1, padding=1, count_include_pad=False),
    )
    refused: ClassVar = (
        Case((2, 2, 2, 1), kernel=2, padding=1),
        Case((2, 2, 2, 2), kernel=3, stride=2, ceil_mode=True),
        Case((6, 28, 28), kernel=2, padding=2),
        Case((6, 28, 28), kernel=3, padding=2),
        Case((6, 2, 2), kernel=3),
    )


class _AdaptivePool(Layer):
    """What `adaptive_avgpool` and `adaptive_maxpool` share."""

    family: ClassVar = "pooling"
    main: ClassVar = "output_size"
    torch_name: ClassVar[str]

    output_size: Sizes = Field(description="size of the output")

    def output_shape(self, x: Shape) -> Shape:
        return (x[0], *per_axis(self.output_size, spatial_rank(x, self.type), "output_size"))

    def reach(self, x: Shape) -> tuple[Reach, ...] | None:
        sizes = self.output_shape(x)[1:]
        if set(sizes) == {1}:
            return None
        return tuple(Reach(_widest(n, size), Fraction(n, size)) for n, size in zip(x[1:], sizes, strict=True))

    def build(self, nn: Any, x: Shape) -> Any:
        return getattr(nn, f"{self.torch_name}{len(x) - 1}d")(torch_size(self.output_size))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        fields = attributes(module, f"{cls.torch_name}{len(x) - 1}d", "output_size")
        return None if fields == {"output_size": 1} else fields  # the global pools say it better

    cases: ClassVar = (
        Case((6, 28, 28), output_size=6),
        Case((6, 28, 30), output_size=[1, 7]),
        Case((6, 3, 3), output_size=7),
        Case((6, 29), output_size=4),
        Case((2, 5, 6, 7), output_size=[1, 2, 3]),
    )
    refused: ClassVar = (Case((6, 28, 28), output_size=[1, 2, 3]), Case((120,), output_size=2))


class AdaptiveAvgPool(_AdaptivePool):
    """Average pooling to a given output size, whatever the input's: the window is chosen to fit."""

    type: ClassVar = "adaptive_avgpool"
    torch_name: ClassVar = "AdaptiveAvgPool"
    example: ClassVar = "adaptive_avgpool: 6"
    synonyms: ClassVar = ("adaptiveavgpool2d", "adaptive_avg_pool", "adaptive_pool")

    def kept(self, x: Shape) -> Kept:
        return Kept(input=set(self.output_shape(x)[1:]) != {1})  # to one value, torch takes the mean


class AdaptiveMaxPool(_AdaptivePool):
    """Max pooling to a given output size, whatever the input's: the window is chosen to fit."""

    type: ClassVar = "adaptive_maxpool"
    torch_name: ClassVar = "AdaptiveMaxPool"
    example: ClassVar = "adaptive_maxpool: 6"
    synonyms: ClassVar = ("adaptivemaxpool2d", "adaptive_max_pool")

    def kept(self, x: Shape) -> Kept:
        return _with_indices(self.output_shape(x))


class _GlobalPool(Layer):
    """What `global_avgpool` and `global_maxpool` share."""

    family: ClassVar = "pooling"
    torch_name: ClassVar[str]

    def output_shape(self, x: Shape) -> Shape:
        return (x[0], *(1,) * spatial_rank(x, self.type))

    def reach(self, x: Shape) -> None:  # noqa: ARG002  # it sees all of any input
        return None

    def build(self, nn: Any, x: Shape) -> Any:
        return getattr(nn, f"{self.torch_name}{len(x) - 1}d")(1)

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        fields = attributes(module, f"{cls.torch_name}{len(x) - 1}d", "output_size")
        return {} if fields == {"output_size": 1} else None

    cases: ClassVar = (Case((6, 28, 28)), Case((6, 1, 1)), Case((6, 29)), Case((2, 5, 6, 7)))
    refused: ClassVar = (Case((120,)),)


class GlobalAvgPool(_GlobalPool):
    """Global average pooling: the mean of each channel, which leaves 1×1 of space."""

    type: ClassVar = "global_avgpool"
    torch_name: ClassVar = "AdaptiveAvgPool"
    example: ClassVar = "global_avgpool"
    synonyms: ClassVar = (
        "global_avg_pool",
        "gap",
        "globalaveragepooling2d",
        "global_pool",
        "global_average_pool",
    )
    keeps: ClassVar = Kept()


class GlobalMaxPool(_GlobalPool):
    """Global max pooling: the largest value of each channel, which leaves 1×1 of space."""

    type: ClassVar = "global_maxpool"
    torch_name: ClassVar = "AdaptiveMaxPool"
    example: ClassVar = "global_maxpool"
    synonyms: ClassVar = ("global_max_pool", "gmp", "globalmaxpooling2d")

    def kept(self, x: Shape) -> Kept:
        return _with_indices(self.output_shape(x))


def _with_indices(output: Shape) -> Kept:
    """Return what max pooling keeps: its input, and where in it each maximum was."""
    return Kept(input=True, more=INDEX_BYTES * volume(output))


def _widest(n: int, size: int) -> int:
    """Return the largest window of n inputs that are dealt out to `size` outputs."""
    return max(-(-(i + 1) * n // size) - i * n // size for i in range(size))
