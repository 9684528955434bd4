"""`repeat` and `when` beside a layer: what they do, alone and together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telling import told

import cnnspec
from cnnspec.language.items import MAX_REPEAT
from cnnspec.language.yaml_text import to_yaml


def text(layers: str, more: str = "") -> str:
    return f"input: [4, 8, 8]\n{more}\nlayers:\n{layers.strip(chr(10))}\n"


def plan(layers: str, more: str = "") -> cnnspec.Plan:
    return cnnspec.loads(text(layers, more)).plan()


def paths(layers: str, more: str = "") -> list[str]:
    return [step.path for step in plan(layers, more).layers]


def filters(layers: str, more: str = "") -> list[int]:
    return [step.output[0] for step in plan(layers, more).layers]


# repeat.
@given(st.integers(0, 40), st.booleans())
def test_repeat(count: int, named: bool) -> None:
    """An item that repeats n times is n items in a row, named by their number from 0, or numbered on."""
    name = "\n    name: stage" if named else ""
    found = paths(f"  - relu\n  - relu: {{}}\n    repeat: {count}{name}\n  - relu")
    repeated = [f"stage.{n}" for n in range(count)] if named else [f"relu{n + 2}" for n in range(count)]
    assert found == ["relu1", *repeated, "relu2" if named else f"relu{count + 2}"]


COUNTS = {
    "a number": ("3", 3),
    "an expression": ("1 + 2", 3),
    "a whole quotient": ("6 / 2", 3),
    "a variable": ("depth", 3),
    "an entry": ("depths[1]", 3),
    "a length": ("len(depths)", 2),
    "the channels that enter the first": ("in_channels // 2", 2),
    "a condition": ("3 if deep else 1", 3),
    "in quotes": ('"max(1, depth)"', 3),
    "none": ("depth - 3", 0),
}


@pytest.mark.parametrize("case", COUNTS.values(), ids=COUNTS)
def test_counts(case: tuple[str, int]) -> None:
    """`repeat` is a whole number, given or calculated."""
    repeat, expected = case
    layers = f"  - conv: {{filters: 2, kernel: 1}}\n    repeat: {repeat}"
    assert len(paths(layers, "vars: {depth: 3, depths: [2, 3], deep: true}")) == expected


def test_index_and_count() -> None:
    """`index` counts from 0, and `count` is how many there are."""
    layers = "  - conv: {filters: 10 * count + index, kernel: 1}\n    repeat: 3"
    assert filters(layers) == [30, 31, 32]


def test_in_channels_of_each_repetition() -> None:
    """`in_channels` are the channels that enter this very repetition."""
    layers = "  - conv: {filters: 2 * in_channels, kernel: 1}\n    repeat: 3"
    assert filters(layers) == [8, 16, 32]


def test_in_channels_of_flat_values() -> None:
    """Of a flat input, `in_channels` are its values."""
    assert filters("  - flatten\n  - fc: in_channels // 2\n  - fc: in_channels // 2") == [256, 128, 64]


def test_first_repetition_differs() -> None:
    """The stride of the first of a stage, as ResNets have it."""
    layers = (
        "  - conv: {filters: 8, kernel: 1, stride: 2 if index == 0 else 1}\n    repeat: 3\n    name: stage"
    )
    assert [step.output for step in plan(layers).layers] == [(8, 4, 4)] * 3


def test_index_is_known_in_nested_items() -> None:
    """What is written inside a repeating item knows its index, at any depth."""
    layers = """
  - sequence:
      - conv: {filters: index + 1, kernel: 1}
      - residual:
          - conv: {filters: in_channels + 0 * index, kernel: 1}
            when: index > 0
          - tanh: {}
            repeat: index
    repeat: 3
    name: s
"""
    assert paths(layers) == [
        *("s.0.conv1", "s.1.conv1", "s.1.residual1.layers.conv1", "s.1.residual1.layers.tanh1"),
        *("s.2.conv1", "s.2.residual1.layers.conv1"),
        *("s.2.residual1.layers.tanh1", "s.2.residual1.layers.tanh2"),
    ]


def test_the_inner_index_goes_first() -> None:
    """Within repetitions of repetitions, `index` is that of the inner one."""
    layers = """
  - sequence:
      - conv: {filters: 10 * count + index, kernel: 1}
        repeat: index + 1
    repeat: 2
