"""Shapes and the window arithmetic of convolution and pooling: integers only, written once."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

Shape = tuple[int, ...]
"""The size of one sample, channels first: (C,), (C, L), (C, H, W) or (C, D, H, W)."""

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""Names of the spatial axes, by their number."""


class Reach(NamedTuple):
    """Inputs along an axis that an output sees at most, and the inputs from one output's to the next's."""

    size: int = 1
    step: int | Fraction = 1


@dataclass(frozen=True, slots=True)
class Window:
    """A window sliding along one axis, in the letters of a textbook.

    n input size, f window (kernel) size, s stride, p padding on each side, d dilation;
    `ceil` rounds the number of steps up, as PyTorch's ``ceil_mode`` does; `extra` is padding
    on the far side only, which ``padding: same`` needs for windows of even span.
    """

    n: int
    f: int
    s: int = 1
    p: int = 0
    d: int = 1
    ceil: bool = False
    extra: int = 0

    @property
    def room(self) -> int:
        """How far the window can slide: n + 2p − d(f − 1) − 1."""
        return self.n + 2 * self.p + self.extra - self.span

    @property
    def span(self) -> int:
        """Inputs from the first to the last that the dilated window touches: d(f − 1) + 1."""
        return self.d * (self.f - 1) + 1

    @property
    def reach(self) -> Reach:
        """What one output sees of the inputs."""
        return Reach(self.span, self.s)

    @property
    def output(self) -> int:
        """Number of places the window takes; 0 or less where it does not fit.

        floor((n + 2p − d(f − 1) − 1) / s) + 1, see Dumoulin & Visin, "A guide to convolution
        arithmetic for deep learning" (2016), and the shape notes of ``torch.nn.MaxPool2d``.
        """
        if not self.ceil:
            return self.room // self.s + 1
        return self._ceil_places - 1 if self.drops_last else self._ceil_places

    @property
    def drops_last(self) -> bool:
        """Whether ceil_mode leaves its last window out: it would start in the far padding."""
        return self.ceil and (self._ceil_places - 1) * self.s >= self.n + self.p

    @property
    def _ceil_places(self) -> int:
        return -(-self.room // self.s) + 1

    def formula(self) -> tuple[str, str]:
        """Return the formula in letters and with this window's numbers, without the result."""
        extra = (" + 1", f" + {self.extra}") if self.extra else ("", "")
        size = ("f", f"{self.f}") if self.d == 1 else ("d(f − 1) − 1", f"{self.d}·({self.f} − 1) − 1")
        letters = f"(n + 2p{extra[0]} − {size[0]})/s"
        numbers = f"({self.n} + 2·{self.p}{extra[1]} − {size[1]})/{self.s}"
        if self.room % self.s:
            left, right = "⌈⌉" if self.ceil else "⌊⌋"
            letters, numbers = f"{left}{letters}{right}", f"{left}{numbers}{right}"
        return (letters, numbers) if self.drops_last else (f"{letters} + 1", f"{numbers} + 1")

    def reach_formula(self) -> tuple[str, str]:
        """Return what the reach's size is larger than one by, in letters and in numbers."""
        if self.d == 1:
            return "(f − 1)", f"({self.f} − 1)"
        return "d(f − 1)", f"{self.d}·({self.f} − 1)"

    def step_formula(self, j: int | Fraction) -> tuple[str, str]:
        """Return the step between outputs where that between inputs is j, in letters and in numbers."""
        return "j·s", f"{j}·{self.s}"


@dataclass(frozen=True, slots=True)
class TransposedWindow(Window):
    """A window of a transposed convolution along one axis, which spreads each input over the output.

    The letters are those of the convolution that it turns round: s is the step in the output,
    p is cut off each of its sides, and `extra` is added on the far one.
    """

    @property
    def reach(self) -> Reach:
        """What one output sees of the inputs: those whose spread windows cover it."""
        common = math.gcd(self.s, self.d)  # of a window's values, every (s/common)th meets one place
        values = -(-self.f * common // self.s)
        return Reach((values - 1) * self.d // common + 1, Fraction(1, self.s))

    def reach_formula(self) -> tuple[str, str]:
        """Return what the reach's size is larger than one by, in letters and in numbers."""
        return "(k − 1)", f"({self.reach.size} − 1)"

    def step_formula(self, j: int | Fraction) -> tuple[str, str]:
        """Return the step between outputs where that between inputs is j, in letters and in numbers."""
        return "j/s", f"{_factor(j)}/{self.s}"

    @property
    def output(self) -> int:
        """Size of the output: (n − 1)s − 2p + d(f − 1) + 1 + extra, as in ``torch.nn.ConvTranspose2d``."""
        return (self.n - 1) * self.s - 2 * self.p + self.span + self.extra

    def formula(self) -> tuple[str, str]:
        """Return the formula in letters and with this window's numbers, without the result."""
        size = ("f", f"{self.f}") if self.d == 1 else ("d(f − 1) + 1", f"{self.d}·({self.f} − 1) + 1")
        extra = (" + output_padding", f" + {self.extra}") if self.extra else ("", "")
        letters = f"(n − 1)s − 2p + {size[0]}{extra[0]}"
        return letters, f"({self.n} − 1)·{self.s} − 2·{self.p} + {size[1]}{extra[1]}"


def _factor(number: int | Fraction) -> str:
    """Return a number as what can be divided or multiplied."""
    return f"{number}" if number == int(number) else f"({number})"


def volume(shape: Shape) -> int:
    """Return the number of values in a shape."""
    return math.prod(shape)


def times(shape: Shape) -> str:
    """Return a shape as people write it: ``6×28×28``."""
    return "×".join(map(str, shape))
