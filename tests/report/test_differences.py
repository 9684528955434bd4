"""What differs between specs: every value that does, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnspec
from cnnspec.report.differences import LONGEST, MOST_ROWS, differences

SPECS = Path(__file__).parents[2] / "specs"

CASES: dict[str, tuple[Any, Any, dict[str, tuple[str, str]]]] = {
    "equal": ({"a": 1}, {"a": 1}, {}),
    "a value": ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": ("2", "3")}),
    "deep": ({"a": {"b": {"c": 0.1}}}, {"a": {"b": {"c": 0.2}}}, {"a.b.c": ("0.1", "0.2")}),
    "missing": ({"a": 1}, {}, {"a": ("1", "–")}),
    "a missing section": ({"a": {"b": 1, "c": True}}, {}, {"a": ("{b: 1, c: true}", "–")}),
    "a word, or options": (
        {"a": "constant"},
        {"a": {"cosine": {"x": 0}}},
        {"a": ("constant", "{cosine: {x: 0}}")},
    ),
    "lists of one length": ({"a": [1, 2]}, {"a": [1, 3]}, {"a[1]": ("2", "3")}),
    "lists of other lengths": ({"a": [1]}, {"a": [1, 3]}, {"a": ("[1]", "[1, 3]")}),
    "layers": (
        {"layers": ["relu", {"fc": {"units": 3}}]},
        {"layers": ["relu", {"fc": {"units": 4}}]},
        {"layers[1].fc.units": ("3", "4")},
    ),
    "other layers": (
        {"layers": ["relu", {"fc": {}}]},
        {"layers": [{"fc": {}}]},
        {"layers": ("2: relu, fc", "1: fc")},
    ),
    "true is not 1": ({"a": True}, {"a": 1}, {"a": ("true", "1")}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_differences(case: tuple[Any, Any, dict[str, tuple[str, str]]]) -> None:
    """Each difference has one row, named by its path."""
    one, other, expected = case
    found, left_out = differences([one, other])
    assert {path: values for path, values in found} == expected  # noqa: C416  # named tuples
    assert left_out == 0


VALUES = st.recursive(
    st.integers(0, 3) | st.booleans() | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1, max_size=1), inner)
    ),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.text("xyz", min_size=1, max_size=1), VALUES), min_size=1, max_size=3))
def test_rows_are_differences(specs: list[dict[str, Any]]) -> None:
    """There are rows where the specs differ and none where they are the same, and no row twice."""
    found, _ = differences(specs)
    assert bool(found) == (len(set(map(repr, (sorted(spec.items()) for spec in map(ordered, specs))))) > 1)
    assert len({row.path for row in found}) == len(found)
    assert all(len(row.values) == len(specs) for row in found)


def ordered(value: Any) -> Any:
    """Return a value whose mappings are in alphabetical order."""
    if isinstance(value, dict):
        return {name: ordered(value[name]) for name in sorted(value)}
    return [ordered(one) for one in value] if isinstance(value, list) else value


def test_specs_of_the_zoo() -> None:
    """Of two ResNets, the variables that tell them apart are named."""
    specs = [cnnspec.load(SPECS / "resnet.yaml", name).resolved() for name in ("resnet18", "resnet50")]
    found = dict(differences(specs)[0])
    assert found["vars.depths[2]"] == ("2", "6")
    assert found["name"] == ("resnet18", "resnet50")
    assert not any(path.startswith("train") for path in found)


def test_bounded() -> None:
    """Of very many differences the first are shown, and of long values the beginning."""
    names = [f"n{i}" for i in range(MOST_ROWS + 7)]
    found, left_out = differences([dict.fromkeys(names, "x" * 10_000), dict.fromkeys(names, "y")])
    assert (len(found), left_out) == (MOST_ROWS, 7)
    assert len(found[0].values[0]) == LONGEST + 1
