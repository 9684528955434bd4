"""Expressions are Python's arithmetic, strict and bounded; nothing else is ever accepted."""

import contextlib
import math
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telling import NAMES
from torchvision.models._utils import _make_divisible

from cnnspec.errors import RuleError
from cnnspec.language.arithmetic import FUNCTIONS, make_divisible
from cnnspec.language.expression import RESERVED, parse


def value(text: str, **names: Any) -> Any:
    return parse(text).evaluate({**NAMES, **names})


VALUES = {
    # Precedence, as in Python.
    "2 + 3 * 4": 14,
    "(2 + 3) * 4": 20,
    "2 ** 3 ** 2": 512,
    "-2 ** 2": -4,
    "2 ** -1": 0.5,
    "7 - 4 - 2": 1,
    "7 // 2 * 2": 6,
    "-7 // 2": -4,
    "-7 % 3": 2,
    "7 / 2": 3.5,
    "- -3": 3,
    "+width": 8,
    "1 < 2 < 3": True,
    "3 > 2 > 2": False,
    "not width == 8 or deep": True,
    "deep or flat and flat": True,
    "not flat and deep": True,
    "2 if index == 0 else 1": 1,
    "1 if flat else 2 if deep else 3": 2,
    "1 + 2 if deep else 3": 3,
    "stride > 1 or in_channels != 4 * width": True,
    # Numbers: whole ones are whole, however they are written or come about.
    "0.25 * 64": 16,
    "8 / 2": 4,
    "1e3": 1000,
    "2.0": 2,
    ".5": 0.5,
    "0.3 * 64": 19.2,
    # Names, lists and words.
    "true": True,
    "false": False,
    "depths[0]": 3,
    "depths[-1]": 3,
    "depths[index]": 23,
    "depths[4 / 2]": 23,
    "depths[width // 8]": 4,
    "rows[1][0]": 24,
    "rows[1]": [24, 2.5],
    "mode == same": True,
    "mode != same": False,
    "reflect": "reflect",
    "deep == flat": False,
    "depths == depths": True,
    # Functions.
    "min(3, 1, 2)": 1,
    "max(1, width // 3)": 2,
    "max(depths)": 23,
    "min(rows[1])": 2.5,
    "min(3)": 3,
    "abs(-3)": 3,
    "round(2.5)": 2,
    "round(3.5)": 4,
    "floor(-0.5)": -1,
    "ceil(2.1)": 3,
    "sum(depths)": 33,
    "sum(empty)": 0,
    "len(depths)": 4,
    "len(empty)": 0,
    "make_divisible(0.3 * 64)": 24,
    "make_divisible(0.3 * 64, 4)": 20,
    "make_divisible(3)": 8,
    # What is not evaluated is not wrong.
    "1 if deep else 1 / 0": 1,
    "deep or mode": True,
    "flat and 1 / 0 > 1": False,
    "2 < 1 < mode": False,
    # Spaces mean nothing.
    "  2*  width\t": 16,
    "2 *\n    width": 16,
}


@pytest.mark.parametrize(("text", "expected"), VALUES.items())
def test_value(text: str, expected: Any) -> None:
    """An expression has the value that Python's arithmetic gives it, whole numbers as int."""
    result = value(text, stride=1, in_channels=8)
    assert result == expected
    assert type(result) is type(expected)


def test_every_function_is_tried() -> None:
    """The table above calls each function."""
    assert all(any(f"{name}(" in text for text in VALUES) for name in FUNCTIONS)


