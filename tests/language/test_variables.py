"""Variables are named once and used everywhere."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telling import told

import cnnspec
from cnnspec.language.field_words import words
from cnnspec.language.yaml_text import to_yaml


def spec(variables: str, layer: str = "relu", **more: Any) -> cnnspec.Spec:
    return cnnspec.loads(f"input: [4, 6, 6]\nvars: {variables}\nlayers:\n  - {layer}\n", **more)


VALUES: dict[str, tuple[str, dict[str, Any]]] = {
    "numbers": ("{a: 3, b: 2.5, c: -1, d: 1e-3}", {"a": 3, "b": 2.5, "c": -1, "d": 0.001}),
    "truth values": ("{a: true, b: not a, c: 1 > 2}", {"a": True, "b": False, "c": False}),
    "words": ("{a: same, b: reflect, c: a}", {"a": "same", "b": "reflect", "c": "same"}),
    "lists": ("{a: [1, 2], b: [true, same, 0.5]}", {"a": [1, 2], "b": [True, "same", 0.5]}),
    "no entries": ("{a: []}", {"a": []}),
    "lists of lists": ("{a: [[16, 1], [24, 2]], b: 'a[1][0]'}", {"a": [[16, 1], [24, 2]], "b": 24}),
    "a later one uses an earlier one": ("{a: 3, b: a + 1, c: a * b}", {"a": 3, "b": 4, "c": 12}),
    "lists of expressions": ("{a: 3, b: [a, 2 * a, [a > 1]]}", {"a": 3, "b": [3, 6, [True]]}),
    "a list again": ("{a: [1, 2], b: a}", {"a": [1, 2], "b": [1, 2]}),
    "whole results are whole": ("{a: 0.25 * 64, b: 8 / 2}", {"a": 16, "b": 4}),
    "quotes around an expression": ("{a: 'max(1, 2)', b: \"2 * a\"}", {"a": 2, "b": 4}),
    "none": ("{}", {}),
}


@pytest.mark.parametrize("case", VALUES.values(), ids=VALUES)
def test_values(case: tuple[str, dict[str, Any]]) -> None:
    """Variables are numbers, truth values, words or lists of them, evaluated in their order."""
    text, expected = case
    values = spec(text).vars
    assert values == expected
    assert [type(v) for v in values.values()] == [type(v) for v in expected.values()]


PLACES = {
    "input": ("[1, size, size // 2]", "conv: {filters: 2, kernel: 1}"),
    "a field": ("[1, 8, 4]", "conv: {filters: n, kernel: 1}"),
    "the main field": ("[1, 8, 4]", "maxpool: n"),
    "a list of a field": ("[1, 8, 4]", "conv: {filters: 2, kernel: [n, 1]}"),
    "a truth value": ("[1, 8, 4]", "conv: {filters: 2, kernel: 1, bias: not flag}"),
    "a word": ("[1, 8, 4]", "conv: {filters: 2, kernel: 3, padding: mode}"),
    "a choice of words": ("[1, 8, 4]", "conv: {filters: 2, kernel: 3, padding: mode if n > 1 else valid}"),
    "a word or a number": ("[1, 8, 4]", "conv: {filters: 2, kernel: 3, padding: mode if flag else n}"),
    "a probability": ("[1, 8, 4]", "dropout: 1 / n"),
}
WRITTEN = {
    "input": ("[1, 8, 4]", "conv: {filters: 2, kernel: 1}"),
    "a field": ("[1, 8, 4]", "conv: {filters: 2, kernel: 1}"),
    "the main field": ("[1, 8, 4]", "maxpool: 2"),
    "a list of a field": ("[1, 8, 4]", "conv: {filters: 2, kernel: [2, 1]}"),
    "a truth value": ("[1, 8, 4]", "conv: {filters: 2, kernel: 1, bias: false}"),
    "a word": ("[1, 8, 4]", "conv: {filters: 2, kernel: 3, padding: same}"),
    "a choice of words": ("[1, 8, 4]", "conv: {filters: 2, kernel: 3, padding: same}"),
    "a word or a number": ("[1, 8, 4]", "conv: {filters: 2, kernel: 3, padding: same}"),
    "a probability": ("[1, 8, 4]", "dropout: 0.5"),
}


@pytest.mark.parametrize("place", PLACES)
def test_used_everywhere(place: str) -> None:
    """A variable stands for its value wherever a value stands."""

    def layers(case: tuple[str, str], variables: str) -> Any:
        text = f"input: {case[0]}\nvars: {variables}\nlayers:\n  - {case[1]}\n"
        return [(s.layer, s.input, s.output) for s in cnnspec.loads(text).plan().layers]

    variables = "{size: 8, n: 2, flag: true, mode: same}"
    assert layers(PLACES[place], variables) == layers(WRITTEN[place], "{}")


def test_used_in_training() -> None:
    """The sections for data and training may use variables, too."""
    train = "train: {epochs: 2 * e, batch_size: 2 ** e, optimizer: {adam: {lr: 1 / 10 ** e}}}"
    data = "data: {normalize: {mean: [m, m], std: 1 - m}}"
    text = f"input: [1, 8]\nvars: {{e: 3, m: 0.25}}\nlayers: [relu]\n{train}\n{data}\n"
    spec = cnnspec.loads(text)
    assert (spec.train.epochs, spec.train.batch_size, spec.train.optimizer.options.lr) == (6, 8, 0.001)
    assert spec.data.normalize is not None
    assert (spec.data.normalize.mean, spec.data.normalize.std) == ((0.25, 0.25), 0.75)


def test_text_stays_text() -> None:
    """A name or description that happens to be called like a variable is not replaced."""
    text = "name: width\ndescription: 2 * width\ninput: [1, 8]\nvars: {width: 3}\nlayers: [relu]\n"
    spec = cnnspec.loads(text)
    assert (spec.name, spec.description) == ("width", "2 * width")


WRONG = {
    "in the wrong order": ("vars: {a: b, b: 1}", "2:11: 'b' has no value yet; a value may use only those"),
    "of itself": ("vars: {a: a + 1}", "2:11: 'a' has no value yet"),
    "in_channels": ("vars: {a: in_channels}", "2:11: unknown name 'in_channels'; it is known only in layers"),
    "index": ("vars: {a: index}", "2:11: unknown name 'index'; it is known only in an item with `repeat`"),
    "nothing": ("vars: {a: }", "2:11: a is nothing; a value is a number, true or false, a word, or a list"),
    "nothing in a list": ("vars: {a: [1, null]}", "2:15: 1 is nothing; a value is a number"),
    "a mapping": ("vars: {a: {b: 1}}", "2:11: a is a mapping; a value is a number"),
    "a mapping in a list": ("vars: {a: [{b: 1}]}", "2:12: 0 is a mapping; a value is a number"),
    "text": ("vars: {a: 'hello'}", "2:12: unknown name 'hello'; it is neither a name known here nor a word"),
    "a number in quotes": ("vars: {a: '3'}", "2:11: '3' is text; quotes make it a string. Remove the quotes: 3."),
    "true in quotes": ("vars: {a: 'true'}", "2:11: 'true' is text; quotes make it a string. Remove the quotes"),
    "a call": ("vars: {a: print(1)}", "2:11: unknown function 'print'. There are min"),
    "an infinite number": ("vars: {a: .inf}", "2:11: .inf is not a finite number; no field can take it."),
    "a division": ("vars: {a: 1 / 0, b: a, c: b + 1}", "2:11: `1 / 0` divides by 0."),
    "twice": ("vars: {a: 1, a: 2}", "2:14: 'a' stands twice; first in line 2. Remove one of them."),
    "a list without brackets": ("vars: {a: 1, 2}", "2:14: 2 stands in `vars` without a name. Put a list in"),
    "a comma in braces": ("vars: {a: 'max(1, 2)', b: max(1, a)}", "2:27: cannot read 'max(1' as an expression"),
    "no mapping": ("vars: [1]", "2:7: vars is [1]; it must be a mapping. Remove the dashes."),
    "an empty section": ("vars:", "2:6: vars is nothing; it must be a mapping."),
    "a name with a dash": ("vars: {a-b: 1}", "2:8: a variable cannot be called 'a-b'; it must be letters"),
    "a name that begins with a digit": ("vars: {1a: 1}", "2:8: a variable cannot be called '1a'; it must be"),
    "a long name": (f"vars: {{{'a' * 65}: 1}}", "2:8: a variable cannot be called 'aaaa"),
    "other letters": ("vars: {größe: 1}", "2:8: a variable cannot be called 'größe'; it must be letters"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong(case: tuple[str, str]) -> None:
    """Each mistake in variables is told once, at its place."""
    text, message = case
    (problem,) = told(f"input: [4, 6, 6]\n{text}\nlayers: [relu]\n")
    assert problem.startswith(message)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "index",
            "count",
            "in_channels",
            "true",
            "false",
            "True",
            "and",
            "or",
            "not",
            "if",
            "else",
            "None",
            "for",
            "lambda",
        ),
        *("min", "max", "abs", "round", "floor", "ceil", "sum", "len", "make_divisible"),
        *sorted(words()),
    ],
)
def test_reserved(name: str) -> None:
    """No variable and no argument is called as something that expressions know, or as a word of a field."""
    block = f"blocks: {{b: {{args: {{'{name}': 1}}, layers: [relu]}}}}"
    for section, what in ((f"vars: {{'{name}': 1}}", "a variable"), (block, "an argument")):
        (problem,) = told(f"input: [4, 6, 6]\n{section}\nlayers: [relu]\n")
        assert f"{what} cannot be called '{name}'" in problem


def test_words_are_those_of_fields() -> None:
    """The words that may stand bare are those that some layer's field takes."""
    assert {"same", "valid", "zeros", "reflect", "replicate", "circular"} <= words()


