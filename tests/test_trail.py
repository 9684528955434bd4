"""A problem inside blocks names the place, and every block that led there with the values of its arguments."""

from itertools import pairwise
from typing import Any

from telling import problems, told, with_blocks

from cnnspec.errors import Problem

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


def problem_of(*parts: str) -> Problem:
    (problem,) = problems(with_blocks(*parts))
    return problem


def trail(problem: Problem) -> list[tuple[str, dict[str, Any], int]]:
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
    inside, beside = problems(with_blocks(block, "  - concat: [[b1: 99], [maxpool: 98]]"))
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
    assert [problem.partition(":")[0] for problem in told(with_blocks(block, "  - b1: 99"))] == ["8", "9"]


def test_a_long_trail_is_cut() -> None:
    """Of a deep trail the blocks nearest to the place are shown."""
    names = [f"b_{n}" for n in range(20)]
    blocks = [f"  {one}: {{layers: [{other}]}}" for one, other in pairwise(names)]
    problem = problem_of("\n".join([*blocks, "  b_19: {layers: [maxpool: 99]}"]), "  - b_0")
    assert len(problem.uses) == 20
    assert [line.split()[2].rstrip(",") for line in problem.trail] == [f"b_{n}" for n in range(19, 11, -1)]