# Texts of each kind of value, with no more brackets than needed: precedence is Python's to decide.
@cache
def numbers(depth: int) -> st.SearchStrategy[str]:
    """Return texts of expressions that are numbers, nested to a depth."""
    atom = st.sampled_from(["0", "1", "2", "3", "7", "10", "0.5", "2.5", "1e2", "width", "half", "depths[1]"])
    if not depth:
        return atom | st.sampled_from(
            ["len(depths)", "sum(depths)", "max(depths)", "make_divisible(width, 4)"]
        )
    one = numbers(depth - 1)
    return st.one_of(
        atom,
        st.builds("{} {} {}".format, one, st.sampled_from(["+", "-", "*", "/", "//", "%"]), one),
        st.builds("{} ** {}".format, one, st.sampled_from(["0", "1", "2", "-1", "0.5"])),
        st.builds("{}{}".format, st.sampled_from(["-", "+", "- -"]), one),
        st.builds("({} if {} else {})".format, one, truths(depth - 1), one),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), one, one),
        st.builds("{}({})".format, st.sampled_from(["", "abs", "round", "floor", "ceil"]), one),
    )


@cache
def truths(depth: int) -> st.SearchStrategy[str]:
    """Return texts of expressions that are true or false, nested to a depth."""
    atom = st.sampled_from(["true", "false", "deep", "flat"])
    if not depth:
        return atom
    one, number = truths(depth - 1), numbers(depth - 1)
    return st.one_of(
        atom,
        st.builds("{} {} {}".format, number, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), number),
        st.builds("{} < {} <= {}".format, number, number, number),
        st.builds("{} {} {}".format, one, st.sampled_from(["and", "or"]), one),
        st.builds("not {}".format, one),
        st.builds("(({}) {} ({}))".format, one, st.sampled_from(["==", "!="]), one),
        st.builds("({})".format, one),
    )


CONDITIONAL = st.builds("{} if {} else {}".format, numbers(2), truths(2), numbers(2))
ANY = st.one_of(numbers(3), truths(3), CONDITIONAL).filter(lambda text: len(text) <= 300)
PYTHON = {name: getattr(math, name, None) for name in ("floor", "ceil")} | {
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "sum": sum,
    "len": len,
    "make_divisible": _make_divisible,
    "true": True,
    "false": False,
    "__builtins__": {},
}


@given(ANY)
def test_as_python(text: str) -> None:
    """Whatever the grammar makes has the value that Python itself gives it, or goes beyond the bounds."""
    try:
        result = value(text)
    except RuleError as error:
        if "divides by 0" in error.what:
            with pytest.raises(ZeroDivisionError):
                eval(text, dict(PYTHON), dict(NAMES))  # noqa: S307  # the text was made above
        else:
            told = f"{error.what}; {error.why}"
            assert "too large" in told or "real number" in told or "nested deeper" in told
        return
    expected = eval(text, dict(PYTHON), dict(NAMES))  # noqa: S307  # as above
    assert result == expected
    assert isinstance(result, bool) == isinstance(expected, bool)
    assert isinstance(result, int) or not result.is_integer()


@given(st.floats(0.5, 1e6), st.integers(1, 512))
def test_make_divisible_as_torchvision(number: float, divisor: int) -> None:
    """make_divisible rounds as torchvision's mobile networks do."""
    assert make_divisible(number, divisor) == _make_divisible(number, divisor)


@given(st.text())
def test_any_text(text: str) -> None:
    """Every text is an expression or is refused; nothing else happens."""
    with contextlib.suppress(RuleError):
        parse(text).evaluate(NAMES)


@given(st.text(st.sampled_from(list("019.eE+-*/%()[]<>=!, widthdepnotr")), max_size=40))
def test_any_text_of_its_signs(text: str) -> None:
    """Texts of the right signs in any order are read or refused, too."""
    with contextlib.suppress(RuleError):
        parse(text).evaluate(NAMES)


def test_names_are_told() -> None:
    """An expression tells the names that it looks up, and not those of functions."""
    assert set(parse("max(width, depths[index]) if true else reflect").names) == {
        "width",
        "depths",
        "index",
        "reflect",
    }


def test_functions_are_reserved() -> None:
    """What means something in every expression can be no variable."""
    assert {*FUNCTIONS, "and", "or", "not", "if", "else", "true", "false"} <= RESERVED


@given(ANY)
def test_text_reads_back(text: str) -> None:
    """The text of an expression is the expression."""
    try:
        expression = parse(text)
    except RuleError:
        return
    assert str(parse(str(expression))) == str(expression) == " ".join(text.split())
