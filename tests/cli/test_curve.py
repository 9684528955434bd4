"""The small curve in the terminal shows what the numbers are."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnspec.cli.curve import ASCII, BLOCKS, MOST, Series, curve, means

FINITE = st.floats(allow_nan=False, allow_infinity=False)
POINTS = st.lists(st.tuples(FINITE, st.integers(1, 10**9)), max_size=40)
LOSSES = st.lists(st.tuples(st.floats(1e-6, 1e3), st.integers(1, 10**6)), min_size=1, max_size=40)

DRAWN: dict[str, tuple[list[float], str]] = {
    "nothing": ([], ""),
    "one value": ([2.0], "▁"),
    "all alike": ([2.0, 2.0, 2.0], "▁▁▁"),
    "down to a half each time": ([128, 64, 32, 16, 8, 4, 2, 1], "█▇▆▅▄▃▂▁"),
    "below zero": ([-1.0, 0.0, 1.0], "▁▅█"),
    "to zero": ([7, 6, 5, 4, 3, 2, 1, 0], "█▇▆▅▄▃▂▁"),
    "the largest there are": ([-1.7e308, 0.0, 1.7e308], "▁▅█"),
    "up and down": ([1, 100, 1, 100], "▁█▁█"),
    "more than fit": ([8, 8, 4, 4, 2, 2, 1, 1] * 2, "█▆▃▁█▆▃▁"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_drawn(name: str) -> None:
    """What is drawn is what one would draw by hand, of eight signs at most."""
    values, expected = DRAWN[name]
    assert curve([(value, 1) for value in values], 8) == expected


def test_ascii() -> None:
    """Without blocks, four signs do."""
    assert curve([(value, 1) for value in (8, 4, 2, 1)], 8, ASCII) == "^-._"


@given(POINTS, st.integers(0, 60), st.sampled_from([BLOCKS, ASCII]))
def test_fits(points: list[tuple[float, int]], width: int, signs: str) -> None:
    """There are as many signs as values, or as fit; and the lowest and the highest are among them."""
    drawn = curve(points, width, signs)
    assert len(drawn) == min(width, len(points))
    assert set(drawn) <= set(signs)
    assert not drawn or signs[0] in drawn
    assert len(set(drawn)) < 2 or signs[-1] in drawn


@given(st.lists(st.floats(1e-300, 1e300) | FINITE, min_size=1, max_size=30))
def test_order(values: list[float]) -> None:
    """A greater value never stands lower."""
    drawn = curve([(value, 1) for value in values], len(values))
    ranked = [sign for _, sign in sorted(zip(values, drawn, strict=True))]
    assert ranked == sorted(ranked, key=BLOCKS.index)


@given(LOSSES, st.floats(0.001, 1000))
def test_scale(points: list[tuple[float, int]], factor: float) -> None:
    """A loss that is larger by a factor throughout has the same curve, up to rounding at a sign's border."""
    values = [value for value, _ in points]
    drawn, other = (curve([(v * f, 1) for v in values], len(values)) for f in (1, factor))
    assume(math.log(max(values)) - math.log(min(values)) > 1e-6)
    assert all(abs(BLOCKS.index(a) - BLOCKS.index(b)) <= 1 for a, b in zip(drawn, other, strict=True))


@given(LOSSES, st.integers(1, 60))
def test_means(points: list[tuple[float, int]], count: int) -> None:
    """Each share's mean is what exact arithmetic says of these samples, and their mean that of all."""
    found = means(points, count)
    total = sum(samples for _, samples in points)
    borders = [Fraction(total * n, count) for n in range(count + 1)]
    exact = []
    for first, last in pairwise(borders):
        area, start = Fraction(), 0
        for value, samples in points:
            shared = min(last, Fraction(start + samples)) - max(first, Fraction(start))
            area += max(shared, Fraction()) * Fraction(value)
            start += samples
        exact.append(float(area / (last - first)))
    assert found == pytest.approx(exact, rel=1e-9)


@given(st.lists(st.tuples(st.floats(1e-3, 10), st.integers(1, 1000)), min_size=1, max_size=3 * MOST))
def test_series(points: list[tuple[float, int]]) -> None:
    """However many values come, few are kept, and nothing is lost: samples, mean and order are the same."""
    series = Series()
    for value, samples in points:
        series.add(value, samples)
    assert len(series.points) <= MOST
    assert sum(samples for _, samples in series.points) == sum(samples for _, samples in points)
    assert means(series.points, 1) == pytest.approx(means(points, 1))
    first, last = points[0][0], points[-1][0]
    if len(points) <= MOST:
        assert (series.points[0][0], series.points[-1][0]) == (first, last)


def test_long_series() -> None:
    """Of a hundred thousand falling values, those that are kept still fall from the first to the last."""
    series = Series()
    for step in range(100_000):
        series.add(100_000 - step, 64)
        assert len(series.points) <= MOST
    values = [value for value, _ in series.points]
    assert len(values) > MOST / 4
    assert values == sorted(values, reverse=True)
    exact = means([(100_000 - step, 64) for step in range(100_000)], 24)
    assert means(series.points, 24) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(("value", "samples"), [(math.nan, 1), (math.inf, 1), (-math.inf, 1), (1.0, 0)])
def test_left_out(value: float, samples: int) -> None:
    """A loss that is not finite has no place in the curve, and no samples have no loss."""
    series = Series()
    series.add(value, samples)
    assert series.points == []
