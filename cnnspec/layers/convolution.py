"""Convolution: a small window of weights slides over the input."""

import math
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from cnnspec.layers.base import Case, Kept, Layer, attributes, per_axis, spatial_rank, torch_size
from cnnspec.layers.fields import ConvPadding, Count, FillMode, Sizes
from cnnspec.layers.groups import check_groups
from cnnspec.layers.window import check_fill, check_fit, kept_copy, padded
from cnnspec.shape import Shape, Window


class Kernels(Layer):
    """What all learned convolutions share: filters of one size, which see the channels of their group."""

    family: ClassVar = "convolution"
    places: ClassVar[str] = "output size"
    """Each place of the input or output at which a filter's weights are multiplied once."""
    copies: ClassVar = True

    kernel: Sizes = Field(description="size of the window, f")
    stride: Sizes = Field(1, description="step of the window, s")
    padding: ConvPadding = Field(
        0, description="zeros added on each side, p; `same` keeps the size, `valid` is 0"
    )
    dilation: Sizes = Field(1, description="distance between the window's inputs, d")
    bias: bool = Field(True, description="whether each filter adds a learned number")

    def split(self, channels: int) -> tuple[int, int]:
        """Return filters and groups for a number of input channels."""
        raise NotImplementedError

    def axes(self, rank: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Return kernel, stride and dilation on each axis; raises RuleError."""
        kernel, stride, dilation = (
            per_axis(getattr(self, f), rank, f) for f in ("kernel", "stride", "dilation")
        )
        return kernel, stride, dilation

    def params(self, x: Shape) -> int:
        filters, groups = self.split(x[0])
        kernel: int = math.prod(per_axis(self.kernel, len(x) - 1, "kernel"))
        return filters * (x[0] // groups * kernel + self.bias)

    def params_formula(self, x: Shape) -> tuple[str, str]:
        filters, groups = self.split(x[0])
        size = "·".join(str(f) for f in per_axis(self.kernel, len(x) - 1, "kernel"))
        letters = "·".join("f" * (len(x) - 1))
        per_group = "channels" if groups == 1 else "channels/groups"
        words, numbers = f"{letters}·{per_group}", f"{size}·{x[0] // groups}"
        if self.bias:
            words, numbers = f"({words} + 1)", f"({numbers} + 1)"
        return f"{words}·filters", f"{numbers}·{filters}"

    def counted(self, x: Shape) -> Shape:
        """Return the size of what `places` names."""
        return self.output_shape(x)[1:]

    def macs(self, x: Shape) -> int:
        filters, groups = self.split(x[0])
        kernel: int = math.prod(per_axis(self.kernel, len(x) - 1, "kernel"))
        return filters * (x[0] // groups) * kernel * math.prod(self.counted(x))

    def macs_formula(self, x: Shape) -> tuple[str, str]:
        filters, groups = self.split(x[0])
        rank = len(x) - 1
        size = "·".join(str(f) for f in per_axis(self.kernel, rank, "kernel"))
        counted = "·".join(map(str, self.counted(x)))
        per_group = "channels" if groups == 1 else "channels/groups"
        words = f"{'·'.join('f' * rank)}·{per_group}·filters·{self.places}"
        return words, f"{size}·{x[0] // groups}·{filters}·{counted}"

    def module(self, x: Shape, make: Any, *names: str) -> Any:
        """Return what a constructor of torch makes of the filters and the named fields."""
        filters, groups = self.split(x[0])
        options = self.changed("stride", "padding", "dilation", "bias", *names)
        if groups != 1:
            options["groups"] = groups
        return make(x[0], filters, torch_size(self.kernel), **{k: torch_size(v) for k, v in options.items()})

    @classmethod
    def read_kernels(cls, module: Any, name: str, *names: str) -> dict[str, Any] | None:
        """Return the named fields, and those that all have, of torch's module of the class `name`."""
        fields = attributes(module, name, "stride", "padding", "dilation", *names, kernel_size="kernel")
        return fields and fields | {"bias": module.bias is not None}


class FilterBank(Layer):
    """The number of filters; a base of its own, so that it stands first among the fields."""

    filters: Count = Field(description="number of filters, and so of output channels")


class _Convolution(Kernels):
    """What `conv` and `depthwise_conv` share: everything but where filters and groups come from."""

    padding_mode: FillMode = Field("zeros", description="what the padding is filled with")

    @model_validator(mode="after")
    def _same_needs_stride_1(self) -> Self:
        if self.padding == "same" and torch_size(self.stride) != 1:
            why = "with a stride the output cannot be as large as the input"
            fix = "Use a number, such as half the kernel, or stride 1"
            what = "`padding: same` goes with stride 1 only"
            raise PydanticCustomError(
                "rule", "not allowed", {"sentence": what, "why": why, "fix": fix, "at": "padding"}
            )
        return self

    def windows(self, x: Shape) -> tuple[Window, ...]:
        kernel, stride, dilation = self.axes(spatial_rank(x, self.type))
        padding, extra = padded(self.padding, kernel, dilation)
        axes = zip(x[1:], kernel, stride, padding, dilation, extra, strict=True)
        return tuple(Window(n, f, s, p, d, extra=e) for n, f, s, p, d, e in axes)

    def output_shape(self, x: Shape) -> Shape:
        windows = self.windows(x)
        filters, groups = self.split(x[0])
        check_groups(groups, channels=x[0], filters=filters)
        check_fit(windows, x)
        check_fill(self.padding_mode, windows, x)
        return (filters, *(w.output for w in windows))

    def kept(self, x: Shape) -> Kept:
        windows = self.windows(x)
        if self.padding_mode != "zeros":
            return kept_copy(self.padding_mode, (x[0], *(w.n + 2 * w.p + w.extra for w in windows)))
        if any(w.extra for w in windows):  # torch pads both sides alike, so the rest goes before
            return kept_copy("zeros", (x[0], *(w.n + w.extra for w in windows)))
        return self.keeps

    def build(self, nn: Any, x: Shape) -> Any:
        return self.module(x, getattr(nn, f"Conv{len(x) - 1}d"), "padding_mode")

    @classmethod
    def read_convolution(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        """Return the fields that both have of torch's module; None for one of another class."""
        return cls.read_kernels(module, f"Conv{len(x) - 1}d", "padding_mode")


class Conv(_Convolution, FilterBank):
    """Convolution with `filters` learned filters: each slides over all channels and makes one of its own."""

    type: ClassVar = "conv"
    example: ClassVar = "conv: {filters: 6, kernel: 5}"
    synonyms: ClassVar = ("conv1d", "conv2d", "conv3d", "convolution", "convolution2d")

    groups: Count = Field(1, description="parts that channels and filters are split into, each on its own")

    def split(self, channels: int) -> tuple[int, int]:  # noqa: ARG002  # the contract's signature
        return self.filters, self.groups

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        fields = cls.read_convolution(module, x)
        if fields is None or module.groups == module.in_channels > 1:
            return None  # depthwise_conv says it better
        return fields | {"filters": module.out_channels, "groups": module.groups}

    cases: ClassVar = (
        Case((1, 32, 32), filters=6, kernel=5),
        Case((6, 14, 14), filters=16, kernel=5, bias=False),
        Case((3, 7, 9), filters=4, kernel=[3, 2]),
        Case((3, 7, 9), filters=4, kernel=3, stride=[2, 3]),
        Case((3, 224, 224), filters=8, kernel=7, stride=2, padding=3, bias=False),
        Case((4, 8, 8), filters=8, kernel=3, padding=1, groups=2),
        Case((4, 8, 8), filters=8, kernel=3, padding=1, groups=4),
        Case((4, 9, 9), filters=6, kernel=3, stride=2, dilation=2, padding=2, groups=2),
        Case((2, 10, 12), filters=3, kernel=[1, 5], padding=[0, 2], dilation=[1, 2]),
        Case((2, 10, 12), filters=3, kernel=4, padding="same"),
        Case((2, 10, 12), filters=3, kernel=[3, 2], padding="same", dilation=2),
        Case((2, 10, 12), filters=3, kernel=3, padding="valid", stride=3),
        Case((2, 6, 6), filters=3, kernel=3, padding=2, padding_mode="reflect"),
        Case((2, 6, 6), filters=3, kernel=3, padding=6, padding_mode="circular"),
        Case((2, 6, 6), filters=3, kernel=3, padding=7, padding_mode="replicate", stride=2),
        Case((5, 1, 1), filters=7, kernel=1),
        Case((5, 3, 3), filters=7, kernel=9, padding=3),
        Case((1, 100), filters=4, kernel=9, stride=4),
        Case((8, 33), filters=4, kernel=3, padding=1, dilation=5, groups=4, bias=False),
        Case((2, 20), filters=2, kernel=6, padding="same"),
        Case((1, 8, 9, 10), filters=4, kernel=3),
        Case((2, 8, 9, 10), filters=4, kernel=[1, 3, 5], stride=[1, 2, 3], padding=[0, 1, 2], groups=2),
        Case((2, 5, 5, 5), filters=2, kernel=3, padding="same", dilation=[1, 2, 1]),
        Case((2, 5, 5, 5), filters=2, kernel=2, dilation=3, stride=2, padding=1),
    )
    refused: ClassVar = (
        Case((1, 2, 2), filters=6, kernel=5),
        Case((3, 8, 8), filters=6, kernel=3, groups=2),
        Case((4, 8, 8), filters=6, kernel=3, groups=4),
        Case((1, 8, 8), filters=6, kernel=3, stride=2, padding="same"),
        Case((1, 5, 5), filters=1, kernel=3, padding=5, padding_mode="reflect"),
        Case((1, 5, 5), filters=1, kernel=3, padding=6, padding_mode="circular"),
        Case((1, 4, 4), filters=1, kernel=3, dilation=2),
        Case((1, 8, 8), filters=1, kernel=[3, 3, 5]),
    )


class DepthwiseConv(_Convolution):
    """Convolution that keeps channels apart: `multiplier` filters for each channel, seeing that one only."""

    type: ClassVar = "depthwise_conv"
    main: ClassVar = "kernel"
    example: ClassVar = "depthwise_conv: {kernel: 3, padding: 1}"
    synonyms: ClassVar = ("depthwiseconv2d", "dwconv", "depthwise")

    multiplier: Count = Field(1, description="filters for each channel")

    def split(self, channels: int) -> tuple[int, int]:
        return channels * self.multiplier, channels

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        fields = cls.read_convolution(module, x)
        if fields is None or not module.groups == module.in_channels > 1:
            return None
        return fields | {"multiplier": module.out_channels // module.in_channels}

    cases: ClassVar = (
        Case((4, 8, 8), kernel=3),
        Case((4, 8, 8), kernel=3, padding=1, multiplier=2),
        Case((6, 9, 7), kernel=[3, 5], padding=[1, 2], stride=2, bias=False),
        Case((1, 9, 9), kernel=3, multiplier=4),
        Case((6, 9, 9), kernel=3, dilation=2, padding="same"),
        Case((6, 9, 9), kernel=3, padding=1, padding_mode="circular"),
        Case((8, 50), kernel=7, stride=3, padding=3),
        Case((3, 6, 6, 6), kernel=3, padding=1, multiplier=3),
    )
    refused: ClassVar = (Case((4, 3, 3), kernel=5),)
