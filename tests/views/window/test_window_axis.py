"""Where a window lies on its axis is where torch's lies."""

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from cnnspec.shape import TransposedWindow, Window
from cnnspec.views.window.axis import Axis, edge

N, F_, S, P, D = (st.integers(low, high) for low, high in ((1, 24), (1, 6), (1, 7), (0, 6), (1, 4)))


def check(axis: Axis, seen: Tensor) -> None:
    """Hold an axis to what was seen: for each place of the window, at which values it lies."""
    assert axis.places == len(seen)
    for place, values in enumerate(seen):
        assert [c for c in axis.touched(place) if 0 <= c < axis.size] == values.nonzero().flatten().tolist()
    reached = [axis.is_touched(cell) for cell in range(axis.size)]
    assert reached == seen.any(dim=0).tolist()


@given(n=N, f=F_, s=S, p=P, d=D)
def test_convolution(n: int, f: int, s: int, p: int, d: int) -> None:
    """A convolution's output depends on the values that its window touches, and on no others."""
    window = Window(n, f, s, p, d)
    assume(window.output >= 1)
    impulses = torch.eye(n).unsqueeze(1)
    seen = F.conv1d(impulses, torch.ones(1, 1, f), None, s, p, d).squeeze(1).T > 0
    check(Axis.under(window), seen)


@given(n=N, f=F_, d=D)
def test_same_padding(n: int, f: int, d: int) -> None:
    """With `same`, the odd cell of the padding lies at the far side."""
    total = d * (f - 1)
    window = Window(n, f, p=total // 2, d=d, extra=total % 2)
    padded = F.pad(torch.eye(n).unsqueeze(1), (total // 2, total - total // 2))
    check(Axis.under(window), F.conv1d(padded, torch.ones(1, 1, f), dilation=d).squeeze(1).T > 0)


@given(n=N, f=F_, s=S, p=P, ceil=st.booleans())
def test_pooling(n: int, f: int, s: int, p: int, ceil: bool) -> None:
    """Pooling's windows lie where torch's lie, with ceil_mode as well, where they reach beyond the padding."""
    window = Window(n, f, s, p, ceil=ceil)
    assume(p <= f // 2 and window.output >= 1)
    impulses = torch.eye(n).unsqueeze(1)
    axis = Axis.under(window)
    check(axis, F.max_pool1d(impulses, f, s, p, ceil_mode=ceil).squeeze(1).T > 0)
    beyond = sum(axis.is_beyond(cell) for cell in range(axis.first, axis.end))
    assert beyond == max(0, (axis.places - 1) * s + f - n - 2 * p)
    assert ceil or not beyond


@given(n=st.integers(1, 10), f=F_, s=S, p=st.integers(0, 3), d=D, extra=st.integers(0, 3))
def test_transposed(*, n: int, f: int, s: int, p: int, d: int, extra: int) -> None:
    """An input of a transposed convolution is spread over the outputs that its window touches."""
    window = TransposedWindow(n, f, s, p, d, extra=extra)
    assume(extra < max(s, d) and window.output >= 1)
    impulses = torch.eye(n).unsqueeze(1)
    spread = F.conv_transpose1d(impulses, torch.ones(1, 1, f), None, s, p, extra, 1, d).squeeze(1) > 0
    check(Axis.under(window), spread)
    assert Axis.beside(window).size == n


@given(n=st.integers(1, 60), f=st.integers(1, 20), s=S, p=P, d=D, most=st.integers(7, 20))
def test_what_is_shown(*, n: int, f: int, s: int, p: int, d: int, most: int) -> None:
    """Of a long axis the first cells and the last are shown, the window's first place as far as it fits."""
    window = Window(n, f, s, p, d)
    assume(window.output >= 1)
    axis = Axis.under(window)
    slots = axis.slots(most)
    shown = [cell for cell in slots if cell is not None]
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == (-p, n + p - 1)
    assert len(slots) == min(most, n + 2 * p)
    assert slots.count(None) == (n + 2 * p > most)
    rest = n + 2 * p - (window.output - 1) * s - window.span
    if window.span + rest + 2 <= most:
        assert set(range(-p, -p + window.span)) <= set(shown)


@given(n=st.integers(1, 40), most=st.integers(7, 20))
def test_edges(n: int, most: int) -> None:
    """Cells begin in order, those that are left out all at one place, and the last ends where the picture does."""
    axis = Axis(n)
    slots = axis.slots(most)
    edges = [edge(slots, cell) for cell in range(n + 1)]
    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (0, len(slots))
    within = {slots.index(None) + 0.5} if None in slots else set()
    assert {one for one in edges if one % 1} == within
