"""A small curve in one line of text, a sparkline (Tufte, "Beautiful Evidence", 2006): numbers as signs."""

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-^"
"""The same where there are no blocks; each sign stands higher on the line than the one before."""

MOST = 512
"""Points that a series keeps at most: many times what a curve has signs."""

Point = tuple[float, int]
"""A mean value, and of how many samples it is."""


class Series:
    """Mean values of a training in their order; of many, neighbours are joined, so that it stays small.

    Then each point, an old one or a new one, has at least `grain` samples.
    """

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.grain = 0

    def add(self, value: float, samples: int) -> None:
        """Add the mean over so many further samples; what is not finite is left out."""
        if samples < 1 or not math.isfinite(value):
            return
        self._append((value, samples))
        if len(self.points) > MOST:
            points, self.points = self.points, []
            self.grain = 2 * sum(samples for _, samples in points) // MOST
            for point in points:
                self._append(point)

    def _append(self, point: Point) -> None:
        if self.points and self.points[-1][1] < self.grain:
            self.points[-1] = _joined([self.points[-1], point])
        else:
            self.points.append(point)


def curve(points: Sequence[Point], width: int, signs: str = BLOCKS) -> str:
    """Return the curve of the points: as many signs, `width` at most, each for an equal share of the samples.

    The lowest value gets the first of `signs` and the highest the last. Where all values are above 0, as
    losses are that fall by half again and again, the scale is logarithmic.
    """
    heights = _heights(means(points, min(width, len(points))), len(signs))
    return "".join(signs[height] for height in heights)


def means(points: Sequence[Point], count: int) -> list[float]:
    """Return the means of so many shares of all samples, one after the other and equally large."""
    total = sum(samples for _, samples in points)
    found: list[float] = []
    share: list[Point] = []
    filled = 0  # of a share's `total` parts; a sample is `count` parts, so that all numbers are whole
    for value, samples in points:
        left = samples * count
        while left and len(found) < count:
            part = min(left, total - filled)
            share.append((value, part))
            left, filled = left - part, filled + part
            if filled == total:
                found.append(_joined(share)[0])
                share, filled = [], 0
    return found


def _joined(points: Sequence[Point]) -> Point:
    """Return points as one."""
    total = sum(samples for _, samples in points)
    return math.fsum(value * (samples / total) for value, samples in points), total


def _heights(values: Sequence[float], count: int) -> list[int]:
    """Return how high each value stands, from 0 to below `count`; where all are alike, at the bottom."""
    if not values:
        return []
    scaled = [math.log(value) for value in values] if min(values) > 0 else [value / 2 for value in values]
    low, span = (
        min(scaled),
        max(scaled) - min(scaled),
    )  # halved, so that no difference is too large for a float
    if not span:
        return [0] * len(values)
    return [min(int((value - low) / span * count), count - 1) for value in scaled]
