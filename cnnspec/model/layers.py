"""The modules of layers that torch.nn lacks. Inputs are (N, C, …), with any number of spatial axes."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor, nn


class ChannelLayerNorm(nn.Module):
    """Layer normalization over the channels at each place: (N, C, …) → (N, C, …)."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.channels, self.eps = channels, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized values, each channel scaled and shifted."""
        last = x.movedim(1, -1)
        y = F.layer_norm(last, (self.channels,), self.weight, self.bias, self.eps)
        return y.movedim(-1, 1)

    def extra_repr(self) -> str:
        """Return the arguments, as torch's modules do."""
        return f"{self.channels}, eps={self.eps}"


class LayerScale(nn.Module):
    """A learned factor for each channel: (N, C, …) → (N, C, …); `shape` is (C, 1, …)."""

    def __init__(self, shape: Sequence[int], init: float = 1e-6) -> None:
        super().__init__()
        self.init = init
        self.scale = nn.Parameter(torch.full(tuple(shape), float(init)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the values times their channel's factor."""
        return x * self.scale

    def extra_repr(self) -> str:
        """Return the arguments, as torch's modules do."""
        return f"{tuple(self.scale.shape)}, init={self.init}"


class DropPath(nn.Module):
    """Stochastic depth: in training, a sample is 0 with probability p, the others are divided by 1 − p."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Return the samples that are kept, and 0 for the others."""
        if not self.training or self.p == 0:
            return x
        kept = x.new_empty(x.shape[0], *(1,) * (x.ndim - 1)).bernoulli_(1 - self.p)
        return x * kept if self.p == 1 else x * kept.div_(1 - self.p)

    def extra_repr(self) -> str:
        """Return the arguments, as torch's modules do."""
        return f"p={self.p}"


class ChannelSlice(nn.Module):
    """Channels `start` up to `stop`: (N, C, …) → (N, stop − start, …)."""

    def __init__(self, start: int = 0, stop: int | None = None) -> None:
        super().__init__()
        self.start, self.stop = start, stop

    def forward(self, x: Tensor) -> Tensor:
        """Return these channels."""
        return x[:, self.start : self.stop]

    def extra_repr(self) -> str:
        """Return the arguments, as torch's modules do."""
        return f"start={self.start}, stop={self.stop}"


class ImageFilter(nn.Module):
    """One fixed filter on each channel: (N, C, H, W) → (N, C, H', W'), or the same of length L.

    The filter is a buffer that is not saved: the spec has its numbers.
    """

    weight: Tensor

    def __init__(
        self,
        channels: int,
        kernel: Sequence[float] | Sequence[Sequence[float]],
        padding: int | Sequence[int] | Literal["same", "valid"] = "same",
        padding_mode: str = "replicate",
    ) -> None:
        super().__init__()
        self.channels, self.kernel = channels, kernel
        self.padding, self.padding_mode = padding, padding_mode
        weight = torch.tensor(kernel, dtype=torch.get_default_dtype())
        weight = weight.repeat(channels, 1, *(1,) * weight.ndim)
        self.register_buffer("weight", weight, persistent=False)

    @property
    def sides(self) -> list[int]:
        """The padding before and after, last axis first, as F.pad takes it."""
        kernel = self.weight.shape[2:]
        if self.padding == "same":
            pairs = [((f - 1) // 2, f // 2) for f in kernel]
        elif isinstance(self.padding, (int, str)):
            side = 0 if isinstance(self.padding, str) else self.padding
            pairs = [(side, side) for _ in kernel]
        else:
            pairs = [(p, p) for p in self.padding]
        return [side for pair in reversed(pairs) for side in pair]

    def forward(self, x: Tensor) -> Tensor:
        """Return each channel filtered."""
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        padded = F.pad(x, self.sides, mode)
        convolve = F.conv1d if self.weight.ndim == 3 else F.conv2d
        return convolve(padded, self.weight, groups=self.channels)

    def extra_repr(self) -> str:
        """Return the arguments, as torch's modules do."""
        size = "×".join(map(str, self.weight.shape[2:]))
        padding = f"padding={self.padding!r}, padding_mode={self.padding_mode!r}"
        return f"{self.channels}, {size}, {padding}"


class Abs(nn.Module):
    """Absolute values, of any shape."""

    def forward(self, x: Tensor) -> Tensor:
        """Return |x|."""
        return x.abs()


class Square(nn.Module):
    """Values squared, of any shape."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x²."""
        return x.square()


class Sqrt(nn.Module):
    """Square roots, of any shape."""

    def forward(self, x: Tensor) -> Tensor:
        """Return √x, which is NaN where x is below 0."""
        return x.sqrt()
