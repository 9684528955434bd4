"""Channels: mixed, cut out, or scaled."""

from typing import Any, ClassVar

from pydantic import Field

from cnnspec.errors import RuleError
from cnnspec.layers.base import NO_FORMULA, Case, Kept, Layer, attributes, spatial_rank
from cnnspec.layers.fields import Count, Position
from cnnspec.layers.groups import check_groups
from cnnspec.shape import Shape


class ChannelShuffle(Layer):
    """Channels of all groups mixed, so that the next groups have some of each (Zhang et al., 2017)."""

    type: ClassVar = "channel_shuffle"
    family: ClassVar = "channels and space"
    main: ClassVar = "groups"
    example: ClassVar = "channel_shuffle: 2"
    synonyms: ClassVar = ("channelshuffle", "shuffle")
    keeps: ClassVar = Kept()

    groups: Count = Field(description="groups that the channels are dealt out of, one after the other")

    def output_shape(self, x: Shape) -> Shape:
        spatial_rank(x, self.type)
        check_groups(self.groups, channels=x[0])
        return x

    def build(self, nn: Any, x: Shape) -> Any:  # noqa: ARG002  # the contract's signature
        return nn.ChannelShuffle(self.groups)

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        return attributes(module, "ChannelShuffle", "groups")

    cases: ClassVar = (
        Case((6, 7, 7), groups=2),
        Case((6, 7, 7), groups=6),
        Case((6, 7), groups=3),
        Case((4, 3, 4, 5), groups=2),
    )
    refused: ClassVar = (Case((6, 7, 7), groups=4), Case((6,), groups=2))


class ChannelSlice(Layer):
    """Some of the channels, from `start` up to but without `stop`, as Python slices."""

    type: ClassVar = "channel_slice"
    family: ClassVar = "channels and space"
    example: ClassVar = "channel_slice: {start: 0, stop: 2}"
    synonyms: ClassVar = ("slice", "narrow", "crop_channels")

    start: Position = Field(0, description="first channel, from 0; from the end if negative")
    stop: Position | None = Field(
        None, description="first channel left out; from the end if negative; all to the last if not given"
    )

    def output_shape(self, x: Shape) -> Shape:
        for field, position in (("start", self.start), ("stop", self.stop)):
            if position is not None and not -x[0] <= position <= x[0]:
                what = f"{field} {position} of {{layer}} is beyond its {x[0]} channels"
                raise RuleError(what, "", f"Use {-x[0]} to {x[0]}", field)
        start, stop = self.bounds(x)
        if start >= stop:
            what = f"{{layer}} leaves none of the {x[0]} channels"
            why = f"channel {start} is not before channel {stop}"
            raise RuleError(what, why, "Use a start that is less than stop", "start")
        return (stop - start, *x[1:])

    def bounds(self, x: Shape) -> tuple[int, int]:
        """Return start and stop, both counted from the first channel."""
        return slice(self.start, self.stop).indices(x[0])[:2]

    def size_formulas(self, x: Shape) -> tuple[tuple[str, str], ...]:
        start, stop = self.bounds(x)
        return (("stop − start", f"{stop} − {start}"), *(NO_FORMULA for _ in x[1:]))

    def build(self, nn: Any, x: Shape) -> Any:  # noqa: ARG002  # the contract's signature
        return nn.ChannelSlice(**self.changed("start", "stop"))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        return attributes(module, "ChannelSlice", "start", "stop")

    def is_view(self, x: Shape) -> bool:  # noqa: ARG002  # the contract's signature
        return True

    cases: ClassVar = (
        Case((6, 7, 7), stop=2),
        Case((6, 7, 7), start=2),
        Case((6, 7, 7), start=1, stop=5),
        Case((6, 7, 7), start=-2),
        Case((6, 7), start=-4, stop=-1),
        Case((2, 3, 4, 5), start=1),
        Case((120,), stop=60),
        Case((6, 7, 7)),
    )


class LayerScale(Layer):
    """Each channel times a learned factor that starts small (Touvron et al., 2021)."""

    type: ClassVar = "layer_scale"
    family: ClassVar = "channels and space"
    main: ClassVar = "init"
    example: ClassVar = "layer_scale"
    synonyms: ClassVar = ("layerscale", "gamma")

    init: float = Field(1e-6, description="what the factors start from")

    def output_shape(self, x: Shape) -> Shape:
        return x

    def params(self, x: Shape) -> int:
        return x[0]

    def params_formula(self, x: Shape) -> tuple[str, str]:
        return "channels", f"{x[0]}"

    def build(self, nn: Any, x: Shape) -> Any:
        return nn.LayerScale((x[0], *(1,) * (len(x) - 1)), **self.changed("init"))

    @classmethod
    def read(cls, module: Any, x: Shape) -> dict[str, Any] | None:  # noqa: ARG003  # as build
        return attributes(module, "LayerScale", "init")

    cases: ClassVar = (
        Case((6, 7, 7)),
        Case((6, 7, 7), init=0.1),
        Case((6, 7)),
        Case((2, 3, 4, 5)),
        Case((120,)),
    )
