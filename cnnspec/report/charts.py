"""What is plotted of runs: each metric over the epochs, before anything draws it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Row = Mapping[str, Any]
Point = tuple[float, float]

MOST_POINTS = 500
"""Points of a line at most, far more than it is pixels wide; of more, the turning points are kept."""

WIDE = 100
"""Largest over smallest loss from which on they are shown on a logarithmic scale."""

COLORS = ("#0077bb", "#ee7733", "#009988", "#ee3377", "#cc3311", "#33bbee")
"""Paul Tol's scheme "vibrant" (https://sronpersonalpages.nl/~pault/, "Colour schemes", 2021): its colours
stay apart for colour-blind readers. They are of middle lightness, for light and for dark paper."""

DASHES = ((), (5, 2), (1.5, 1.5), (7, 2, 1.5, 2))
"""Dashes and gaps of lines, over the line's width: so lines differ in more than their colour."""

Scale = Literal["number", "share", "logarithm"]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points (epoch, value), with a style's number, of which each looks different."""

    name: str
    points: tuple[Point, ...]
    style: int

    @property
    def color(self) -> str:
        """Its colour."""
        return COLORS[self.style % len(COLORS)]

    @property
    def dashes(self) -> tuple[float, ...]:
        """Its dashes and gaps, over its width; empty for a whole line."""
        return DASHES[self.style % len(DASHES)]


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves of one kind over the epochs; the epoch that is `marked`, if any, has a line of its own."""

    title: str
    curves: tuple[Curve, ...]
    scale: Scale = "number"
    marked: int | None = None

    @property
    def description(self) -> str:
        """What it shows, for those who do not see it."""
        return f"{self.title} over the epochs: {'; '.join(map(_told, self.curves))}"


TEST, TRAIN, VALIDATION, TOP_K = range(4)
"""The style of each part of the data, in the charts of a run."""


def of_run(history: Sequence[Row], best_epoch: int | None = None) -> list[Chart]:
    """Return the charts of a run's metrics: loss, accuracy and learning rate; none before its first epoch."""
    losses = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
    shares = {"validation accuracy": VALIDATION, "test accuracy": TEST, "test top-k accuracy": TOP_K}
    return _charts(
        ("Loss", [(name, history, f"{name}_loss", style) for name, style in losses.items()], best_epoch),
        ("Accuracy", [(name, history, _column(name), style) for name, style in shares.items()], best_epoch),
        ("Learning rate", [("learning rate", history, "lr", TEST)], None),
    )


def of_runs(histories: Sequence[tuple[str, Sequence[Row]]]) -> list[Chart]:
    """Return the charts of several runs, given with their names: a line in each for a run."""
    titles = {
        "Training loss": "train_loss",
        "Test loss": "test_loss",
        "Test accuracy": "test_accuracy",
        "Learning rate": "lr",
    }
    named = list(enumerate(histories))
    return _charts(
        *(
            (title, [(name, history, column, style) for style, (name, history) in named], None)
            for title, column in titles.items()
        )
    )


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> tuple[Point, ...]:
    """Return the points, or of too many the first, lowest, highest and last of each stretch."""
    if len(points) <= most:
        return tuple(points)
    kept: list[Point] = []
    size = math.ceil(len(points) / (most // 4))
    for stretch in (points[first : first + size] for first in range(0, len(points), size)):
        chosen = {stretch[0], stretch[-1], *(pick(stretch, key=lambda p: p[1]) for pick in (min, max))}
        kept += sorted(chosen)
    return tuple(kept)


def _charts(*wanted: tuple[str, list[tuple[str, Sequence[Row], str, int]], int | None]) -> list[Chart]:
    """Return the charts of what there are finite values of."""
    charts = []
    for title, lines, marked in wanted:
        curves = [Curve(name, _points(history, column), style) for name, history, column, style in lines]
        curves = [curve for curve in curves if curve.points]
        if curves:
            charts.append(Chart(title, tuple(curves), _scale(title, curves), marked))
    return charts


def _column(name: str) -> str:
    return name.replace(" ", "_").replace("-", "_")


def _points(history: Iterable[Row], column: str) -> tuple[Point, ...]:
    pairs = ((row["epoch"], row[column]) for row in history if column in row)
    return thinned([(epoch, value) for epoch, value in pairs if math.isfinite(value)])


def _scale(title: str, curves: Iterable[Curve]) -> Scale:
    if "ccuracy" in title:
        return "share"
    values = [value for curve in curves for _, value in curve.points]
    wide = "loss" in title.lower() and min(values) > 0 and max(values) > WIDE * min(values)
    return "logarithm" if wide else "number"


def _told(curve: Curve) -> str:
    (first, start), (last, end) = curve.points[0], curve.points[-1]
    return f"{curve.name} {start:.4g} in epoch {first:g}, {end:.4g} in epoch {last:g}"
