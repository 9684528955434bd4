"""Variables are named once and used everywhere; variants and `set` give them other values."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.spec import load_family, split_variant
from cnnspec.template import words
from cnnspec.yaml_text import to_yaml

FAMILY = """
input: [1, size, size]
vars:
  size: 4
  depth: 2
  width: 8
  wide: 4 * width
variants:
  small: {}
  large: {depth: 3, width: 16}
  large-2x: {width: 32, wide: 2 * width}
layers:
  - conv: {filters: wide, kernel: 1}
    repeat: depth
"""


def spec(variables: str, layer: str = "relu", **more: Any) -> cnnspec.Spec:
    return cnnspec.loads(f"input: [4, 6, 6]\nvars: {variables}\nlayers:\n  - {layer}\n", **more)


def told(text: str, **more: Any) -> list[str]:
    """Return what is said about a text, a line for each problem."""
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(text, file="net.yaml", **more).plan()
    return [str(problem).splitlines()[0] for problem in caught.value.problems]


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
    assert (spec.train.epochs, spec.train.batch_size, spec.train.optimizer.adam.lr) == (6, 8, 0.001)
    assert spec.data.normalize is not None
    assert (spec.data.normalize.mean, spec.data.normalize.std) == ((0.25, 0.25), 0.75)


def test_text_stays_text() -> None:
    """A name or description that happens to be called like a variable is not replaced."""
    text = "name: width\ndescription: 2 * width\ninput: [1, 8]\nvars: {width: 3}\nlayers: [relu]\n"
    spec = cnnspec.loads(text)
    assert (spec.name, spec.description) == ("width", "2 * width")


# Variants.
def widths(**more: Any) -> tuple[str, list[int]]:
    """Return the name and the filters of the family's network."""
    plan = cnnspec.loads(FAMILY, file="net.yaml", **more).plan()
    return plan.name, [step.output[0] for step in plan.layers]


@pytest.mark.parametrize(
    ("more", "name", "expected"),
    [
        ({}, "small", [32, 32]),
        ({"variant": "small"}, "small", [32, 32]),
        ({"variant": "large"}, "large", [64, 64, 64]),
        ({"variant": "large-2x"}, "large-2x", [64, 64]),
        ({"set": {"depth": 1}}, "small", [32]),
        ({"set": {"width": 2}}, "small", [8, 8]),
        ({"set": {"wide": 3}}, "small", [3, 3]),
        ({"set": {"wide": "width + 1"}}, "small", [9, 9]),
        ({"variant": "large", "set": {"depth": 1}}, "large", [64]),
        ({"variant": "large-2x", "set": {"width": 3}}, "large-2x", [6, 6]),
        ({"variant": "large-2x", "set": {"wide": "3 * width"}}, "large-2x", [96, 96]),
    ],
)
def test_variants_and_set(more: dict[str, Any], name: str, expected: list[int]) -> None:
    """The first variant is the default; `set` goes before the variant, which goes before `vars`."""
    assert widths(**more) == (name, expected)


def test_a_variant_changes_what_follows() -> None:
    """Variables that are made of others follow those of the variant."""
    assert cnnspec.loads(FAMILY, variant="large").vars == {"size": 4, "depth": 3, "width": 16, "wide": 64}


def test_the_spec_knows_its_variants() -> None:
    """A spec tells its variant and all there are."""
    spec = cnnspec.loads(FAMILY, variant="large")
    assert (spec.variant, spec.variants) == ("large", ("small", "large", "large-2x"))
    assert cnnspec.loads("input: [1, 8]\nlayers: [relu]").variant is None


@pytest.mark.parametrize(
    ("top", "variant", "name"),
    [
        ("", "v1", "v1"),
        ("resnet", "resnet18", "resnet18"),
        ("resnet", "wide50", "resnet-wide50"),
        ("n" * 60, "v" * 60, "n" * 60 + "-vvv"),
    ],
)
def test_name_of_a_variant(top: str, variant: str, name: str) -> None:
    """A network is called as its variant, after its family where that doesn't tell it."""
    given = f"name: {top}\n" if top else ""
    text = f"{given}input: [1, 8]\nvars: {{a: 1}}\nvariants: {{{variant}: {{}}}}\nlayers: [relu]\n"
    assert cnnspec.loads(text).name == name


@pytest.fixture
def family(tmp_path: Path) -> Path:
    path = tmp_path / "net.yaml"
    path.write_text(FAMILY)
    return path


def test_file_at_name(family: Path) -> None:
    """FILE@NAME is the file's variant."""
    assert cnnspec.load(f"{family}@large").variant == "large"
    assert cnnspec.load(family, variant="large").variant == "large"
    assert cnnspec.load(family).variant == "small"
    assert cnnspec.load(f"{family}@large", set={"depth": 1}).vars["depth"] == 1


def test_option_goes_before_the_file_name(family: Path) -> None:
    """A variant that is asked for by name goes before the one in FILE@NAME."""
    assert cnnspec.load(f"{family}@large", variant="small").variant == "small"