"""
    assert filters(layers) == [10, 20, 21]


def test_repetition_of_nothing() -> None:
    """A group of no repetitions is not there, and its name is free."""
    assert paths("  - relu: {}\n    repeat: 0\n    name: a\n  - tanh: {}\n    name: a\n  - relu") == [
        "a",
        "relu1",
    ]


def test_group_of_repetitions() -> None:
    """Named repetitions are a group with the numbers of all of them."""
    (group,) = plan("  - conv: {filters: 4, kernel: 1}\n    repeat: 3\n    name: stage").steps
    assert (group.path, group.type, group.params) == ("stage", "sequence", 3 * 20)
    assert [child.name for child in group.children] == ["0", "1", "2"]


# when.
CONDITIONS = {
    "true": ("true", True),
    "false": ("false", False),
    "a comparison": ("in_channels > 3", True),
    "a variable": ("deep", True),
    "not": ("not deep", False),
    "and": ("deep and width == 8", True),
    "or": ("not deep or width > 8", False),
    "a word": ("mode == same", True),
    "a chain": ("1 < width <= 8", True),
    "in quotes": ('"max(1, width) == 8"', True),
}


@pytest.mark.parametrize("case", CONDITIONS.values(), ids=CONDITIONS)
def test_when(case: tuple[str, bool]) -> None:
    """`when` keeps an item where it is true, and drops it where it is false."""
    condition, there = case
    layers = f"  - tanh\n  - relu: {{}}\n    when: {condition}\n  - gelu"
    expected = ["tanh1", *(["relu1"] if there else []), "gelu1"]
    assert paths(layers, "vars: {deep: true, width: 8, mode: same}") == expected


def test_what_is_dropped_is_not_counted() -> None:
    """A dropped item takes no number and no name."""
    layers = "  - relu: {}\n    when: false\n  - relu\n  - relu: {}\n    name: a\n    when: false\n  - tanh: {}\n    name: a"
    assert paths(layers) == ["relu1", "a"]


def test_what_is_dropped_is_not_evaluated() -> None:
    """Expressions of a dropped item may have no value."""
    layers = "  - conv: {filters: 1 // (width - 8), kernel: 1}\n    repeat: 1 // (width - 8)\n    when: width != 8\n  - relu"
    assert paths(layers, "vars: {width: 8}") == ["relu1"]


def test_what_is_dropped_is_read() -> None:
    """Mistakes of form in a dropped item are told all the same."""
    assert told(text("  - conv: {filtres: 3, kernel: 1}\n    when: false")) == [
        "4:12: unknown field 'filtres' of conv. Did you mean 'filters'?"
    ]


# when with repeat.
def test_when_of_all() -> None:
    """A condition without `index` is asked once, for all repetitions."""
    layers = "  - conv: {filters: 8, kernel: 1}\n    repeat: 2\n    when: in_channels == 4"
    assert filters(layers) == [8, 8]


def test_when_of_each() -> None:
    """A condition on `index` is asked for each repetition; those that are there keep their number."""
    assert paths("  - relu: {}\n    repeat: 4\n    when: index != 1\n    name: r") == ["r.0", "r.2", "r.3"]
    assert paths("  - relu: {}\n    repeat: 4\n    when: index % 2 == 0\n  - relu") == [
        "relu1",
        "relu2",
        "relu3",
    ]


def test_when_of_the_last() -> None:
    """A condition may ask for the last repetition."""
    assert paths("  - relu: {}\n    repeat: 3\n    when: index == count - 1\n    name: r") == ["r.2"]


def test_in_channels_in_a_condition_of_each() -> None:
    """Where each repetition is asked, `in_channels` are those that enter it."""
    layers = "  - conv: {filters: 2 * in_channels, kernel: 1}\n    repeat: 5\n    when: in_channels < 16 and index >= 0"
    assert filters(layers) == [8, 16]


def test_when_drops_all_repetitions() -> None:
    """A named group of which every repetition is dropped is not there."""
    assert paths("  - relu: {}\n    repeat: 3\n    when: index > 5\n    name: r\n  - tanh") == ["tanh1"]


def test_most_repetitions() -> None:
    """The bound itself may be repeated."""
    assert len(paths(f"  - relu: {{}}\n    repeat: {MAX_REPEAT}")) == MAX_REPEAT


ITEMS: Any = st.lists(
    st.fixed_dictionaries(
        {"conv": st.sampled_from([{"filters": 4, "kernel": 1}, {"filters": "index + 1", "kernel": 1}])},
        optional={"when": st.sampled_from([True, False, "index > 0", "count == 2", "in_channels > 2"])},
    ).flatmap(lambda item: st.integers(0, 3).map(lambda repeat: item | {"repeat": repeat})),
    max_size=4,
)


@given(ITEMS)
def test_as_loops(items: list[dict[str, Any]]) -> None:
    """Modifiers do what loops and conditions of Python would do."""
    expected = []
    channels = 4
    for item in items:
        when = item.get("when", True)
        if when == "in_channels > 2" and channels <= 2:
            continue
        for index in range(item["repeat"]):
            there = {"index > 0": index > 0, "count == 2": item["repeat"] == 2, False: False}.get(when, True)
            if there:
                channels = 4 if item["conv"]["filters"] == 4 else index + 1
                expected.append(channels)
    written = to_yaml({"input": [4, 2, 2], "layers": ["relu", *items]})
    assert [step.output[0] for step in cnnspec.loads(written).plan().layers[1:]] == expected
