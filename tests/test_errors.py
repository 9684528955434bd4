"""Messages have one form, find the nearest word, and can't steer a terminal."""

import pytest

from cnnspec.errors import Place, Problem, SpecError, did_you_mean, one_of, shown


def test_form() -> None:
    """What, why and fix become one sentence and a second one, without doubled stops."""
    place = Place("a.yaml", 2, 3, "  x: 1")
    assert str(Problem("what", "why", "Fix", place)) == "a.yaml:2:3: what; why. Fix.\n      x: 1\n      ^"
    assert str(Problem("what")) == "what."
    assert str(Problem("what", fix="Did you mean 'x'?")) == "what. Did you mean 'x'?"
    assert str(Problem("what", place=Place("a", 1, 1), severity="warning")) == "a:1:1: warning: what."


def test_order() -> None:
    """An error tells its problems in the order of the file, whatever order they were found in."""
    problems = [
        Problem(str(n), place=Place("f", line, column))
        for n, (line, column) in enumerate([(9, 1), (2, 9), (2, 1)])
    ]
    assert [problem.what for problem in SpecError(*problems).problems] == ["2", "1", "0"]


@pytest.mark.parametrize("width", [20, 55, 100])
@pytest.mark.parametrize("before", [0, 10, 60, 500])
def test_caret_in_a_long_line(width: int, before: int) -> None:
    """Of a long line as much as there is room for is shown, with the caret under its place."""
    text = "a" * before + "!" + "b" * 500
    line, caret = Place("f", 1, before + 1, text).caret(width).splitlines()
    assert len(line) == width + 4
    assert line[caret.index("^")] == "!"


def test_caret_behind_wide_characters() -> None:
    """The caret stands under its place also behind characters two columns wide."""
    assert Place("f", 1, 3, "図形x").caret().splitlines()[1] == " " * 8 + "^"


@pytest.mark.parametrize("sign", ["\x1b", "\x07", "\u202e", "\u200b", "\x9b"])
def test_nothing_steers_the_terminal(sign: str) -> None:
    """No control or invisible character of a file reaches the terminal."""
    problem = Problem(f"what{sign}[31m", place=Place(f"f{sign}.yaml", 1, 2, f"x{sign}[31m: 1"))
    assert sign not in str(problem)
    assert sign not in shown(f"x{sign}")


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("filtres", "filters"),
        ("Filters", "filters"),
        ("padding-mode", "padding_mode"),
        ("out_channels", "filters"),
        ("zzz", ""),
    ],
)
def test_did_you_mean(word: str, nearest: str) -> None:
    """The nearest word is found through typos, case, dashes and other tools' names."""
    words = ("filters", "kernel", "padding_mode")
    assert did_you_mean(word, words, {"out_channels": "filters"}) == (
        f"Did you mean '{nearest}'?" if nearest else ""
    )


def test_shown() -> None:
    """Values are shown as YAML writes them, and never at length."""
    assert [shown(v) for v in (None, True, 3, 0.5, "x", [1, "a"], {"a": 1})] == [
        "nothing", "true", "3", "0.5", "'x'", "[1, 'a']", "a mapping",
    ]  # fmt: skip
    assert len(shown("x" * 10_000)) < 70
    assert len(shown([["x" * 100] * 100] * 100)) < 70


def test_one_of() -> None:
    """A list of words reads as in a sentence."""
    assert (one_of(["a"]), one_of(["a", "b"]), one_of(["a", "b", "c"])) == ("a", "a or b", "a, b or c")
