"""Formulas as MathML say what they say as text, with fractions."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import cnnspec
from cnnspec.testing.formulas import compute
from cnnspec.views.explain import explain
from cnnspec.views.explain.mathml import APPLIED, TIMES, mathml

SPECS = sorted((Path(__file__).parents[3] / "specs").glob("*.yaml"))


def as_text(element: ET.Element) -> str:
    """Return an element as a formula on one line, with all parentheses that a fraction may need."""
    if element.tag == "mfrac":
        above, below = (as_text(child) for child in element)
        return f"(({above})/({below}))"
    signs = {TIMES: "·", APPLIED: ""}
    own = signs.get(element.text or "", element.text or "")
    return own + "".join(f" {as_text(child)} " for child in element)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_same_value(path: Path) -> None:
    """Read back, a formula with numbers has the same value, for every layer of a network."""
    for explanation in explain(cnnspec.load(path).plan()):
        for formula in explanation.formulas:
            assert compute(as_text(ET.fromstring(mathml(formula.numbers))).strip()) == formula.result


@pytest.mark.parametrize(
    ("formula", "fractions"),
    [
        ("⌊(n + 2p − f)/s⌋ + 1", [("n+2·p−f", "s")]),
        ("f·channels/groups·filters", [("channels", "groups")]),
        ("channels/(factor·factor)", [("channels", "factor·factor")]),
        ("(1/2)/2", [("((1)/(2))", "2"), ("1", "2")]),
        ("1 + ⌈1/2 + (3 − 1)·1/4⌉·4", [("1", "2"), ("1", "4")]),
        ("r + (f − 1)·j", []),
        ("a/", []),
    ],
)
def test_fractions(formula: str, fractions: list[tuple[str, str]]) -> None:
    """A slash is a fraction of what stands beside it, without the parentheses that its line makes needless."""
    found = ET.fromstring(mathml(formula)).iter("mfrac")
    assert [tuple("".join(as_text(part).split()) for part in one) for one in found] == fractions


@pytest.mark.parametrize(
    ("formula", "elements"),
    [
        ("2p", ["mn", "mo", "mi"]),
        ("d(f − 1)", ["mi", "mo", "mrow", "mo", "mi", "mo", "mn", "mo"]),
        ("max(11, 7)", ["mtext", "mo", "mrow", "mo", "mn", "mo", "mn", "mo"]),
        ("117,600", ["mn"]),
        ("16·1.3", ["mn", "mo", "mn"]),
        ("the branches' largest", ["mtext"]),
        ("output_padding", ["mtext"]),
    ],
)
def test_elements(formula: str, elements: list[str]) -> None:
    """Letters, numbers, words and signs are what they are."""
    assert [element.tag for element in ET.fromstring(mathml(formula)).iter()][1:] == elements


@example("1/(1")
@given(st.text(alphabet="f1n ·/()⌊⌋⌈⌉+−,.<>&'\"x_", max_size=30))
def test_anything_is_well_formed(formula: str) -> None:
    """Whatever the text, nothing of it is lost, and nothing of it is markup."""
    root = ET.fromstring(mathml(formula))
    text = "".join(root.itertext()).replace(TIMES, "").replace(APPLIED, "")
    kept = [c for c in formula if c not in " /()"]
    assert [c for c in text if c not in " /()"] == kept
