"""What is plotted of runs: the right numbers, few enough of them, on the right scale."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.report.charts import COLORS, DASHES, Curve, of_run, of_runs, thinned

HISTORY = [
    {"epoch": 1, "train_loss": 1.5, "test_loss": 1.0, "test_accuracy": 0.5, "lr": 0.1, "seconds": 1},
    {"epoch": 2, "train_loss": 0.9, "lr": 0.1},
    {"epoch": 3, "train_loss": 0.5, "test_loss": 0.7, "test_accuracy": 0.8, "lr": 0.01},
]


def test_of_run() -> None:
    """A run has charts of loss, accuracy and learning rate; epochs without a test have no point of it."""
    loss, accuracy, rate = of_run(HISTORY, 3)
    assert [(curve.name, curve.points) for curve in loss.curves] == [
        ("train", ((1, 1.5), (2, 0.9), (3, 0.5))),
        ("test", ((1, 1.0), (3, 0.7))),
    ]
    assert [(curve.name, curve.points) for curve in accuracy.curves] == [
        ("test accuracy", ((1, 0.5), (3, 0.8)))
    ]
    assert rate.curves[0].points == ((1, 0.1), (2, 0.1), (3, 0.01))
    assert [chart.marked for chart in (loss, accuracy, rate)] == [3, 3, None]
    assert accuracy.scale == "share"


def test_of_run_with_all_metrics() -> None:
    """Validation and top-k accuracy have lines of their own."""
    rows = [{**HISTORY[0], "validation_loss": 2.0, "validation_accuracy": 0.4, "test_top_k_accuracy": 0.9}]
    loss, accuracy, _ = of_run(rows)
    assert [curve.name for curve in loss.curves] == ["train", "validation", "test"]
    assert [curve.name for curve in accuracy.curves] == [
        "validation accuracy",
        "test accuracy",
        "test top-k accuracy",
    ]


def test_of_runs() -> None:
    """Several runs have a line each in every chart, in one style, and those without a value have none."""
    charts = of_runs([("one", HISTORY), ("two", HISTORY[1:2])])
    assert [chart.title for chart in charts] == [
        "Training loss",
        "Test loss",
        "Test accuracy",
        "Learning rate",
    ]
    assert [[curve.name for curve in chart.curves] for chart in charts] == [
        ["one", "two"],
        ["one"],
        ["one"],
        ["one", "two"],
    ]
    assert {curve.style for chart in charts for curve in chart.curves if curve.name == "two"} == {1}


@pytest.mark.parametrize(
    "history", [[], [{"epoch": 1, "train_loss": math.nan, "lr": math.inf}]], ids=["none", "NaN"]
)
def test_nothing_to_plot(history: list[dict[str, float]]) -> None:
    """Before the first epoch, and where no value is finite, there is no chart."""
    assert of_run(history) == []


@pytest.mark.parametrize(
    ("losses", "scale"),
    [((1.0, 0.02), "number"), ((1.0, 0.005), "logarithm"), ((1.0, 0.0), "number")],
)
def test_scale(losses: tuple[float, ...], scale: str) -> None:
    """Losses that differ a hundredfold are on a logarithmic scale, unless one is 0."""
    (chart,) = of_run([{"epoch": n, "train_loss": loss} for n, loss in enumerate(losses, 1)])
    assert chart.scale == scale


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3000), st.integers(4, 200))
def test_thinned(values: list[float], most: int) -> None:
    """Of too many points few are left, in their order, among them the first, last, highest and lowest."""
    points = list(enumerate(values))
    left = thinned(points, most)
    assert len(left) <= max(most, 4)
    assert list(left) == sorted(set(left))
    assert set(left) <= set(points)
    assert (left[0], left[-1]) == (points[0], points[-1])
    assert max(value for _, value in left) == max(values)
    assert min(value for _, value in left) == min(values)


def test_lines_look_different() -> None:
    """The first dozen lines differ in colour or dashes, and two neighbours in both."""
    curves = [Curve("", (), style) for style in range(12)]
    assert len({(curve.color, curve.dashes) for curve in curves}) == 12
    assert all(a.color != b.color and a.dashes != b.dashes for a, b in pairwise(curves))


@pytest.mark.parametrize("paper", ["#ffffff", "#17191d"], ids=["light", "dark"])
@pytest.mark.parametrize("color", COLORS)
def test_colours_stand_out(color: str, paper: str) -> None:
    """Each line's colour stands out from the paper of both themes, by WCAG's ratio of luminances."""

    def luminance(text: str) -> float:
        shares = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(color), luminance(paper)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) > 2
    assert len(DASHES) > 2
