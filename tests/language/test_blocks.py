"""Blocks are written once with arguments, and used like layers; they see nothing else of where they are used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telling import CONV_BN, told, with_blocks

import cnnspec
from cnnspec.language.yaml_text import to_yaml


def plan(*parts: str) -> cnnspec.Plan:
    return cnnspec.loads(with_blocks(*parts)).plan()


def paths(*parts: str) -> list[str]:
    return [step.path for step in plan(*parts).layers]


def filters(*parts: str) -> list[int]:
    return [step.output[0] for step in plan(*parts).layers if step.type == "conv"]


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
    (problem,) = told(with_blocks(blocks, "  - outer"))
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
    (problem,) = told(with_blocks(block, "  - b1: {}\n    repeat: 3"))
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
        with_blocks(
            CONV_BN, "  - conv_bn: width\n  - conv_bn: {filters: 3}\n    when: width > 2", "vars: {width: 3}"
        )
    )
    again = cnnspec.loads(to_yaml(spec.resolved()))
    assert [(s.path, s.layer) for s in again.plan().layers] == [(s.path, s.layer) for s in spec.plan().layers]
    assert again.resolved() == spec.resolved()


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
