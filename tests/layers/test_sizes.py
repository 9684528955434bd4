"""Sizes of transposed convolution, upsampling and zeros around are torch's, for any numbers."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.errors import RuleError
from cnnspec.layers import LAYERS
from cnnspec.testing.formulas import compute

N, F_, S, P, D, EXTRA = (st.integers(*limits) for limits in ((1, 20), (1, 7), (1, 5), (0, 9), (1, 4), (0, 5)))


@given(n=N, f=F_, s=S, p=P, d=D, extra=EXTRA)
def test_transposed_convolution(*, n: int, f: int, s: int, p: int, d: int, extra: int) -> None:
    """A transposed convolution's size is torch's, and what torch refuses is refused."""
    fields = {"kernel": f, "stride": s, "padding": p, "dilation": d, "output_padding": extra}
    layer = LAYERS["conv_transpose"].of({"filters": 1} | fields)
    try:
        size = F.conv_transpose1d(
            torch.zeros(1, 1, n), torch.zeros(1, 1, f), None, s, p, extra, 1, d
        ).shape[-1]  # fmt: skip
    except RuntimeError:
        size = 0
    if size == 0:  # which torch allows or refuses, as its backends like it
        with pytest.raises(RuleError):
            layer.output_shape((1, n))
    else:
        assert layer.output_shape((1, n)) == (1, size)
        assert compute(layer.size_formulas((1, n))[1][1]) == size


@given(n=st.integers(1, 300), scale=st.floats(0.01, 9) | st.integers(1, 9))
def test_upsampling(n: int, scale: float) -> None:
    """An upsampled size is torch's, rounded as torch rounds it, and never 0."""
    layer = LAYERS["upsample"].of({"scale": scale})
    try:
        size = F.interpolate(torch.zeros(1, 1, n), scale_factor=scale).shape[-1]
    except RuntimeError:
        with pytest.raises(RuleError):
            layer.output_shape((1, n))
    else:
        assert layer.output_shape((1, n)) == (1, size)
        assert layer.size_formulas((1, n))[1][0] in ("n·scale", "⌊n·scale⌋")


@given(n=N, before=P, after=P)
def test_zeros(n: int, before: int, after: int) -> None:
    """Zeros before and after stand where torch puts them."""
    layer = LAYERS["zero_pad"].of({"padding": [[before, after]]})
    module = layer.build(torch.nn, (1, n))
    y = module(torch.ones(1, 1, n))[0, 0]
    assert layer.output_shape((1, n)) == (1, len(y))
    assert y.tolist() == [0] * before + [1] * n + [0] * after


def test_zeros_of_each_axis() -> None:
    """The list begins with the first axis, and each pair with the side before."""
    layer = LAYERS["zero_pad"].of({"padding": [[1, 0], [0, 2]]})
    y = layer.build(torch.nn, (1, 1, 1))(torch.ones(1, 1, 1, 1))
    assert y.tolist() == [[[[0, 0, 0], [1, 0, 0]]]]
