"""`name`, `repeat` and `when` beside a layer: what they do, alone and together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.items import MAX_REPEAT, RESERVED
from cnnspec.yaml_text import to_yaml


def text(layers: str, more: str = "") -> str:
    return f"input: [4, 8, 8]\n{more}\nlayers:\n{layers.strip(chr(10))}\n"


def plan(layers: str, more: str = "") -> cnnspec.Plan:
    return cnnspec.loads(text(layers, more)).plan()


def paths(layers: str, more: str = "") -> list[str]:
    return [step.path for step in plan(layers, more).layers]


def filters(layers: str, more: str = "") -> list[int]:
    return [step.output[0] for step in plan(layers, more).layers]


def told(layers: str, more: str = "") -> list[str]:
    """Return what is said about a text, a line for each problem, without its file."""
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(text(layers, more), file="net.yaml").plan()
    return [str(problem).splitlines()[0].removeprefix("net.yaml:") for problem in caught.value.problems]


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
    assert told("  - conv: {filtres: 3, kernel: 1}\n    when: false") == [
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


# name.
def test_names() -> None:
    """A name is the module's; other layers are numbered as if it weren't there."""
    layers = "  - relu\n  - relu: {}\n    name: stem\n  - relu"
    assert paths(layers) == ["relu1", "stem", "relu2"]


def test_numbering_by_kind() -> None:
    """Unnamed layers are numbered by kind; one that ends with a digit gets an underscore."""
    assert paths("  - relu6\n  - relu\n  - relu6\n  - relu") == ["relu6_1", "relu1", "relu6_2", "relu2"]


NAMES = ["a", "stem", "A1", "a_b", "conv9", "layer1", "x" * 64]
BAD_NAMES = {
    "": "name is ''; it must be letters, digits or `_`, at most 64, and not begin with a digit.",
    "1a": "name is '1a'; it must be letters, digits or `_`, at most 64, and not begin with a digit. Begin it with a letter.",
    "a.b": "name is 'a.b'; it must be letters, digits or `_`, at most 64, and not begin with a digit. Call it a_b, say.",
    "a b": "name is 'a b'; it must be letters, digits or `_`, at most 64, and not begin with a digit. Call it a_b, say.",
    "größe": "name is 'größe'; it must be letters, digits or `_`, at most 64, and not begin with a digit. Call it gr__e, say.",
    "x" * 65: "name is 'xxxxx",
    "_a": "a layer cannot be called '_a'; Python or PyTorch keeps that name for itself. Call it a_1, say.",
    "class": "a layer cannot be called 'class'; Python or PyTorch keeps that name for itself. Call it class_1, say.",
    "forward": "a layer cannot be called 'forward'; Python or PyTorch keeps that name for itself. Call it forward_1, say.",
}


@pytest.mark.parametrize("name", NAMES)
def test_good_names(name: str) -> None:
    """Names are letters, digits and underscores; torch finds the module by them."""
    network = plan(f"  - conv: {{filters: 2, kernel: 1}}\n    name: {name}")
    assert name in dict(network.build().named_modules())


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names(name: str) -> None:
    """Any other name is refused, with one that will do."""
    (problem,) = told(f"  - relu: {{}}\n    name: '{name}'")
    assert problem.startswith(f"5:11: {BAD_NAMES[name]}")


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_names_of_torch(name: str) -> None:
    """A layer hides nothing that torch's modules have."""
    (problem,) = told(f"  - relu: {{}}\n    name: {name}")
    assert "keeps that name for itself" in problem


