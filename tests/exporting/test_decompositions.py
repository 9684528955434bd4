"""What ONNX does not have, made of what it has."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.exporting.decompositions import adaptive_avgpool, adaptive_maxpool, conv_transpose

SIZES = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=3)
AVERAGES: list[Any] = [F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d]
LARGEST: list[Any] = [F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d]


@given(SIZES)
def test_adaptive_pools(sizes: list[tuple[int, int]]) -> None:
    """Cells are torch's, whether their number divides the values, is larger, or neither."""
    values, cells = zip(*sizes, strict=True)
    x, rank = torch.randn(2, 3, *values), len(values)
    torch.testing.assert_close(adaptive_avgpool(x, cells), AVERAGES[rank - 1](x, cells))
    assert adaptive_maxpool(x, cells)[0].equal(LARGEST[rank - 1](x, cells))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("stride", "padding", "more", "dilation"),
    [(1, 0, 2, 3), (1, 1, 2, 3), (2, 3, 2, 3), (1, 0, 1, 2), ((1, 2), (0, 1), (2, 1), (3, 2))],
)
def test_output_padding(stride: Any, padding: Any, more: Any, dilation: Any, bias: bool) -> None:
    """A transposed convolution with more output padding than ONNX allows is torch's."""
    x, weight = torch.randn(2, 3, 5, 6), torch.randn(3, 4, 3, 2)
    shift = torch.randn(4) if bias else None

    def pair(value: Any) -> tuple[int, int]:
        return value if isinstance(value, tuple) else (value, value)

    arguments = (pair(stride), pair(padding), pair(more), 1, pair(dilation))
    torch.testing.assert_close(
        conv_transpose(x, weight, shift, *arguments), F.conv_transpose2d(x, weight, shift, *arguments)
    )


def test_usual_output_padding() -> None:
    """What ONNX has itself is left to it."""
    x, weight = torch.randn(2, 3, 5, 6), torch.randn(3, 4, 3, 2)
    assert conv_transpose(x, weight, None, (2, 2), (0, 0), (1, 1)) is NotImplemented
