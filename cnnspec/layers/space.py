"""Space: more values, or zeros around them, without anything to learn."""

import math
from fractions import Fraction
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from cnnspec.errors import RuleError
from cnnspec.layers.base import NO_FORMULA, Case, Kept, Layer, attributes, per_axis, spatial_rank, torch_size
from cnnspec.layers.fields import Count, Factors, Margins, Sizes
from cnnspec.shape import Reach, Shape, times

MODES = {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}
"""The modes of upsampling between neighbours, by the number of axes; the others go with any number."""

SEEN = {"nearest": 1, "nearest-exact": 1, "bicubic": 4}
"""Neighbours along an axis that a value is made of; the other modes take 2."""


class Upsample(Layer):
    """Upsampling: the same picture in more (or fewer) values, copied or between neighbours."""

    type: ClassVar = "upsample"
    family: ClassVar = "channels and space"
    main: ClassVar = "scale"
    example: ClassVar = "upsample: {scale: 2, mode: bilinear}"
    synonyms: ClassVar = ("interpolate", "resize", "upsampling2d", "unpool")
    keeps: ClassVar = Kept()

    scale: Factors | None = Field(None, description="what each size is multiplied by")
    size: Sizes | None = Field(None, description="size of the output, instead of scale")
    mode: Literal["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear"] = Field(
        "nearest", description="nearest copies; linear, bilinear, bicubic or trilinear is for 1, 2, 2, 3 axes"
    )
    align_corners: bool = Field(
        False, description="whether the corners' values stay in the corners; not for nearest"
    )

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.scale is None) == (self.size is None):
            what = "upsample needs `scale` or `size`" if self.scale is None else "upsample has scale and size"
            fix = "Add `scale: 2`, say" if self.scale is None else "Remove one of them"
            where = {} if self.scale is None else {"at": "size"}
            why = "one of them tells how large the output is"
            raise PydanticCustomError(
                "rule", "not allowed", {"sentence": what, "why": why, "fix": fix, **where}
            )
        if self.align_corners and self.mode.startswith("nearest"):
            what, why = f"align_corners does not go with {self.mode}", "nothing is between copies"
            fix = "Use another mode, or leave it out"
            raise PydanticCustomError(
                "rule", "not allowed", {"sentence": what, "why": why, "fix": fix, "at": "align_corners"}
            )
        return self

    def output_shape(self, x: Shape) -> Shape:
        rank = spatial_rank(x, self.type)
        modes = ("nearest", "nearest-exact", *MODES[rank])
        if self.mode not in modes:
            axes = "1 axis" if rank == 1 else f"{rank} axes"
            what = f"mode {self.mode} does not fit the {times(x)} input of {{layer}}, which has {axes}"
            raise RuleError(what, "", f"Use {MODES[rank][0]}", "mode")
        if self.size is not None:
            return (x[0], *per_axis(self.size, rank, "size"))
        scales = per_axis(self.scale, rank, "scale")
        sizes = tuple(math.floor(n * s) for n, s in zip(x[1:], scales, strict=True))
        if 0 in sizes:
            what = f"scale {scales[sizes.index(0)]} leaves nothing of the {times(x[1:])} input of {{layer}}"
            fix = f"Use scale ≥ 1/{x[1 + sizes.index(0)]}, or drop a pool"
            raise RuleError(what, "the output would be empty", fix, "scale")
        return (x[0], *sizes)

    def size_formulas(self, x: Shape) -> tuple[tuple[str, str], ...]:
        if self.scale is None:
            return ()
        formulas = [NO_FORMULA]
        for n, scale in zip(x[1:], per_axis(self.scale, len(x) - 1, "scale"), strict=True):
            words, numbers = "n·scale", f"{n}·{scale}"
            whole = n * scale == math.floor(n * scale)
            formulas.append((words, numbers) if whole else (f"⌊{words}⌋", f"⌊{numbers}⌋"))
        return tuple(formulas)

    def reach(self, x: Shape) -> tuple[Reach, ...]:
        sizes = zip(x[1:], self.output_shape(x)[1:], strict=True)
        neighbours = SEEN.get(self.mode, 2)
        return tuple(Reach(1 if n == size else neighbours, Fraction(n, size)) for n, size in sizes)

    def build(self, nn: Any, x: Shape) -> Any:  # noqa: ARG002  # the contract's signature
        options = self.changed("size", "mode", "align_corners", scale_factor="scale")
        return nn.Upsample(**{k: torch_size(v) for k, v in options.items()})

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        fields = attributes(module, "Upsample", "size", "mode", "align_corners", scale_factor="scale")
        return fields and fields | {"align_corners": bool(fields["align_corners"])}

    cases: ClassVar = (
        Case((6, 7, 7), scale=2),
        Case((6, 7, 9), scale=[1, 3]),
        Case((6, 7, 9), scale=1.5),
        Case((6, 7, 9), scale=[0.5, 2.25]),
        Case((6, 7, 9), size=[14, 5]),
        Case((6, 7, 7), size=14, mode="bilinear"),
        Case((6, 7, 7), scale=2, mode="bilinear", align_corners=True),
        Case((6, 7, 7), scale=2, mode="bicubic"),
        Case((6, 7, 7), scale=2, mode="nearest-exact"),
        Case((6, 7), scale=2),
        Case((6, 7), size=9, mode="linear"),
        Case((2, 3, 4, 5), scale=2),
        Case((2, 3, 4, 5), scale=[1, 2, 3], mode="trilinear", align_corners=True),
    )
    refused: ClassVar = (
        Case((6, 7, 7)),
        Case((6, 7, 7), scale=2, size=14),
        Case((6, 7, 7), scale=2, align_corners=True),
        Case((6, 7, 7), scale=0.1),
        Case((6, 7, 7), scale=[2, 2, 3]),
        Case((6, 7, 7), size=[2, 2, 3]),
        Case((6, 7), scale=2, mode="bilinear"),
        Case((6, 7, 7), scale=2, mode="trilinear"),
        Case((6, 7, 7), scale=0),
        Case((120,), scale=2),
    )