CLASHES = {
    "two of a name": ("  - relu: {}\n    name: a\n  - tanh: {}\n    name: a", "7:11", "a", 5, ""),
    "a name that is numbered": ("  - relu: {}\n    name: tanh1\n  - tanh", "6:5", "tanh1", 5, ": unnamed"),
    "a number that is a name": ("  - tanh\n  - relu: {}\n    name: tanh1", "6:11", "tanh1", 4, ": unnamed"),
    "a group and a layer": ("  - relu: {}\n    name: a\n    repeat: 2\n  - tanh: {}\n    name: a", "8:11", "a", 5, ""),
    "in a sequence": ("  - sequence:\n      - relu: {}\n        name: a\n      - relu: {}\n        name: a", "8:15", "a", 6, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CLASHES.values(), ids=CLASHES)
def test_clashes(case: tuple[str, str, str, int, str]) -> None:
    """Two items of one list can't share a name."""
    layers, place, name, line, more = case
    (problem,) = told(layers)
    assert problem.startswith(
        f"{place}: two layers are called '{name}'; the first stands in line {line}. Rename one of them{more}"
    )


# Mistakes. The item stands in line 4, its modifier in line 5.
WRONG = {
    "repeat -1": ("repeat: -1", "5:13: repeat is -1; it must be a whole number from 0 to 10,000."),
    "too many": ("repeat: 10001", "5:13: repeat is 10001; it must be a whole number from 0 to 10,000."),
    "half a repetition": ("repeat: 2.5", "5:13: repeat is 2.5; it must be a whole number"),
    "true repetitions": ("repeat: true", "5:13: repeat is true; it must be a whole number"),
    "no number": ("repeat: twice", "5:13: repeat is 'twice'; it must be a whole number"),
    "nothing": ("repeat:", "5:12: repeat is nothing; it must be a whole number"),
    "a list": ("repeat: [2, 3]", "5:13: repeat is [2, 3]; it must be a whole number"),
    "in quotes": ("repeat: '3'", "5:13: '3' is text; quotes make it a string. Remove the quotes: 3."),
    "a negative result": ("repeat: depth - 4", "5:13: repeat is -1, from `depth - 4`; it must be a whole number"),
    "a fraction as a result": ("repeat: depth / 2", "5:13: repeat is 1.5, from `depth / 2`; it must be a whole number"),
    "a truth value as a result": ("repeat: depth > 2", "5:13: repeat is true, from `depth > 2`; it must be a whole number"),
    "a list as a variable": ("repeat: depths", "5:13: repeat is [2, 3], from `depths`; it must be a whole number"),
    "an unknown variable": ("repeat: dpeth", "5:13: repeat is 'dpeth'; it must be a whole number from 0 to 10,000. Did you mean 'depth'?"),
    "an unknown name": ("repeat: 2 * dpeth", "5:17: unknown name 'dpeth'. Did you mean 'depth'?"),
    "index of itself": ("repeat: index", "5:13: unknown name 'index'; it is known only in an item with `repeat`"),
    "count of itself": ("repeat: count + 1", "5:13: unknown name 'count'; it is known only in an item with `repeat`"),
    "an entry too far": ("repeat: depths[2]", "5:13: `depths` has no entry 2; it has entries 0 to 1."),
    "a number for when": ("when: 1", "5:11: when is 1; it must be true or false, such as `stride > 1`."),
    "a word for when": ("when: yes", "5:11: when is 'yes'; it must be true or false, such as `stride > 1`."),
    "nothing for when": ("when:", "5:10: when is nothing; it must be true or false"),
    "true in quotes": ("when: 'true'", "5:11: 'true' is text; quotes make it a string. Remove the quotes: true."),
    "a number as a result for when": ("when: depth - 3", "5:11: when is 0, from `depth - 3`; it must be true or false"),
    "a variable that is a number": ("when: depth", "5:11: when is 3, from `depth`; it must be true or false"),
    "a number in and": ("when: depth and 1 > 0", "5:11: `and` is given 3; it takes true or false, such as `stride > 1`."),
    "index without repeat": ("when: index > 0", "5:11: unknown name 'index'; it is known only in an item with `repeat`"),
    "a single =": ("when: depth = 3", "5:11: cannot read 'depth = 3' as an expression; `=` compares nothing. Write `==`."),
    "signs of C": ("when: depth > 1 && true", "5:11: cannot read 'depth > 1 && true' as an expression; '&' means nothing in it. Write `and`."),
    "a misspelt modifier": ("repaet: 3", "5:5: unknown modifier 'repaet'. Did you mean 'repeat'?"),
    "another word": ("device: 3", "5:5: unknown modifier 'device'. Only name, repeat and when stand beside a layer."),
    "a field": ("filters: 3", "5:5: unknown modifier 'filters'. Fields stand in the layer's braces: `conv: {filters: …}`."),
    "a second layer": ("relu: {}", "5:5: two layers in one item: conv and relu. Put a dash before relu."),
    "a number for a name": ("name: 3", "5:11: name is 3; it must be letters"),
    "nothing for a name": ("name:", "5:10: name is nothing; it must be letters, digits or `_`, at most 64, and not begin with a digit."),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong(case: tuple[str, str]) -> None:
    """Each mistake in a modifier is told once, at its place."""
    modifier, message = case
    (problem,) = told(
        f"  - conv: {{filters: 2, kernel: 1}}\n    {modifier}", "vars: {depth: 3, depths: [2, 3]}"
    )
    assert problem.startswith(message)


def test_most_repetitions() -> None:
    """The bound itself may be repeated."""
    assert len(paths(f"  - relu: {{}}\n    repeat: {MAX_REPEAT}")) == MAX_REPEAT


@pytest.mark.parametrize("name", ["repeat", "when", "name"])
def test_modifiers_stand_beside(name: str) -> None:
    """A modifier among the fields is told where it belongs."""
    (problem,) = told(f"  - conv: {{filters: 2, kernel: 1, {name}: 2}}")
    assert problem == (
        f"4:35: {name} is no field of conv; it stands beside the layer. "
        "Give it a line below `conv:`, in the same column."
    )


def test_a_problem_of_a_repetition_is_told_once() -> None:
    """What does not fit from some repetition on is told for the first of them."""
    layers = "  - maxpool: 2\n    repeat: 5\n  - fc: 3"
    assert told(layers) == [
        "4:14: kernel 2 does not fit the 1×1 input of maxpool4; the output would be empty. Use kernel ≤ 1, padding ≥ 1, or drop a pool."
    ]


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
