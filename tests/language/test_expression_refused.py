"""What is no expression is refused when it is read; what has no value, when it is evaluated."""

from typing import Any

import pytest
from telling import NAMES

from cnnspec.errors import RuleError
from cnnspec.language.arithmetic import MAX_NUMBER
from cnnspec.language.expression import MAX_NESTING, parse


def refusal(text: str, **names: Any) -> RuleError:
    """Return what is said against a text, when it is read or when it is evaluated."""
    with pytest.raises(RuleError) as caught:
        value(text, **names)
    return caught.value


def value(text: str, **names: Any) -> Any:
    return parse(text).evaluate({**NAMES, **names})


FOREIGN = {
    "attribute": ("width.real", "nothing has attributes"),
    "method": ("width.bit_length()", "only functions can be called"),
    "dunder": ("width.__class__", "nothing has attributes"),
    "import": ("__import__('os')", "''' means nothing in it"),
    "import without quotes": ("__import__(os)", ""),
    "eval": ("eval(width)", ""),
    "a name that is called": ("width(1)", ""),
    "a result that is called": ("max(1)(2)", "only functions can be called"),
    "lambda": ("lambda: 1", "':' means nothing in it"),
    "lambda without a colon": ("lambda", "it may hold"),
    "comprehension": ("[x for x in depths]", "it may hold"),
    "generator": ("sum(x for x in depths)", "it may hold"),
    "text": ("'text'", "means nothing in it"),
    "formatted text": ('f"{width}"', "means nothing in it"),
    "walrus": ("(x := 3)", "':' means nothing in it"),
    "starred": ("max(*depths)", "takes plain values only"),
    "keyword argument": ("round(number=2)", "takes plain values only"),
    "slice": ("depths[0:2]", "':' means nothing in it"),
    "two indices": ("rows[0, 1]", "an index is one number"),
    "tuple": ("(1, 2)", "a comma stands only between the values of a function"),
    "list": ("[1, 2]", "a list is no part of an expression"),
    "set": ("{1, 2}", "'{' means nothing in it"),
    "mapping": ("{1: 2}", "'{' means nothing in it"),
    "is": ("width is 8", "it may hold"),
    "in": ("1 in depths", "it may hold"),
    "yield": ("(yield)", "it may hold"),
    "await": ("await width", "it may hold"),
    "statement": ("width; 1", "';' means nothing in it"),
    "assignment": ("width = 3", "`=` compares nothing"),
    "matrix product": ("width @ 2", "'@' means nothing in it"),
    "shift": ("width << 1", "it may hold"),
    "bits": ("width & 1", "'&' means nothing in it"),
    "inversion": ("~width", "'~' means nothing in it"),
    "caret": ("width ^ 2", "'^' means nothing in it"),
    "underscores in a number": ("1_000", "1_000 is not a number"),
    "hexadecimal": ("0x10", "0x10 is not a number"),
    "octal": ("0o10", "0o10 is not a number"),
    "leading zero": ("010", "it may hold"),
    "complex": ("1j", "1j is not a number"),
    "ellipsis": ("...", "... is not a number"),
    "None": ("None", "None is not a number"),
    "comment": ("1 # one", "'#' means nothing in it"),
    "other letters": ("größe", "'ö' means nothing in it"),
    "other digits": ("٣", "means nothing in it"),
    "a backslash": ("1 \\ 2", "means nothing in it"),
    "nothing": ("", ""),
    "half an expression": ("1 +", "it may hold"),
    "two numbers": ("1 2", "it may hold"),
    "if without else": ("1 if deep", "`if` needs an `else`"),
    "an open bracket": ("max(width, 2", "a bracket is never closed"),
    "a bracket too many": ("1)", "it may hold"),
    "too few values": ("min()", "min takes 1 to 16 values, not 0"),
    "too many values": ("len(1, 2)", "len takes 1 value, not 2"),
    "a third value": ("make_divisible(1, 2, 3)", "make_divisible takes 1 to 2 values, not 3"),
}


@pytest.mark.parametrize("case", FOREIGN.values(), ids=FOREIGN)
def test_foreign(case: tuple[str, str]) -> None:
    """What the language does not have is refused when it is read, before anything has a value."""
    text, reason = case
    with pytest.raises(RuleError) as caught:
        parse(text)
    error = caught.value
    assert error.what.startswith(("cannot read '", "unknown function '", "an expression is empty"))
    assert reason in error.why