class ZeroPad(Layer):
    """Zeros around each channel."""

    type: ClassVar = "zero_pad"
    family: ClassVar = "channels and space"
    main: ClassVar = "padding"
    example: ClassVar = "zero_pad: 1"
    synonyms: ClassVar = ("zeropad2d", "zeropadding2d", "pad", "padding", "constantpad2d")
    keeps: ClassVar = Kept()

    padding: Margins = Field(
        description="zeros on each side; per axis a number, or [before, after]: [[0, 1], [0, 1]]"
    )

    def margins(self, rank: int) -> tuple[tuple[int, int], ...]:
        """Return the zeros before and after, on each axis."""
        each = per_axis(self.padding, rank, "padding")
        return tuple(m if isinstance(m, tuple) else (m, m) for m in each)

    def output_shape(self, x: Shape) -> Shape:
        margins = self.margins(spatial_rank(x, self.type))
        return (x[0], *(n + before + after for n, (before, after) in zip(x[1:], margins, strict=True)))

    def size_formulas(self, x: Shape) -> tuple[tuple[str, str], ...]:
        margins = self.margins(len(x) - 1)
        return (
            NO_FORMULA,
            *(
                ("n + 2p", f"{n} + 2·{before}")
                if before == after
                else ("n + before + after", f"{n} + {before} + {after}")
                for n, (before, after) in zip(x[1:], margins, strict=True)
            ),
        )

    def build(self, nn: Any, x: Shape) -> Any:
        margins = self.margins(len(x) - 1)
        # torch begins with the last axis
        sides = tuple(side for margin in reversed(margins) for side in margin)
        return getattr(nn, f"ZeroPad{len(x) - 1}d")(torch_size(sides))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:
        if attributes(module, f"ZeroPad{len(x) - 1}d") is None:
            return None
        sides = iter(module.padding)
        margins = [torch_size(margin) for margin in zip(sides, sides, strict=True)][::-1]
        return {"padding": torch_size(tuple(margins)) if isinstance(margins[0], int) else tuple(margins)}

    cases: ClassVar = (
        Case((6, 7, 9), padding=1),
        Case((6, 7, 9), padding=0),
        Case((6, 7, 9), padding=[1, 2]),
        Case((6, 7, 9), padding=[[0, 1], [2, 3]]),
        Case((6, 7, 9), padding=[1, [0, 2]]),
        Case((6, 9), padding=2),
        Case((6, 9), padding=[[0, 1]]),
        Case((2, 3, 4, 5), padding=[1, [2, 0], 3]),
    )
    refused: ClassVar = (Case((6,), padding=1),)


class PixelShuffle(Layer):
    """Channels become space: of factor² channels, one that is factor times as large (Shi et al., 2016)."""

    type: ClassVar = "pixel_shuffle"
    family: ClassVar = "channels and space"
    main: ClassVar = "factor"
    example: ClassVar = "pixel_shuffle: 2"
    synonyms: ClassVar = ("pixelshuffle", "depth_to_space", "subpixel")
    keeps: ClassVar = Kept()

    factor: Count = Field(description="what height and width are multiplied by")

    def output_shape(self, x: Shape) -> Shape:
        if len(x) != 3:
            what = f"pixel_shuffle needs channels of height and width, but gets {times(x)}"
            fix = "Move pixel_shuffle before `flatten`" if len(x) == 1 else "Use upsample"
            raise RuleError(what, "", fix)
        square = self.factor**2
        if x[0] % square:
            what = f"factor {self.factor} of {{layer}} does not fit its {x[0]} channels"
            why = f"{square} of them become one"
            near = max(1, round(x[0] / square)) * square
            raise RuleError(what, why, f"Give it a multiple of {square}, such as {near}", "factor")
        return (x[0] // square, x[1] * self.factor, x[2] * self.factor)

    def size_formulas(self, x: Shape) -> tuple[tuple[str, str], ...]:
        r = self.factor
        sides = (("n·factor", f"{n}·{r}") for n in x[1:])
        return (("channels/(factor·factor)", f"{x[0]}/({r}·{r})"), *sides)

    def reach(self, x: Shape) -> tuple[Reach, ...]:
        return (Reach(step=Fraction(1, self.factor)),) * (len(x) - 1)

    def build(self, nn: Any, x: Shape) -> Any:  # noqa: ARG002  # the contract's signature
        return nn.PixelShuffle(self.factor)

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        return attributes(module, "PixelShuffle", upscale_factor="factor")

    cases: ClassVar = (
        Case((8, 7, 7), factor=2),
        Case((9, 4, 5), factor=3),
        Case((6, 4, 5), factor=1),
    )
    refused: ClassVar = (Case((6, 7, 7), factor=2), Case((4,), factor=2))
