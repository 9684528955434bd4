"""YAML is read by the core schema of YAML 1.2, with places, and hostile text is refused."""

import sys
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.language import source

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__)
def either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test with PyYAML's own parser, and with libyaml where it is there."""
    monkeypatch.setattr(source, "_EVENT_LOADER", request.param)


def problems(text: str) -> list[str]:
    return [str(problem).splitlines()[0] for problem in source.parse(text, "f")[1]]


SCALARS = [
    ("1e-3", 0.001),
    ("1e-4", 0.0001),
    ("-1", -1),
    ("+7", 7),
    ("0", 0),
    ("1.", 1.0),
    (".5", 0.5),
    ("0x1F", 31),
    ("0o17", 15),
    ("true", True),
    ("False", False),
    ("~", None),
    ("null", None),
    ("no", "no"),
    ("on", "on"),
    ("y", "y"),
    ("Yes", "Yes"),
    ("12:30", "12:30"),
    ("1_000", "1_000"),
    ("2026-11-24", "2026-11-24"),
    ("0b11", "0b11"),
    ("'3'", "3"),
    ('"true"', "true"),
    ("4 * width", "4 * width"),
    ("=", "="),
]


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize(("text", "value"), SCALARS, ids=[text for text, _ in SCALARS])
def test_scalars(text: str, value: Any) -> None:
    """A bare scalar means what YAML 1.2 says, and text in quotes is text."""
    document, found = source.parse(f"key: {text}", "f")
    assert found == []
    assert document.value == {"key": value}
    assert type(document.value["key"]) is type(value)


REFUSED = {
    "octal of YAML 1.1": ("a: 010", "f:1:4: 010 can be read in two ways; YAML 1.1 reads it in base 8"),
    "leading zero": ("a: -09", "f:1:4: -09 can be read in two ways"),
    "not a number": ("a: .nan", "f:1:4: .nan is not a finite number"),
    "infinity": ("a: -.inf", "f:1:4: -.inf is not a finite number"),
    "too large a float": ("a: 1e999", "f:1:4: 1e999 is too large"),
    "300 digits": ("a: " + "9" * 300, "is too large; numbers have at most 18 digits"),
    "duplicate key": ("a: 1\nb: 2\na: 3", "f:3:1: 'a' stands twice; first in line 1"),
    "duplicate key in flow": ("{a: 1, a: 2}", "f:1:8: 'a' stands twice"),
    "anchor": ("a: &x 1", "f:1:4: anchor '&x'; a spec has no anchors"),
    "alias": ("a: *x", "f:1:4: alias '*x'"),
    "merge key": ("a: {<<: 1}", "f:1:5: merge key '<<'"),
    "tag": ("a: !!int 3", "tag '!!int'; a spec has no tags"),
    "local tag": ("a: !x 3", "tag '!x'"),
    "bare tag": ("a: ! 3", "tag '!'"),
    "python tag": (
        "a: !!python/object/apply:os.system ['echo hacked']",
        "tag '!!python/object/apply:os.system'",
    ),
    "anchor at a key": ("&x a: 1", "anchor"),
    "two documents": ("a: 1\n---\nb: 2", "f:2:1: a second document starts here"),
    "tab": ("a:\n\tb: 1", "f:2:1: a tab in the indentation"),
    "tab after spaces": ("a:\n  b:\n  \tc: 1", "f:3:3: a tab in the indentation"),
    "list as key": ("[a]: 1", "this key is not a word"),
    "unclosed bracket": ("a: [1, 2\nb: 3", "f:1:4: this [ is never closed. Close it after its last value."),
    "unclosed quote": ('a: "b', "this is not valid YAML"),
    "two colons": ("a: b: c", "this is not valid YAML"),
    "wrong indentation": ("a:\n  b: 1\n c: 2", "this is not valid YAML"),
    "too deep": ("[" * 100 + "]" * 100, "nested deeper than 64 levels"),
    "much too deep": ("[" * 100_000, "nested deeper than 64 levels"),
    "too deep mappings": ("{a: " * 70 + "1" + "}" * 70, "nested deeper than 64 levels"),
}


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(case: tuple[str, str]) -> None:
    """What a spec may not hold is refused at its place, whichever parser is there."""
    text, message = case
    assert any(message in problem for problem in problems(text)), problems(text)


def test_billion_laughs() -> None:
    """Aliases that would expand to gigabytes are named one by one, and nothing is expanded."""
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    found = problems("\n".join(lines))
    assert len(found) == 10 + 81


@pytest.mark.usefixtures("either_parser")
def test_all_at_once() -> None:
    """All problems of form are told in one go."""
    assert len(problems("a: 010\nb: &x 1\nc: *x\na: .nan\n")) == 5


@pytest.mark.usefixtures("either_parser")
def test_places() -> None:
    """Keys, values and list items know their line and column, also behind characters of several bytes."""
    document, _ = source.parse("a:\n  - é: {b: 1, c: 'x'}\n", "f")
    assert (document.place(("a", 0, "é", "b")).line, document.place(("a", 0, "é", "b")).column) == (2, 9)
    assert document.value_place(("a", 0, "é", "c")).column == 18
    assert document.is_quoted(("a", 0, "é", "c"))
    assert not document.is_quoted(("a", 0, "é", "b"))
    assert document.place(("a", 0, "é", "missing")).column == 5


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    """Whatever the text, reading it ends with values or problems, never with a crash."""
    source.parse(text, "f")


def test_reading_makes_nothing_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """No text makes PyYAML construct an object: its constructors are never called."""

    def fail(*_: Any) -> None:
        raise AssertionError("constructed")

    for name in ("construct_document", "get_single_data", "get_data"):
        monkeypatch.setattr(yaml.constructor.BaseConstructor, name, fail)
    before = set(sys.modules)
    source.parse("a: !!python/module:antigravity\nb: !!python/name:os.system\n", "f")
    assert set(sys.modules) == before
