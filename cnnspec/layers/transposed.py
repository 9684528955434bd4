"""Transposed convolution: a convolution's sizes turned round, so that the output is the larger."""

from typing import Any, ClassVar

from pydantic import Field

from cnnspec.errors import RuleError
from cnnspec.layers.base import Case, per_axis, spatial_rank
from cnnspec.layers.convolution import FilterBank, Kernels
from cnnspec.layers.fields import Count, Padding
from cnnspec.layers.groups import check_groups
from cnnspec.shape import Shape, TransposedWindow


class ConvTranspose(Kernels, FilterBank):
    """Transposed convolution: each input adds its multiple of a learned window to the output."""

    type: ClassVar = "conv_transpose"
    example: ClassVar = "conv_transpose: {filters: 6, kernel: 2, stride: 2}"
    synonyms: ClassVar = (
        "convtranspose1d",
        "convtranspose2d",
        "convtranspose3d",
        "conv2d_transpose",
        "transposed_conv",
        "deconv",
        "deconvolution",
        "upconv",
    )
    places: ClassVar = "input size"

    padding: Padding = Field(0, description="what is cut off each side of the output, p")
    output_padding: Padding = Field(0, description="what is added to the output's far side")
    groups: Count = Field(1, description="parts that channels and filters are split into, each on its own")

    def split(self, channels: int) -> tuple[int, int]:  # noqa: ARG002  # the contract's signature
        return self.filters, self.groups

    def windows(self, x: Shape) -> tuple[TransposedWindow, ...]:
        rank = spatial_rank(x, self.type)
        kernel, stride, dilation = self.axes(rank)
        padding, extra = (
            per_axis(getattr(self, field), rank, field) for field in ("padding", "output_padding")
        )
        axes = zip(x[1:], kernel, stride, padding, dilation, extra, strict=True)
        return tuple(TransposedWindow(n, f, s, p, d, extra=e) for n, f, s, p, d, e in axes)

    def output_shape(self, x: Shape) -> Shape:
        windows = self.windows(x)
        check_groups(self.groups, channels=x[0], filters=self.filters)
        for window in windows:
            if window.extra >= max(window.s, window.d):
                what = f"output_padding {window.extra} of {{layer}} is too much"
                why = f"it must be less than stride {window.s} or dilation {window.d}"
                fix = f"Use output_padding ≤ {max(window.s, window.d) - 1}, or a larger stride"
                raise RuleError(what, why, fix, "output_padding")
            if window.output < 1:
                what = f"padding {window.p} cuts off all of the output of {{layer}}"
                most = (window.output + 2 * window.p - 1) // 2
                why = f"it would be {window.output + 2 * window.p} long"
                raise RuleError(what, why, f"Use padding ≤ {most}", "padding")
        return (self.filters, *(w.output for w in windows))

    def counted(self, x: Shape) -> Shape:
        return x[1:]

    def build(self, nn: Any, x: Shape) -> Any:
        return self.module(x, getattr(nn, f"ConvTranspose{len(x) - 1}d"), "output_padding")

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        fields = cls.read_kernels(module, f"ConvTranspose{len(x) - 1}d", "output_padding", "groups")
        return fields and fields | {"filters": module.out_channels}

    cases: ClassVar = (
        Case((8, 7, 7), filters=4, kernel=2, stride=2),
        Case((8, 7, 7), filters=4, kernel=2, stride=2, bias=False),
        Case((8, 7, 7), filters=4, kernel=3),
        Case((8, 7, 7), filters=4, kernel=3, stride=2, padding=1),
        Case((8, 7, 7), filters=4, kernel=3, stride=2, padding=1, output_padding=1),
        Case((8, 7, 7), filters=4, kernel=4, stride=2, padding=1),
        Case((3, 5, 9), filters=2, kernel=[3, 4], stride=[1, 3], padding=[0, 1], output_padding=[0, 2]),
        Case((3, 5, 9), filters=2, kernel=3, dilation=2),
        Case((3, 5, 9), filters=2, kernel=3, dilation=[1, 3], padding=[1, 3]),
        Case((3, 5, 9), filters=2, kernel=3, dilation=3, output_padding=2),
        Case((4, 6, 6), filters=8, kernel=3, stride=2, groups=2),
        Case((4, 6, 6), filters=4, kernel=3, stride=2, groups=4, bias=False),
        Case((6, 1, 1), filters=5, kernel=4),
        Case((6, 1, 1), filters=5, kernel=1),
        Case((6, 4, 4), filters=5, kernel=1, stride=3),
        Case((2, 9), filters=3, kernel=4, stride=2, padding=1),
        Case((2, 9), filters=4, kernel=3, stride=3, output_padding=2, groups=2, bias=False),
        Case((2, 9), filters=1, kernel=5, dilation=2, padding=3),
        Case((2, 3, 4, 5), filters=3, kernel=2, stride=2),
        Case((2, 3, 4, 5), filters=2, kernel=[1, 2, 3], stride=[2, 1, 3], padding=[0, 0, 1], groups=2),
        Case((2, 3, 4, 5), filters=2, kernel=3, stride=2, padding=1, output_padding=1),
    )
    refused: ClassVar = (
        Case((3, 8, 8), filters=6, kernel=3, groups=2),
        Case((4, 8, 8), filters=6, kernel=3, groups=4),
        Case((1, 8, 8), filters=2, kernel=3, output_padding=1),
        Case((1, 8, 8), filters=2, kernel=3, stride=2, output_padding=2),
        Case((1, 2, 2), filters=2, kernel=3, padding=3),
        Case((1, 8, 8), filters=2, kernel=[3, 3, 5]),
        Case((4,), filters=2, kernel=3),
    )