def test_a_file_with_an_at(tmp_path: Path) -> None:
    """A file whose name holds an @ is that file."""
    path = tmp_path / "net@large"
    path.write_text("input: [1, 8]\nlayers: [relu]\n")
    assert cnnspec.load(path).variant is None
    assert split_variant(path) == (path, None)
    assert split_variant(f"{path}@x") == (str(path), "x")
    assert split_variant("@x") == ("@x", None)


def test_load_family(family: Path) -> None:
    """All variants of a file are loaded, or the one that is named."""
    assert [s.variant for s in load_family(family)] == ["small", "large", "large-2x"]
    assert [s.variant for s in load_family(f"{family}@large")] == ["large"]
    assert [s.variant for s in load_family(family, variant="small")] == ["small"]


@pytest.mark.parametrize("variant", ["small", "large", "large-2x"])
def test_resolved_reads_back(variant: str) -> None:
    """A variant with everything written out is the same network, without the others."""
    spec = cnnspec.loads(FAMILY, variant=variant)
    again = cnnspec.loads(to_yaml(spec.resolved()))
    assert again.vars == spec.vars
    assert again.variants == ()
    assert [s.output for s in again.plan().layers] == [s.output for s in spec.plan().layers]


UNKNOWN = {
    "variant": ({"variant": "largr"}, "net.yaml: there is no variant 'largr'. Did you mean 'large'?"),
    "a strange variant": (
        {"variant": "18"},
        "net.yaml: there is no variant '18'. It has small, large or large-2x.",
    ),
    "set": ({"set": {"dept": 3}}, "set: there is no variable 'dept'. Did you mean 'depth'?"),
    "a strange variable": (
        {"set": {"x": 3}},
        "set: there is no variable 'x'. It has size, depth, width or wide.",
    ),
    "a value of nothing": (
        {"set": {"depth": None}},
        "set: depth is nothing; a value is a number, true or false, a word, or a list of these.",
    ),
    "a name above": (
        {"set": {"width": "wide"}},
        "set: unknown name 'wide'; it is neither a name known here nor a word that a layer's field takes.",
    ),
    "no expression": (
        {"set": {"width": "2 *"}},
        "set: cannot read '2 *' as an expression; it may hold",
    ),
    "a value that does not fit": (
        {"set": {"width": True}},
        "net.yaml:7:9: `*` is given true; it takes numbers.",
    ),
    "a value beyond a field": (
        {"set": {"depth": 2.5}},
        "net.yaml:14:13: repeat is 2.5, from `depth`; it must be a whole number from 0 to 10,000.",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_choices(case: tuple[dict[str, Any], str]) -> None:
    """A variant or a variable that there is not, or a value that can't be, is told once."""
    more, message = case
    (problem,) = told(FAMILY, **more)
    assert problem.startswith(message)


def test_a_file_without_variants() -> None:
    """Where there are no variants and no variables, none can be chosen."""
    text = "input: [1, 8]\nlayers: [relu]\n"
    assert told(text, variant="x") == ["net.yaml: there is no variant 'x'. It has no variants."]
    assert told(text, set={"x": 1}) == ["set: there is no variable 'x'. It has none."]


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
    "an unknown variable of a variant": ("vars: {a: 1}\nvariants: {x: {b: 1}}", "3:16: unknown variable 'b'. A variant sets what `vars` names."),
    "a misspelt variable of a variant": ("vars: {depth: 1}\nvariants: {x: {dpeth: 1}}", "3:16: unknown variable 'dpeth'. Did you mean 'depth'?"),
    "a variant that uses a later one": ("vars: {a: 1, b: 2}\nvariants: {x: {a: b}}", "3:19: 'b' has no value yet"),
    "a variant of nothing": ("vars: {a: 1}\nvariants: {x: }", "3:15: variant 'x' is nothing; it must be a mapping of variables. Write it like `x: {}`."),
    "a variant of a number": ("vars: {a: 1}\nvariants: {x: 3}", "3:15: variant 'x' is 3; it must be a mapping of variables. Write it like `x: {a: 3}`."),
    "a variant with a space": ("vars: {a: 1}\nvariants: {x y: {}}", "3:12: a variant cannot be called 'x y'; it must be letters"),
    "a list of variants": ("vars: {a: 1}\nvariants: [x]", "3:11: variants is ['x']; it must be a mapping."),
    "an expression that is wrong in a variant": ("vars: {a: 1}\nvariants: {x: {}, y: {a: 2 *}}", "3:26: cannot read '2 *' as an expression"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong(case: tuple[str, str]) -> None:
    """Each mistake in variables and variants is told once, at its place."""
    text, message = case
    (problem,) = told(f"input: [4, 6, 6]\n{text}\nlayers: [relu]\n")
    assert problem.startswith(f"net.yaml:{message}")


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
    assert first == "net.yaml:2:11: `1 / 0` divides by 0."
    assert second == "net.yaml:4:24: unknown field 'kernal' of conv. Did you mean 'kernel'?"


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
