"""What the tensors of the traced code are: feature maps that come out of an operation, or a view of them."""

import math
from dataclasses import dataclass, field, replace

from torch import fx

from cnnspec.importing import layout
from cnnspec.importing.graph import Op
from cnnspec.importing.layout import Dims
from cnnspec.importing.trace import BATCH
from cnnspec.shape import Shape


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Memory of feature maps, or of some of their channels."""

    root: object = field(default_factory=object)
    start: int = 0
    stop: int | None = None

    def part(self, start: int, stop: int) -> "Memory":
        """Return the memory of some of the channels."""
        return Memory(self.root, self.start + start, self.start + stop)

    def touches(self, other: "Memory") -> bool:
        """Tell whether a change of one changes the other."""
        apart = (self.stop is not None and self.stop <= other.start) or (
            other.stop is not None and other.stop <= self.start
        )
        return self.root is other.root and not apart


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor of the traced code: what comes out of an operation, its axes moved about.

    `stretched` tells that axes of size 1 are larger here, as after ``expand``.
    """

    op: Op
    dims: Dims
    memory: Memory = field(default_factory=Memory)
    stretched: bool = False

    @property
    def sizes(self) -> Shape:
        """Sizes of the feature maps, with the batch."""
        return (BATCH, *self.op.shape)

    @property
    def shape(self) -> Shape:
        """Sizes of the tensor as the code has it, before it is stretched, with the batch."""
        return tuple(math.prod(digit.size for digit in dim) for dim in self.dims)

    @property
    def axes(self) -> tuple[int, ...] | None:
        """The axis of the feature maps that each dimension is; None where they are no whole axes."""
        return layout.axes(self.dims, self.sizes)

    def viewed(self, dims: Dims) -> "Value":
        """Return another view of the same memory."""
        return replace(self, dims=dims)

    def after(self, op: Op) -> "Value":
        """Return what comes out of another operation, its axes in the order that they have here."""
        axes = self.axes
        assert axes is not None
        whole = layout.plain((BATCH, *op.shape))
        return Value(op, tuple(whole[axis] for axis in axes))


def plain(op: Op) -> Value:
    """Return what comes out of an operation, as it is."""
    return Value(op, layout.plain((BATCH, *op.shape)))


@dataclass(frozen=True, slots=True)
class Stale:
    """Stands for a tensor whose memory has been changed through another view of it."""

    changed_by: fx.Node
