"""The JSON Schema judges layers, values, expressions and names as cnnspec itself does."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

import cnnspec
from cnnspec.errors import RuleError
from cnnspec.language import expression, source
from cnnspec.language.arithmetic import FUNCTIONS
from cnnspec.language.validation import LIKE_A_VALUE
from cnnspec.layers import LAYERS, REGISTRY, Case
from cnnspec.views.schema import json_schema

VALID = Draft202012Validator(json_schema())

Fields = dict[str, Any]


def values(text: str) -> Any:
    document, problems = source.parse(text, "net.yaml")
    assert problems == []
    return document.value


def network(*items: Any) -> Any:
    return {"input": [3, 8, 8], "layers": list(items)}


def given_fields() -> Iterator[tuple[str, Fields]]:
    """Yield every layer with the fields of its example and of its cases, as plain values."""
    for name, element in REGISTRY.items():
        (item,) = values(f"[{element.example}]")
        alone = item[name] if isinstance(item, dict) else {}
        yield name, alone if isinstance(alone, dict) else {str(element.main): alone}
        for case in LAYERS[name].cases if name in LAYERS else ():
            yield name, plain(case)


def plain(case: Case) -> Fields:
    fields: Fields = json.loads(json.dumps(case.fields))
    return fields


GIVEN = list(given_fields())
FULLEST = dict(sorted(GIVEN, key=lambda pair: len(pair[1])))
"""Of every layer, the case with most fields."""


@pytest.mark.parametrize("name", REGISTRY)
def test_takes_examples_and_cases(name: str) -> None:
    """The example of each layer and every case of its comparison with torch are valid."""
    (example,) = values(f"[{REGISTRY[name].example}]")
    for item in [example, *({name: fields} for layer, fields in GIVEN if layer == name)]:
        assert [e.message for e in VALID.iter_errors(network(item))] == []


@pytest.mark.parametrize("name", REGISTRY)
def test_refuses_other_fields(name: str) -> None:
    """Of every layer, a field by another name is refused, and so is the lack of one that has no default."""
    element = REGISTRY[name]
    fields = FULLEST[name]
    assert VALID.is_valid(network({name: fields}))
    for field, info in element.model_fields.items():
        rest = {key: value for key, value in fields.items() if key != field}
        assert not VALID.is_valid(network({name: rest | {f"{field}x": fields.get(field, 1)}}))
        assert VALID.is_valid(network({name: rest})) != info.is_required()
    assert not VALID.is_valid(network({f"{name}x": fields}))
    required = any(info.is_required() for info in element.model_fields.values())
    assert VALID.is_valid(network(name)) != required


POOL: list[Any] = [
    None, True, 0, 1, 2, -1, 3_000_000_000, 0.5, 1.5, -0.5, "", "word", "3", "two words", "same", "zeros",
    "tanh", "sobel_x", "bilinear", [], [1], [0], [1, 2], [0, 2], [-1, 1], [1, 2, 3, 4], [True], [0.5], [None], ["3"],
    [[]], [[1]], [[0.5]], [[1, 2]], [[[1]]], {}, {"a": 1}, [{}],
]  # fmt: skip


def wrong(name: str, fields: Fields) -> bool | None:
    """Tell whether the layer refuses its fields; None where it does for a rule that is beyond a schema."""
    try:
        LAYERS[name].of(fields)
    except ValidationError as error:
        # A rule for several fields together, or for the rows of a matrix.
        known = [e["loc"] and "all rows of a matrix" not in str(e.get("ctx")) for e in error.errors()]
        return True if all(known) else None
    return False


@pytest.mark.parametrize("name", LAYERS)
def test_judges_values_as_the_layer_does(name: str) -> None:
    """Each field of each layer takes a value exactly if the layer does, and never one of another type."""
    for field in LAYERS[name].model_fields:
        for value in POOL:
            fields = FULLEST[name] | {field: value}
            allowed = VALID.is_valid(network({name: fields}))
            assert wrong(name, fields) in (None, not allowed), (field, value)


NAMES = st.sampled_from(
    ["n", "width", "in_channels", "index", "rows", "true", "False", "_x", "If1", "minimum"]
)
NUMBERS = st.sampled_from(["0", "3", "10", "0.5", "1.", ".5", "1e-3", "2E+4"])


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return expressions made of others."""
    space = st.sampled_from(["", " ", "  "])
    sign = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!="])
    function = st.sampled_from(sorted(FUNCTIONS))
    return st.one_of(
        st.tuples(inner, space, sign, space, inner).map("".join),
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map("".join),
        st.tuples(st.sampled_from(["-", "+", "not ", "- "]), inner).map("".join),
        st.tuples(st.just("("), space, inner, space, st.just(")")).map("".join),
        st.tuples(inner, st.just(" if "), inner, st.just(" else "), inner).map("".join),
        st.tuples(NAMES, st.just("["), inner, st.just("]")).map("".join),
        st.tuples(
            function, space, st.just("("), inner, st.sampled_from([", ", ","]), inner, st.just(")")
        ).map("".join),
        st.tuples(function, st.just("("), inner, st.just(")")).map("".join),
    )


@given(st.recursive(NUMBERS | NAMES, compound, max_leaves=8))
def test_takes_every_expression(text: str) -> None:
    """Whatever the language reads as an expression has the form that the schema knows."""
    try:
        expression.parse(text)
    except RuleError:
        return
    named = network("relu", {"relu": {}, "when": text}) | {"vars": {}}
    bare = LIKE_A_VALUE.fullmatch(text)
    assert VALID.is_valid(named) != bool(bare)  # in quotes, these are text


@given(st.text("ab 1.+-*/%()[]<>=!,:_?'\"&^", max_size=12))
def test_knows_what_is_no_expression(text: str) -> None:
    """Of random text, the schema takes hardly more than the language: what it takes differs in brackets only."""
    named = network({"relu": {}, "when": text}) | {"vars": {}}
    if not VALID.is_valid(named):
        return
    balanced = text.replace("[", "").replace("]", "").replace("(", "").replace(")", "")
    assert set(balanced) <= set("ab 1.+-*/%<>=!,:_")
    assert not text.isspace()


@pytest.mark.parametrize(
    "name",
    ["a", "A1", "_a", "a-b", "1a", "a b", "", "conv", "name", "repeat", "forward", "class", "None", "min", "index",
     "in_channels", "same", "true", "a" * 64, "a" * 65, "if", "train", "count"],
)  # fmt: skip
@pytest.mark.parametrize(
    "spec",
    [
        lambda name: network("relu") | {"vars": {name: 1}},
        lambda name: network("relu") | {"blocks": {name: {"layers": ["relu"]}}},
        lambda name: network("relu") | {"blocks": {"b": {"args": {name: 1}, "layers": ["relu"]}}},
        lambda name: network({"relu": {}, "name": name}),
        lambda name: network({"concat": {"branches": {name: ["relu"]}}}),
        lambda name: network("relu") | {"variants": {name: {}}},
        lambda name: network("relu") | {"name": name},
    ],
    ids=["variable", "block", "argument", "layer", "branch", "variant", "network"],
)
def test_names(spec: Any, name: str) -> None:
    """The schema and cnnspec agree on what things can be called."""
    value = spec(name)
    try:
        cnnspec.loads(json.dumps(value))
    except cnnspec.SpecError:
        assert not VALID.is_valid(value)
    else:
        assert VALID.is_valid(value)
