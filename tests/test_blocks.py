"""Blocks are written once with arguments, and used like layers; they see nothing else of where they are used."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.layers import REGISTRY
from cnnspec.yaml_text import to_yaml

CONV_BN = """
  conv_bn:
    args: {filters: null, kernel: 1, stride: 1}
    layers:
      - conv: {filters: filters, kernel: kernel, stride: stride, padding: kernel // 2, bias: false}
      - batchnorm
"""


def text(blocks: str, layers: str, more: str = "") -> str:
    return f"input: [4, 8, 8]\n{more}\nblocks:\n{blocks.strip(chr(10))}\nlayers:\n{layers.strip(chr(10))}\n"


def plan(*parts: str) -> cnnspec.Plan:
    return cnnspec.loads(text(*parts)).plan()


def paths(*parts: str) -> list[str]:
    return [step.path for step in plan(*parts).layers]


def filters(*parts: str) -> list[int]:
    return [step.output[0] for step in plan(*parts).layers if step.type == "conv"]


def told(*parts: str) -> list[str]:
    """Return what is said about a text, a line for each problem, without its file."""
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(text(*parts), file="net.yaml").plan()
    return [str(problem).splitlines()[0].removeprefix("net.yaml:") for problem in caught.value.problems]


# Arguments.
def test_as_written_out() -> None:
    """A block is its layers, with the values of the call for its arguments."""
    layers = """
  - conv_bn: {filters: 6, kernel: 3, stride: 2}
  - conv_bn: {filters: 8}
"""
    written = """
  - sequence:
      - conv: {filters: 6, kernel: 3, stride: 2, padding: 1, bias: false}
      - batchnorm
    name: conv_bn1
  - sequence:
      - conv: {filters: 8, kernel: 1, stride: 1, padding: 0, bias: false}
      - batchnorm
    name: conv_bn2
"""
    one, other = plan(CONV_BN, layers), plan(CONV_BN, written)
    assert [(s.path, s.layer, s.output) for s in one.layers] == [
        (s.path, s.layer, s.output) for s in other.layers
    ]
    assert (one.params, one.macs) == (other.params, other.macs)


def test_the_same_model() -> None:
    """The parameters of the torch model are called by the paths, and are as many as the plan says."""
    network = plan(CONV_BN, "  - conv_bn: 6\n    name: stem\n  - conv_bn: {filters: 8, kernel: 3}")
    state = network.build().state_dict()
    assert {name for name in state if name.endswith("weight")} == {
        *("stem.conv1.weight", "stem.batchnorm1.weight"),
        *("conv_bn1.conv1.weight", "conv_bn1.batchnorm1.weight"),
    }
    assert sum(p.numel() for p in network.build().parameters()) == network.params


ARGUMENTS = {
    "by name": ("- conv_bn: {filters: 6}", [6]),
    "the first alone": ("- conv_bn: 6", [6]),
    "an expression": ("- conv_bn: {filters: 2 * 3}", [6]),
    "an expression alone": ("- conv_bn: 2 * in_channels", [8]),
    "a variable": ("- conv_bn: width", [5]),
    "in_channels of the call": ("- conv_bn: in_channels + 1\n  - conv_bn: in_channels + 1", [5, 6]),
    "in any order": ("- conv_bn: {stride: 2, filters: 6}", [6]),
    "in quotes": ('- conv_bn: {filters: "max(6, 2)"}', [6]),
}


@pytest.mark.parametrize("case", ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments(case: tuple[str, list[int]]) -> None:
    """An argument is a value or an expression where the block is called; the first may stand alone."""
    call, expected = case
    assert filters(CONV_BN, f"  {call}", "vars: {width: 5}") == expected


DEFAULTS = {
    "a value": ("{a: 6}", 6),
    "an earlier argument": ("{b: 3, a: 2 * b}", 6),
    "an earlier of an earlier": ("{c: 2, b: c + 1, a: b * c}", 6),
    "a variable": ("{a: width + 1}", 6),
    "in_channels": ("{a: in_channels + 2}", 6),
    "a list": ("{b: [1, 6], a: 'b[1]'}", 6),
    "a condition": ("{deep: true, a: 6 if deep else 1}", 6),
    "a function": ('{a: "max(6, in_channels)"}', 6),
}


@pytest.mark.parametrize("case", DEFAULTS.values(), ids=DEFAULTS)
def test_defaults(case: tuple[str, int]) -> None:
    """A default may use the arguments before it, the variables, and the channels that enter the block."""
    arguments, expected = case
    block = f"  b1:\n    args: {arguments}\n    layers: [conv: {{filters: a, kernel: 1}}]"
    assert filters(block, "  - b1", "vars: {width: 5}") == [expected]


def test_defaults_follow_what_is_given() -> None:
    """A default is made of the values that the call gives."""
    block = "  b1:\n    args: {b: 1, a: 2 * b}\n    layers: [conv: {filters: a, kernel: 1}]"
    assert filters(block, "  - b1\n  - b1: 3\n  - b1: {b: 4}\n  - b1: {b: 4, a: 5}") == [2, 6, 8, 5]


def test_default_of_in_channels_is_of_the_block() -> None:
    """in_channels of a default are those that enter the block, not those of the layer that uses it."""
    block = """
  squeeze:
    args: {inner: in_channels // 2}
    layers:
      - conv: {filters: inner, kernel: 1}
      - conv: {filters: 3 * inner, kernel: 1}
      - conv: {filters: in_channels + inner, kernel: 1}
"""
    assert filters(block, "  - squeeze\n  - squeeze") == [2, 6, 8, 4, 12, 16]


def test_kinds_of_arguments() -> None:
    """Arguments are numbers, truth values, words or lists, as variables are."""
    block = """
  b1:
    args: {mode: reflect, kernel: [3, 1], bias: true, rows: [[4, 1]]}
    layers:
      - conv: {filters: "rows[0][0]", kernel: kernel, padding: 1, padding_mode: mode, bias: bias}
"""
    calls = "  - b1\n  - b1: {mode: circular, kernel: [1, 1 + 2], bias: 1 > 2, rows: [[2 * 3]]}"
    first, second = (step.layer.model_dump() for step in plan(block, calls).layers if step.layer)
    assert (first["padding_mode"], first["kernel"], first["bias"], first["filters"]) == (
        "reflect",
        (3, 1),
        True,
        4,
    )
    assert (second["padding_mode"], second["kernel"], second["bias"], second["filters"]) == (
        *("circular", (1, 3), False, 6),
    )


# Scope.
def test_arguments_go_before_variables() -> None:
    """An argument hides a variable of its name, in its block only."""
    block = "  b1:\n    args: {n: 5}\n    layers: [conv: {filters: n, kernel: 1}]"
    assert filters(block, "  - conv: {filters: n, kernel: 1}\n  - b1\n  - b1: n", "vars: {n: 3}") == [3, 5, 3]


def test_a_block_sees_nothing_of_its_caller() -> None:
    """A block's names are its own, not those of the block that uses it."""
    blocks = """
  inner:
    layers: [conv: {filters: width, kernel: 1}]
  outer:
    args: {width: 8}
    layers: [inner]
"""
    (problem,) = told(blocks, "  - outer")
    assert problem == "5:30: filters is 'width'; it must be a whole number."


def test_a_block_sees_the_variable_and_not_what_hides_it() -> None:
    """An argument that hides a variable hides it in its own block, not in those that this one uses."""
    blocks = """
  inner:
    layers: [conv: {filters: n, kernel: 1}]
  outer:
    args: {n: 8}
    layers:
      - conv: {filters: n, kernel: 1}
      - inner
"""
    assert filters(blocks, "  - outer", "vars: {n: 3}") == [8, 3]


def test_blocks_use_blocks() -> None:
    """A block uses others, whether they stand above or below it."""
    blocks = """
  outer:
    args: {width: null}
    layers:
      - inner: width + 1
      - inner: 2 * in_channels
        repeat: 2
        name: stage
      - relu
  inner:
    args: {filters: null}
    layers: [conv: {filters: filters, kernel: 1}]
"""
    assert filters(blocks, "  - outer: 5") == [6, 12, 24]
    assert paths(blocks, "  - outer: 5\n    name: net") == [
        *("net.inner1.conv1", "net.stage.0.conv1", "net.stage.1.conv1", "net.relu1"),
    ]


@pytest.mark.parametrize("name", ["index", "count"])
@pytest.mark.parametrize("place", ["{filters: NAME, kernel: 1}", "{filters: 2, kernel: 1, bias: NAME == 0}"])
def test_index_is_not_known_inside(name: str, place: str) -> None:
    """Repetitions are known only in the item that repeats, not in the block that it calls."""
    block = f"  b1:\n    layers: [conv: {place.replace('NAME', name)}]"
    (problem,) = told(block, "  - b1: {}\n    repeat: 3")
    assert f"unknown name '{name}'; it is known only in an item with `repeat`" in problem


def test_index_is_handed_over() -> None:
    """A block gets the number of the repetition as an argument."""
    block = "  b1:\n    args: {n: null}\n    layers: [conv: {filters: n + 1, kernel: 1}]"
    assert filters(block, "  - b1: 10 * count + index\n    repeat: 3") == [31, 32, 33]


def test_index_of_a_block_is_its_own() -> None:
    """An item that repeats inside a block counts its own repetitions."""
    block = """
  b1:
    args: {n: null}
    layers:
      - conv: {filters: 10 * n + index + 1, kernel: 1}
        repeat: 2
"""
    assert filters(block, "  - b1: index\n    repeat: 2") == [1, 2, 11, 12]


# Names and paths.
def test_paths() -> None:
    """A call is a group of its own scope, numbered as its block or called by its name."""
    layers = "  - conv_bn: 4\n  - conv_bn: 4\n    name: last\n  - conv_bn: 4\n    repeat: 2\n  - conv_bn: 4\n    repeat: 2\n    name: stage"
    prefixes = ["conv_bn1", "last", "conv_bn2", "conv_bn3", "stage.0", "stage.1"]
    assert paths(CONV_BN, layers) == [f"{p}.{layer}" for p in prefixes for layer in ("conv1", "batchnorm1")]


def test_numbers_do_not_meet() -> None:
    """Layers in a block are numbered apart from those outside it."""
    block = "  b1:\n    layers: [relu, relu]"
    assert paths(block, "  - relu\n  - b1\n  - relu") == ["relu1", "b1_1.relu1", "b1_1.relu2", "relu2"]


def test_a_group_adds_up() -> None:
    """A call's step has the numbers of its layers together."""
    network = plan(CONV_BN, "  - conv_bn: {filters: 6, kernel: 3}\n  - relu")
    group, _ = network.steps
    assert (group.path, group.type, group.layer, group.composite) == ("conv_bn1", "conv_bn", None, None)
    assert (group.input, group.output) == ((4, 8, 8), (6, 8, 8))
    assert group.params == sum(child.params for child in group.children) == 4 * 6 * 9 + 2 * 6
    assert group.macs == 4 * 6 * 9 * 64


def test_resolved_reads_back() -> None:
    """A spec with blocks survives being written out."""
    spec = cnnspec.loads(
        text(
            CONV_BN, "  - conv_bn: width\n  - conv_bn: {filters: 3}\n    when: width > 2", "vars: {width: 3}"
        )
    )
    again = cnnspec.loads(to_yaml(spec.resolved()))
    assert [(s.path, s.layer) for s in again.plan().layers] == [(s.path, s.layer) for s in spec.plan().layers]
    assert again.resolved() == spec.resolved()


# Mistakes. The calls stand in line 10.
CALLS = {
    "a missing argument": ("- conv_bn: {kernel: 3}", "10:5: conv_bn needs 'filters'; there is no default. Add `filters:`."),
    "none at all": ("- conv_bn", "10:5: conv_bn needs 'filters'; there is no default. Add `filters:`."),
    "nothing after the colon": ("- conv_bn:", "10:5: nothing stands after `conv_bn:`; the colon announces its fields. Write `- conv_bn: {filters: …}`."),
    "a misspelt argument": ("- conv_bn: {filtres: 3}", "10:15: unknown argument 'filtres' of conv_bn. Did you mean 'filters'?"),
    "an unknown argument": ("- conv_bn: {filters: 3, x: 3}", "10:27: unknown argument 'x' of conv_bn. It has filters, kernel or stride."),
    "a misspelt block": ("- conv_nb: {filters: 3}", "10:5: unknown layer 'conv_nb'. Did you mean 'conv_bn'?"),
    "a number in quotes": ('- conv_bn: {filters: "3"}', "10:24: '3' is text; quotes make it a string. Remove the quotes: 3."),
    "an unknown name": ("- conv_bn: {filters: widht}", "10:24: unknown name 'widht'. Did you mean 'width'?"),
    "an unknown name alone": ("- conv_bn: 2 * widht", "10:18: unknown name 'widht'. Did you mean 'width'?"),
    "nothing as a value": ("- conv_bn: {filters: null}", "10:24: filters is nothing; a value is a number, true or false, a word, or a list of these."),
    "a mapping as a value": ("- conv_bn: {filters: {a: 1}}", "10:24: filters is a mapping; a value is a number"),
    "a division by zero": ("- conv_bn: 1 / (width - 5)", "10:14: `1 / (width - 5)` divides by 0."),
    "a modifier among them": ("- conv_bn: {filters: 3, name: stem}", "10:27: name is no field of conv_bn; it stands beside the layer."),
    "a field beside it": ("- conv_bn: {filters: 3}\n    kernel: 3", "11:5: unknown modifier 'kernel'. Fields stand in the layer's braces: `conv_bn: {kernel: …}`."),
    "a comma in braces": ("- conv_bn: {filters: max(1, width)}", "10:24: cannot read 'max(1' as an expression; a bracket is never closed."),
    "a name of the block": ("- conv_bn: {filters: 3, stride: kernel}", "10:35: unknown name 'kernel'; it is neither a name known here"),
    "what a field refuses": ("- conv_bn: {filters: true}", "7:25: filters is true, from `filters`; it must be a whole number."),
    "a list for a number": ("- conv_bn: [3, 1]", "7:25: filters is [3, 1], from `filters`; it must be a whole number."),
    "a fraction": ("- conv_bn: 0.3 * width", "7:25: filters is 1.5, from `filters`; it must be a whole number. Round it"),
    "what does not fit": ("- conv_bn: {filters: 3, kernel: 99}", "7:34: kernel 99 does not fit"),
    "two blocks": ("- conv_bn: 3\n    conv_bn2: 3", "11:5: unknown modifier 'conv_bn2'"),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS.values(), ids=CALLS)
def test_wrong_calls(case: tuple[str, str]) -> None:
    """Each mistake in a call is told once, where it was made: in the call, or in the block's layer."""
    call, message = case
    block = CONV_BN.replace("padding: kernel // 2, ", "") if "fit" in message else CONV_BN
    (problem,) = told(block, f"  {call}", "vars: {width: 5}")
    assert problem.startswith(message)


# The block stands in line 4.
BLOCKS = {
    "no layers": ("b1: {}", "4:3: b1 needs 'layers'; there is no default. Add `layers:`."),
    "empty layers": ("b1: {layers: []}", "4:8: block b1 is empty. List at least one layer."),
    "nothing": ("b1:", "4:6: b1 is nothing; it must be a mapping with args or layers."),
    "a list": ("b1: [relu]", "4:7: b1 is ['relu']; it must be a mapping with args or layers. Put them under `layers:`."),
    "a misspelt key": ("b1: {layer: [relu]}", "4:8: unknown field 'layer' of b1. Did you mean 'layers'?"),
    "layers as a word": ("b1: {layers: relu}", "4:16: layers is 'relu'; it must be a list. Write `[relu]`."),
    "arguments as a list": ("b1: {args: [a, b], layers: [relu]}", "4:14: args is ['a', 'b']; it must be a mapping. Write it like `{a: null, b: null}`."),
    "a later argument": ("b1: {args: {a: b, b: 1}, layers: [relu]}", "4:18: 'b' has no value yet; a value may use only those that stand above it. Move it up."),
    "an argument of itself": ("b1: {args: {a: a + 1}, layers: [relu]}", "4:18: 'a' has no value yet"),
    "index as a default": ("b1: {args: {a: index}, layers: [relu]}", "4:18: unknown name 'index'; it is known only in an item with `repeat`"),
    "an argument called in_channels": ("b1: {args: {in_channels: 3}, layers: [relu]}", "4:15: an argument cannot be called 'in_channels'; every layer and block knows it anyway. Remove it."),
    "an argument that is no name": ("b1: {args: {a-b: 3}, layers: [relu]}", "4:15: an argument cannot be called 'a-b'; it must be letters, digits or `_`, at most 64, and not begin with a digit. Call it a_b, say."),
    "a mapping as a default": ("b1: {args: {a: {b: 1}}, layers: [relu]}", "4:18: a is a mapping; a value is a number"),
    "a comma in braces": ("b1: {args: {a: max(1, 2)}, layers: [relu]}", "4:18: cannot read 'max(1' as an expression"),
    "an infinite default": ("b1: {args: {a: .inf}, layers: [dropout: a]}", "4:18: .inf is not a finite number; no field can take it."),
    "an unknown layer": ("b1: {layers: [rleu]}", "4:17: unknown layer 'rleu'. Did you mean 'relu'?"),
    "an unknown name": ("b1: {args: {width: 1}, layers: [conv: {filters: 2 * widht, kernel: 1}]}", "4:55: unknown name 'widht'. Did you mean 'width'?"),
    "a number as a name": ("1b: {layers: [relu]}", "4:3: a block cannot be called '1b'; it must be letters, digits or `_`, at most 64, and begin with a letter."),
    "a dash in its name": ("b-1: {layers: [relu]}", "4:3: a block cannot be called 'b-1'; it must be letters"),
    "a name of torch": ("forward: {layers: [relu]}", "4:3: a block cannot be called 'forward'; that word has a meaning already."),
    "twice": ("b1: {layers: [relu]}\n  b1: {layers: [tanh]}", "5:3: 'b1' stands twice; first in line 4."),
}  # fmt: skip


@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
@pytest.mark.parametrize("case", BLOCKS.values(), ids=BLOCKS)
def test_wrong_blocks(case: tuple[str, str], used: bool) -> None:
    """A mistake in a block is told once, whether the block is used or not."""
    block, message = case
    name = block.partition(":")[0]
    (problem,) = told(f"  {block}", f"  - {name}: {{}}" if used else "  - relu")
    assert problem.startswith(message)


@pytest.mark.parametrize("name", [*sorted(REGISTRY), "name", "repeat", "when"])
def test_no_block_is_called_as_a_word_of_the_language(name: str) -> None:
    """A block never hides a layer, a composition or a modifier."""
    (problem,) = told(f"  {name}: {{layers: [tanh, relu: {{}}]}}", "  - flatten")
    assert problem.startswith(f"4:3: a block cannot be called '{name}'; ")


CYCLES = {
    "itself": ("  a: {layers: [a]}", "4:16: block a contains itself: a → a (line"),
    "each other": (
        "  a: {layers: [b]}\n  b: {layers: [relu, a]}",
        "5:22: block a contains itself: a → b → a (line",
    ),
    "three": (
        "  a: {layers: [b]}\n  b: {layers: [c]}\n  c: {layers: [a]}",
        "6:16: block a contains itself: a → b → c → a (line",
    ),
    "behind others": (
        "  a: {layers: [b, c]}\n  b: {layers: [relu]}\n  c: {layers: [b, d]}\n  d: {layers: [b, c]}",
        "7:19: block c contains itself: c → d → c (line",
    ),
    "in a residual": ("  a: {layers: [residual: [relu, a]]}", "4:33: block a contains itself: a → a (line"),
    "in a branch": ("  a: {layers: [concat: {branches: {x: [], y: [a]}}]}", "4:47: block a contains itself"),
    "under a condition": (
        "  a: {args: {n: 3}, layers: [{a: n - 1, when: n > 0}]}",
        "4:31: block a contains itself: a → a (line",
    ),
}


@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
@pytest.mark.parametrize("case", CYCLES.values(), ids=CYCLES)
def test_cycles(case: tuple[str, str], used: bool) -> None:
    """A block that contains itself is an error that shows the way round."""
    blocks, message = case
    (problem,) = told(blocks, "  - a" if used else "  - relu")
    assert problem.startswith(message)
    assert problem.endswith("Use `repeat` to do something several times.")


def test_using_a_block_twice_is_no_cycle() -> None:
    """Blocks that share another one are no cycle."""
    blocks = "  a: {layers: [b, c]}\n  b: {layers: [d]}\n  c: {layers: [d, d]}\n  d: {layers: [relu]}"
    assert len(paths(blocks, "  - a\n  - b\n  - d")) == 5


@given(st.data(), st.integers(1, 5))
def test_order_of_blocks_means_nothing(data: st.DataObject, count: int) -> None:
    """Blocks may stand in any order."""
    names = [f"b_{n}" for n in range(count)]
    blocks = {n: f"  {n}: {{layers: [{', '.join(('relu', *names[i + 1 :]))}]}}" for i, n in enumerate(names)}
    order = data.draw(st.permutations(names))
    assert paths("\n".join(blocks[n] for n in order), "  - b_0") == paths(
        "\n".join(blocks.values()), "  - b_0"
    )


# The trail.
DEEP = """
  inner:
    args: {kernel: null, filters: 2 * in_channels}
    layers:
      - conv: {filters: filters, kernel: kernel}
  outer:
    args: {sizes: [1, 1]}
    layers:
      - sequence:
          - inner: sizes[index]
            repeat: 2
"""


def problem_of(*parts: str) -> Any:
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(text(*parts), file="net.yaml").plan()
    (problem,) = caught.value.problems
    return problem


def trail(problem: Any) -> list[tuple[str, dict[str, Any], int]]:
    return [(use.block, dict(use.arguments), use.place.line) for use in problem.uses]


def test_trail() -> None:
    """A problem inside blocks tells every block on the way with the values of its arguments."""
    problem = problem_of(DEEP, "  - outer\n  - outer: {sizes: [1, 99]}")
    assert "kernel 99 does not fit the 8×8 input of outer2.sequence1.inner2.conv1" in problem.what
    assert str(problem.place) == "net.yaml:7:34"
    assert trail(problem) == [
        ("outer", {"sizes": [1, 99]}, 16),
        ("inner", {"kernel": 99, "filters": 64}, 12),
    ]
    assert str(problem).splitlines()[-2:] == [
        "    in block inner with kernel 99, filters 64, used at net.yaml:12:13",
        "    in block outer with sizes [1, 99], used at net.yaml:16:5",
    ]


def test_trail_of_a_default() -> None:
    """A default that has no value tells which call it was for."""
    block = "  b1:\n    args: {n: null, m: 1 / n}\n    layers: [relu]"
    problem = problem_of(block, "  - b1: 1\n  - b1: 0")
    assert problem.what == "`1 / n` divides by 0"
    assert trail(problem) == [("b1", {"n": 0}, 9)]


def test_trail_of_a_modifier() -> None:
    """A condition inside a block tells the values that it was asked with."""
    block = "  b1:\n    args: {n: null}\n    layers:\n      - relu: {}\n        when: n"
    problem = problem_of(block, "  - b1: 3")
    assert problem.what == "when is 3, from `n`"
    assert trail(problem) == [("b1", {"n": 3}, 10)]


def test_trail_ends_with_its_block() -> None:
    """A problem after a block, or beside it in another branch, is not in it."""
    block = "  b1:\n    args: {n: null}\n    layers: [maxpool: n]"
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(text(block, "  - concat: [[b1: 99], [maxpool: 98]]")).plan()
    inside, beside = caught.value.problems
    assert [use.block for use in inside.uses] == ["b1"]
    assert beside.uses == ()


def test_one_problem_for_many_uses() -> None:
    """What is wrong in a block is told once, with its first use, however often it is used."""
    block = "  b1:\n    args: {n: null}\n    layers: [concat: [[fc: n], []]]"
    problem = problem_of(block, "  - b1: 3\n    repeat: 50\n  - b1: 4")
    assert trail(problem) == [("b1", {"n": 3}, 8)]


def test_one_problem_for_two_branches() -> None:
    """A block that is wrong in each branch is told once, with the first of them."""
    block = "  b1:\n    args: {n: null}\n    layers: [fc: n]"
    assert trail(problem_of(block, "  - add: [[b1: 3], [b1: 4]]")) == [("b1", {"n": 3}, 8)]


def test_two_problems_of_two_lines() -> None:
    """Problems of different places in a block are both told."""
    block = "  b1:\n    args: {n: null}\n    layers:\n      - concat:\n          - [maxpool: n]\n          - [fc: n]"
    assert [problem.partition(":")[0] for problem in told(block, "  - b1: 99")] == ["8", "9"]


def test_a_long_trail_is_cut() -> None:
    """Of a deep trail the blocks nearest to the place are shown."""
    names = [f"b_{n}" for n in range(20)]
    blocks = [f"  {one}: {{layers: [{other}]}}" for one, other in pairwise(names)]
    problem = problem_of("\n".join([*blocks, "  b_19: {layers: [maxpool: 99]}"]), "  - b_0")
    shown: Sequence[str] = problem.trail
    assert len(problem.uses) == 20
    assert [line.split()[2].rstrip(",") for line in shown] == [f"b_{n}" for n in range(19, 11, -1)]