STRICT = {
    "true is not 1": ("deep + 1", "`+` is given true", "it takes numbers"),
    "no negative truth": ("-deep", "`-` is given true", "it takes numbers"),
    "no order of truth values": ("deep < 2", "`<` is given true", "it takes numbers"),
    "and needs truth values": ("width and deep", "`and` is given 8", "it takes true or false"),
    "also on its right": ("deep and 1", "`and` is given 1", "it takes true or false"),
    "or needs truth values": ("0 or deep", "`or` is given 0", "it takes true or false"),
    "not needs a truth value": ("not 1", "`not` is given 1", "it takes true or false"),
    "if needs a truth value": ("1 if 1 else 2", "`if` is given 1", "it takes true or false"),
    "true does not equal 1": ("deep == 1", "== compares true with 1", "they are of different kinds"),
    "a word equals no number": ("mode != 1", "!= compares the word 'same' with 1", "of different kinds"),
    "a list equals no number": ("depths == 1", "== compares [3, 4, 23, 3] with 1", "of different kinds"),
    "no arithmetic of words": ("mode + 1", "`+` is given the word 'same'", "it takes numbers"),
    "no arithmetic of lists": ("depths * 2", "`*` is given [3, 4, 23, 3]", "it takes numbers"),
    "no function of words": ("abs(mode)", "`abs` is given the word 'same'", "it takes numbers"),
    "no function of truth values": ("max(deep, 1)", "`max` is given true", "it takes numbers"),
    "no list among numbers": ("max(depths, 1)", "`max` is given [3, 4, 23, 3]", "it takes numbers"),
    "no list of lists": ("sum(rows)", "`sum` is given [16, 1]", "it takes numbers"),
    "sum takes a list": ("sum(width)", "sum is given 8", "it takes a list"),
    "len takes a list": ("len(mode)", "len is given the word 'same'", "it takes a list"),
    "no least of nothing": ("min(empty)", "`min(empty)` is of an empty list", ""),
    "only lists have entries": ("width[0]", "`width` is 8", "only a list can be indexed"),
    "words have no letters": ("mode[0]", "`mode` is the word 'same'", "only a list can be indexed"),
    "an index is no truth value": ("depths[deep]", "the index of `depths` is true", "it must be a whole number"),
    "an index is whole": ("depths[half]", "the index of `depths` is 0.5", "it must be a whole number"),
    "an entry too far": ("depths[4]", "`depths` has no entry 4", "it has entries 0 to 3"),
    "an entry before the first": ("depths[-5]", "`depths` has no entry -5", "it has entries 0 to 3"),
    "no entry at all": ("empty[0]", "`empty` has no entry 0", "it is empty"),
    "a divisor of 0": ("make_divisible(8, 0)", "make_divisible is given the divisor 0", "greater than 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", STRICT.values(), ids=STRICT)
def test_strict(case: tuple[str, str, str]) -> None:
    """Nothing is converted: each kind of value is taken only where it is meant."""
    text, what, why = case
    error = refusal(text)
    assert error.what == what
    assert why in error.why


BOUNDS = {
    "a tower of powers": ("9**9**9", "`9 ** 9 ** 9` is too large"),
    "a power": ("2 ** 60", "`2 ** 60` is too large"),
    "a power of a fraction": ("2.5 ** 100", "`2.5 ** 100` is too large"),
    "a power that overflows": ("10.0 ** 72", "`10.0 ** 72` is too large"),
    "a product": ("10 ** 18 * 10", "`10 ** 18 * 10` is too large"),
    "a negative product": ("-10 ** 18 - 1", "`-10 ** 18 - 1` is too large"),
    "a quotient": ("10 ** 18 / 0.1", "`10 ** 18 / 0.1` is too large"),
    "a sum": ("sum(large)", "`sum(large)` is too large"),
    "division by zero": ("width / 0", "`width / 0` divides by 0"),
    "whole division by zero": ("width // (8 - width)", "`width // (8 - width)` divides by 0"),
    "a rest by zero": ("width % 0", "`width % 0` divides by 0"),
    "a root of a negative number": ("(-8) ** 0.5", "`(-8) ** 0.5` is not a real number"),
}


@pytest.mark.parametrize("case", BOUNDS.values(), ids=BOUNDS)
def test_bounds(case: tuple[str, str]) -> None:
    """Results beyond the bounds are refused at once, in the words of the expression."""
    text, what = case
    assert refusal(text, large=[MAX_NUMBER, MAX_NUMBER]).what == what


def test_the_largest_number() -> None:
    """The bound itself is a number."""
    assert value("10 ** 18") == MAX_NUMBER
    assert value("9" * 18) == MAX_NUMBER - 1


@pytest.mark.parametrize("text", ["9" * 19, "1e19", "1e999", "0." + "1" * 18])
def test_digits(text: str) -> None:
    """A number of more than 18 digits is refused when it is read."""
    with pytest.raises(RuleError) as caught:
        parse(f"1 + {text}")
    assert caught.value.why == "numbers have at most 18 digits"


@pytest.mark.parametrize(
    "nested", ["-{}", "abs({})", "(1 + {})", "not {}", "({} if true else 1)", "depths[{}]"]
)
def test_nesting(nested: str) -> None:
    """Expressions are nested 32 levels deep and no deeper."""
    inner = "1"
    for _ in range(MAX_NESTING):
        inner = nested.format(inner)
    if len(inner) <= 300:
        parse(inner)
        assert refusal(nested.format(inner)).why == "it is nested deeper than 32 levels"
    else:
        assert "longer than 300" in refusal(inner).why


@pytest.mark.parametrize("bracket", ["(", "[", "-(", "((" * 50, "not " * 30])
def test_brackets_without_end(bracket: str) -> None:
    """Brackets upon brackets stop no reader."""
    with pytest.raises(RuleError):
        parse((bracket * 300)[:300])


def test_length() -> None:
    """A text of more than 300 characters is refused, however harmless."""
    assert value(f"max({', '.join(['1' * 16] * 16)})") == int("1" * 16)
    error = refusal(f"max({', '.join(['1' * 17] * 16)})")
    assert (error.why, error.fix) == ("it is longer than 300 characters", "Give parts of it names in `vars`")
    assert len(error.what) < 120


KNOWN = frozenset({"width", "depths", "in_channels"})
WORDS = frozenset({"same", "reflect"})


@pytest.mark.parametrize(
    ("text", "name", "column", "fix"),
    [
        ("widht", "widht", 0, "Did you mean 'width'?"),
        ("4 * widht", "widht", 4, "Did you mean 'width'?"),
        ("width + dephts[0]", "dephts", 8, "Did you mean 'depths'?"),
        ("width if in_chanels > 1 else 2", "in_chanels", 9, "Did you mean 'in_channels'?"),
        ("mode == reflct", "mode", 0, ""),
        ("width == reflct", "reflct", 9, "Did you mean 'reflect'?"),
        ("max(width, nothing)", "nothing", 11, ""),
        ("width + max", "max", 8, ""),
    ],
)
def test_unknown_name(text: str, name: str, column: int, fix: str) -> None:
    """The first unknown name is told with its column and the nearest name, a variable before a word."""
    with pytest.raises(RuleError) as caught:
        parse(text).check_names(KNOWN, WORDS)
    error = caught.value
    assert (error.what, error.column, error.fix) == (f"unknown name '{name}'", column, fix)


def test_known_names() -> None:
    """Variables, words and truth values are known."""
    parse("width == 3 or true and reflect == same").check_names(KNOWN, WORDS)


@pytest.mark.parametrize("name", ["index", "count", "in_channels"])
def test_names_known_elsewhere(name: str) -> None:
    """A name that the language has in other places is told where it is known."""
    with pytest.raises(RuleError) as caught:
        parse(f"2 * {name}").check_names(frozenset({"width"}))
    assert "it is known only in" in caught.value.why


def test_names_that_come_later() -> None:
    """A name that stands below cannot be used above."""
    with pytest.raises(RuleError) as caught:
        parse("2 * depth").check_names(KNOWN, WORDS, frozenset({"depth"}))
    assert (caught.value.what, caught.value.fix) == ("'depth' has no value yet", "Move it up")


@pytest.mark.parametrize(
    ("text", "name", "column", "near"),
    [
        ("4 * make_divisble(width)", "make_divisble", 4, "make_divisible"),
        ("int(2.5)", "int", 0, "floor"),
        ("maximum(1, 2)", "maximum", 0, "max"),
        ("length(depths)", "length", 0, "len"),
        ("Max(1, 2)", "Max", 0, "max"),
    ],
)
def test_unknown_function(text: str, name: str, column: int, near: str) -> None:
    """A function that there is not is told with its column and the nearest that there is."""
    error = refusal(text)
    assert (error.what, error.column) == (f"unknown function '{name}'", column)
    assert error.fix == f"Did you mean '{near}'?"
