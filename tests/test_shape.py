"""The window arithmetic is torch's, for any numbers."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnspec.errors import RuleError
from cnnspec.layers import LAYERS
from cnnspec.shape import Window, times, volume
from cnnspec.testing.formulas import compute

N, F_, S, P, D = (st.integers(1, high) for high in (40, 9, 7, 5, 4))


@given(n=N, f=F_, s=S, p=st.integers(0, 9), d=D)
def test_convolution(n: int, f: int, s: int, p: int, d: int) -> None:
    """A convolution's output size is torch's, and what does not fit is what torch refuses."""
    window = Window(n, f, s, p, d)
    try:
        size = F.conv1d(torch.zeros(1, 1, n), torch.zeros(1, 1, f), None, s, p, d).shape[-1]
    except RuntimeError:
        assert window.output < 1
    else:
        assert window.output == size
        assert compute(window.formula()[1]) == size


@given(n=N, f=F_, s=S, p=st.integers(0, 5), d=D, ceil=st.booleans())
def test_max_pooling(*, n: int, f: int, s: int, p: int, d: int, ceil: bool) -> None:
    """A pool's output size is torch's with dilation and ceil_mode, and it is refused where torch refuses it."""
    assume(d == 1 or p <= f // 2)  # newer versions of torch allow more padding for dilated windows
    layer = LAYERS["maxpool"].of({"kernel": f, "stride": s, "padding": p, "dilation": d, "ceil_mode": ceil})
    try:
        size = F.max_pool1d(torch.zeros(1, 1, n), f, s, p, d, ceil_mode=ceil).shape[-1]
    except RuntimeError:
        with pytest.raises(RuleError):
            layer.output_shape((1, n))
    else:
        assert layer.output_shape((1, n)) == (1, size)
        assert compute(Window(n, f, s, p, d, ceil).formula()[1]) == size


@given(n=N, f=F_, s=S, p=st.integers(0, 5), ceil=st.booleans())
def test_average_pooling(n: int, f: int, s: int, p: int, ceil: bool) -> None:
    """Average pooling has the same arithmetic."""
    layer = LAYERS["avgpool"].of({"kernel": f, "stride": s, "padding": p, "ceil_mode": ceil})
    try:
        size = F.avg_pool1d(torch.zeros(1, 1, n), f, s, p, ceil_mode=ceil).shape[-1]
    except RuntimeError:
        with pytest.raises(RuleError):
            layer.output_shape((1, n))
    else:
        assert layer.output_shape((1, n)) == (1, size)


@pytest.mark.parametrize(
    ("window", "size"),
    [
        (Window(32, 5), 28),
        (Window(28, 2, 2), 14),
        (Window(28, 3, 2, ceil=True), 14),
        (Window(10, 1, 2, ceil=True), 5),
        (Window(28, 3, 1, d=2), 24),
        (Window(224, 7, 2, 3), 112),
    ],
)
def test_known_sizes(window: Window, size: int) -> None:
    """Sizes that other tools are known to get wrong, and those of every textbook."""
    assert window.output == size


def test_formula_in_words() -> None:
    """The formula reads as a textbook's, with rounding only where something is rounded."""
    assert Window(32, 5).formula() == ("(n + 2p − f)/s + 1", "(32 + 2·0 − 5)/1 + 1")
    assert Window(224, 7, 2, 3).formula()[1] == "⌊(224 + 2·3 − 7)/2⌋ + 1"
    assert Window(28, 3, 2, ceil=True).formula()[1] == "⌈(28 + 2·0 − 3)/2⌉ + 1"
    assert Window(28, 3, d=2).formula() == (
        "(n + 2p − d(f − 1) − 1)/s + 1",
        "(28 + 2·0 − 2·(3 − 1) − 1)/1 + 1",
    )


def test_shapes() -> None:
    """Shapes are written as people write them."""
    assert times((16, 5, 5)) == "16×5×5"
    assert volume((16, 5, 5)) == 400
