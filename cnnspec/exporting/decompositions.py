"""Operations that ONNX, or torch's exporter to it, does not have, made of ones that it has."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor

Reduce = Callable[[Tensor, int], Tensor]


def adaptive_maxpool(x: Tensor, output_size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return the largest value of each cell, and zeros for where they were, which no network asks for."""
    y = _pooled(x, output_size, lambda part, axis: part.amax(axis, keepdim=True))
    return y, torch.zeros_like(y, dtype=torch.int64)


def adaptive_avgpool(x: Tensor, output_size: Sequence[int]) -> Tensor:
    """Return the mean of each cell."""
    return _pooled(x, output_size, lambda part, axis: part.mean(axis, keepdim=True))


def conv_transpose(  # noqa: PLR0917  # the signature is torch's
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    output_padding: Sequence[int] = (0,),
    groups: int = 1,
    dilation: Sequence[int] = (1,),
) -> Any:
    """Return the transposed convolution where ONNX has it not: an output padding as large as the stride.

    The result without any padding is cropped before and after; where the output padding is the larger of
    the two, zeros come after it.
    """
    rank = x.ndim - 2
    strides, paddings, after = (
        [*values] * (rank // len(values)) for values in (stride, padding, output_padding)
    )
    if all(more < step for more, step in zip(after, strides, strict=True)):
        return NotImplemented
    function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
    whole = function(x, weight, None, stride, 0, 0, groups, dilation)
    sides = [(-p, more - p) for p, more in zip(paddings, after, strict=True)]
    y = F.pad(whole, [side for pair in reversed(sides) for side in pair])
    return y if bias is None else y + bias.view(-1, *(1,) * rank)


def _pooled(x: Tensor, output_size: Sequence[int], reduce: Reduce) -> Tensor:
    """Return each cell reduced, axis after axis: of n values, cell i of m has ⌊in/m⌋ up to ⌈(i + 1)n/m⌉."""
    for axis, cells in enumerate(output_size, start=x.ndim - len(output_size)):
        n = x.shape[axis]
        if n == cells:
            continue
        bounds = [(i * n // cells, -(-(i + 1) * n // cells)) for i in range(cells)]
        x = torch.cat([reduce(x.narrow(axis, first, last - first), axis) for first, last in bounds], axis)
    return x


_ATEN = torch.ops.aten

TABLE: dict[Any, Callable[..., Any]] = {
    _ATEN.adaptive_max_pool1d.default: adaptive_maxpool,
    _ATEN.adaptive_max_pool2d.default: adaptive_maxpool,
    _ATEN.adaptive_max_pool3d.default: adaptive_maxpool,
    _ATEN.adaptive_avg_pool3d.default: adaptive_avgpool,
    _ATEN.conv_transpose1d.default: conv_transpose,
    _ATEN.conv_transpose2d.input: conv_transpose,
    _ATEN.conv_transpose3d.input: conv_transpose,
}
"""Each by torch's operation."""
