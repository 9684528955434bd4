"""Explanations for a terminal: within its width, with pictures where they help."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnspec
from cnnspec.views.explain import explain
from cnnspec.views.explain.text import MOST_PICTURES, as_text
from cnnspec.views.window.art import ASCII, BOXES

SPECS = Path(__file__).parents[3] / "specs"
PLANS = {
    name: cnnspec.load(SPECS / f"{name}.yaml").plan()
    for name in ("lenet5", "resnet", "unet", "conv3d", "conv1d")
}


def lines(plan: cnnspec.Plan, width: int = 100, *, pictures: bool | None = None) -> list[str]:
    return [line.text for line in as_text(explain(plan), width, pictures=pictures)]


def plan_of(layers: str, shape: str = "[1, 16, 16]") -> cnnspec.Plan:
    return cnnspec.loads(f"input: {shape}\nlayers: [{layers}]\n").plan()


@given(st.sampled_from(sorted(PLANS)), st.integers(30, 120))
def test_width(name: str, width: int) -> None:
    """No line is wider than the terminal, but a word that is wider itself."""
    for line in lines(PLANS[name], width, pictures=True):
        assert len(line) <= width or " " not in line.strip()
        assert line == line.rstrip()


@pytest.mark.parametrize("name", PLANS)
def test_narrow_loses_nothing(name: str) -> None:
    """In 40 columns stands what stands in 400, broken into more lines."""
    wide, narrow = (
        " ".join(" ".join(lines(PLANS[name], width, pictures=False)).split()) for width in (400, 40)
    )
    assert narrow == wide


def test_formulas_break_at_signs_of_equality() -> None:
    """A formula that is too wide goes on in the next line, below where it began, or else indented."""
    explained = {
        width: lines(plan_of("conv: {filters: 4, kernel: 3}"), width, pictures=False) for width in (50, 40)
    }
    assert explained[50][-7:-1] == [
        "  parameters:       (f·f·channels + 1)·filters",
        "                    = (3·3·1 + 1)·4 = 40",
        "  MACs:",
        "    f·f·channels·filters·output size",
        "    = 3·3·1·4·14·14 = 7,056",
        "  receptive field:  r + (f − 1)·j = 1 + (3 − 1)·1",
    ]
    assert explained[40][-2:] == [
        "  receptive field:  r + (f − 1)·j",
        "                    = 1 + (3 − 1)·1 = 3",
    ]


def test_pictures_where_there_are_few() -> None:
    """A network with many different windows is explained without them, and a line says how they are drawn."""
    few = plan_of(
        ", ".join(
            f"conv: {{filters: 1, kernel: {size}, padding: same}}" for size in range(1, MOST_PICTURES + 1)
        )
    )
    many = plan_of(
        ", ".join(
            f"conv: {{filters: 1, kernel: {size}, padding: same}}" for size in range(1, MOST_PICTURES + 2)
        )
    )
    assert drawn(lines(few)) == MOST_PICTURES
    assert drawn(lines(many)) == 0
    assert lines(many)[-1] == f"--picture draws the {MOST_PICTURES + 1} windows that differ"
    assert drawn(lines(many, pictures=True)) == MOST_PICTURES + 1
    assert drawn(lines(few, pictures=False)) == 0
    assert not any("--picture" in line for line in (*lines(few), *lines(many, pictures=False)))


def drawn(text: list[str]) -> int:
    return sum(line.startswith("  input 16×16") for line in text)


def test_the_same_window_is_drawn_once() -> None:
    """A window that was drawn before is not drawn again, whatever the channels; its layer is named."""
    text = lines(
        plan_of("conv: {filters: 2, kernel: 3, padding: 1}, conv: {filters: 4, kernel: 3, padding: 1}")
    )
    assert drawn(text) == 1
    assert text[-1] == "  its window slides as that of conv1 does"


def test_signs_are_explained_once() -> None:
    """What letters and signs mean stands above all, and in a charset that is asked for."""
    explanations = explain(plan_of("maxpool: 2, maxpool: 4"))
    for charset, sign in ((BOXES, "■"), (ASCII, "#")):
        text = [line.text for line in as_text(explanations, 120, charset)]
        assert text[0].startswith("n input size, p padding, ")
        assert text[1].startswith(f"{sign} in the window, ")
        assert sum("in the window" in line for line in text) == 1


def test_no_legend_without_letters() -> None:
    """A network without a letter begins with its first layer, and not with an empty line."""
    assert lines(plan_of("flatten, fc: 3", "[2, 4]"))[0] == "flatten1: 2×4 → 8"


def test_the_whole_input() -> None:
    """Where a layer sees all, that is said, and where it begins."""
    told = [line.strip() for line in lines(PLANS["lenet5"]) if "the whole input" in line]
    assert told[0].endswith("the whole input, from here on")
    assert {line.endswith("the whole input") for line in told[1:]} == {True}
    assert len(told) == 6
