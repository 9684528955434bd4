"""Charts drawn by matplotlib are SVG that a strict page takes, and show what they are given."""

import builtins
import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from cnnspec.errors import CnnspecError
from cnnspec.report.charts import COLORS, Chart, Curve
from cnnspec.report.plot import plot

POINTS = ((1, 4.0), (2, 1.0), (3, 3.0), (4, 2.0))
CHART = Chart("Loss", (Curve("train", POINTS, 0), Curve("test", ((1, 2.0), (4, 2.5)), 1)), marked=2)


def svg(chart: Chart = CHART) -> ET.Element:
    return ET.fromstring(plot(chart))


def test_nothing_that_a_policy_forbids() -> None:
    """There are no styles, scripts, links or metadata; what is referred to is in the picture itself."""
    root = svg()
    elements = list(root.iter())
    assert {element.tag for element in elements} <= {
        "svg",
        "g",
        "path",
        "defs",
        "use",
        "text",
        "rect",
        "clipPath",
    }
    assert not any(
        name == "style" or name.startswith("on") for element in elements for name in element.attrib
    )
    ids = [element.get("id") for element in elements if "id" in element.attrib]
    references = {value[1:] for element in elements if (value := element.get("href"))}
    assert len(ids) == len(set(ids))
    assert set(ids) == references
    assert not re.search(r"https?:", plot(CHART))


def test_ink_is_that_of_the_page() -> None:
    """All colours but the lines' own are the current one, so that the picture fits every theme."""
    colors = {element.get(name) for element in svg().iter() for name in ("fill", "stroke")} - {None}
    assert colors == {"currentColor", "none", COLORS[0], COLORS[1]}


def test_a_line_shows_its_values() -> None:
    """A line's points lie where its values belong: the same distances on both axes, larger values higher."""
    (path,) = (
        e for e in svg().iter("path") if e.get("stroke") == COLORS[0] and e.get("d", "").count("L") == 3
    )
    numbers = [float(n) for n in re.findall(r"[-\d.]+", path.get("d", ""))]
    xs, ys = numbers[::2], numbers[1::2]
    steps = {round(b - a, 1) for a, b in pairwise(xs)}
    assert len(steps) == 1
    top, bottom = min(ys), max(ys)
    expected = [top + (4 - value) / 3 * (bottom - top) for _, value in POINTS]
    assert ys == pytest.approx(expected, abs=0.05)


def test_texts_are_texts() -> None:
    """Numbers and the axis' name are text that can be selected; shares are in percent."""
    texts = [element.text for element in svg().iter("text")]
    assert {"1", "2", "3", "4", "epoch"} <= set(texts)
    shares = Chart("Accuracy", (Curve("test", ((1, 0.5), (2, 1.0)), 0),), "share")
    assert {"50 %", "100 %"} <= {element.text for element in svg(shares).iter("text")}
    logarithms = Chart("Loss", (Curve("test", ((1, 0.001), (2, 1.0)), 0),), "logarithm")
    assert {"0.001", "0.01", "0.1", "1"} <= {element.text for element in svg(logarithms).iter("text")}


def test_one_epoch_is_a_dot() -> None:
    """A line of a single point, which has no length, is seen as a dot."""
    root = svg(Chart("Loss", (Curve("train", ((1, 4.0),), 0),)))
    assert [e.get("fill") for e in root.iter("use")] == [COLORS[0]]
    texts = [element.text for element in root.iter("text")]
    assert texts[: texts.index("epoch")] == ["1"]


def test_described() -> None:
    """Who does not see the picture is told what it shows."""
    root = svg()
    assert root.get("role") == "img"
    assert root.get("aria-label") == (
        "Loss over the epochs: train 4 in epoch 1, 2 in epoch 4; test 2 in epoch 1, 2.5 in epoch 4"
    )


def test_always_the_same_whatever_the_user_has_set() -> None:
    """The same chart is the same text, also where matplotlib is set up otherwise, and that setup stays."""
    expected = plot(CHART)
    changed: Any = {
        "axes.facecolor": "#123456",
        "svg.fonttype": "path",
        "lines.color": "red",
        "text.usetex": True,
    }
    with mpl.rc_context(changed):
        assert plot(CHART) == expected
        assert {name: mpl.rcParams[name] for name in changed} == changed


def test_two_charts_in_a_page() -> None:
    """Different charts have different ids, so that they do not take each other's parts."""
    other = Chart("Loss", (Curve("train", POINTS, 0),))
    first, second = ({e.get("id") for e in svg(chart).iter()} - {None} for chart in (CHART, other))
    assert first
    assert not first & second


def test_matplotlib_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without matplotlib, the error says what to install."""
    found = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(
        CnnspecError, match=r"matplotlib is not installed\. Install it: pip install 'cnnspec\[report\]'"
    ):
        plot(CHART)