@pytest.mark.parametrize("name", ["conv", "relu", "width", "_a", "a1", "A", "match", "x" * 64])
def test_free_names(name: str) -> None:
    """Names of layers and of Python are free: only expressions count."""
    assert cnnspec.loads(f"input: [1, 8]\nvars: {{{name}: 2}}\nlayers: [maxpool: {name}]").vars == {name: 2}


def test_broken_variables_are_told_alone() -> None:
    """What uses a variable that is wrong is not told as well, but other mistakes are."""
    text = "input: [4, 6, 6]\nvars: {a: 1 / 0, b: 2 * a}\nlayers:\n  - conv: {filters: b, kernal: 3}\n"
    first, second = told(text)
    assert first == "2:11: `1 / 0` divides by 0."
    assert second == "4:24: unknown field 'kernal' of conv. Did you mean 'kernel'?"


SCALARS = st.one_of(
    st.integers(-(10**17), 10**17),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda v: round(v, 6)),
    st.booleans(),
    st.sampled_from(sorted(words())),
)


@given(st.dictionaries(st.from_regex(r"\Av[a-z]{0,8}\Z"), SCALARS | st.lists(SCALARS | st.lists(SCALARS))))
def test_any_value_reads_back(variables: dict[str, Any]) -> None:
    """Whatever a variable can be is read from YAML as it was written, given in the file or by `set`."""
    variables = {name: value for name, value in variables.items() if name not in words()}
    top = {"input": [1, 8], "layers": ["relu"]}
    written = cnnspec.loads(to_yaml(top | {"vars": variables}))
    zeros = dict.fromkeys(variables, 0)
    given = cnnspec.loads(to_yaml(top | {"vars": zeros}), set=variables)
    for spec in (written, given):
        assert repr(_whole(dict(spec.vars))) == repr(_whole(variables))


def _whole(value: Any) -> Any:
    """Return a value with its whole floats as ints, as both stand for the same number."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
