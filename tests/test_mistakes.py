"""The likeliest mistakes and the exact text that a user reads for each, as `cnnspec check` prints it.

`golden/mistakes/` holds a spec with a mistake beside the text for it. Whoever changes a text
reads it aloud: is it right and clear, does it say how to mend the spec, does its caret point
at the mistake, and is there one message for one mistake?
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import cnnspec
from cnnspec.cli import run
from cnnspec.errors import SpecError

MISTAKES = Path(__file__).parent / "golden" / "mistakes"
NAMES = sorted(path.stem for path in MISTAKES.glob("*.yaml"))
Capture = pytest.CaptureFixture[str]
Golden = Callable[[str, str], None]

WARNED = {"freeze_without_weights", "keras_shape", "nll_without_log_softmax", "softmax_before_loss"}
"""What is doubtful, but not wrong."""

SEVERAL = {
    "anchor_and_alias": 2,
    "equals_sign": 2,
    "input_channels_last": 2,  # the error that follows, and the warning that tells why
    "keras_fields": 2,
    "keras_words": 4,
    "name_of_branch": 2,
    "name_with_dash": 2,  # the name, and where it is used
    "pytorch_fields": 3,
    "pytorch_words": 5,
    "three_mistakes_at_once": 3,
    "variable_is_a_mapping": 2,
    "variant_is_a_number": 2,
    "word_of_nothing": 2,
}
"""Specs with more than one mistake."""


def check(name: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what `cnnspec check` prints on standard error for a spec of the folder."""
    monkeypatch.chdir(MISTAKES)
    assert run(["check", f"{name}.yaml"]) == (0 if name in WARNED else 1)
    return capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_text(name: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch, golden: Golden) -> None:
    """Each mistake is told in the words that a person has read, with caret and trail."""
    golden(f"mistakes/{name}.txt", check(name, capsys, monkeypatch))


@pytest.mark.parametrize("name", NAMES)
def test_one_message_for_one_mistake(name: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is told twice, and nothing that only follows from a mistake is told as well."""
    text = check(name, capsys, monkeypatch)
    assert len(re.findall(rf"^{name}\.yaml:", text, re.MULTILINE)) == SEVERAL.get(name, 1)


@pytest.mark.parametrize("name", NAMES)
def test_caret(name: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caret stands under the column that the message names, in the line that it names."""
    lines = (MISTAKES / f"{name}.yaml").read_text("utf-8").splitlines()
    text = check(name, capsys, monkeypatch)
    for line, column, shown, pointer in re.findall(
        r"^\S+?:(\d+):(\d+): .*\n    (.*)\n( *\^)$", text, re.MULTILINE
    ):
        assert shown == lines[int(line) - 1].replace("\t", " ").rstrip()
        assert len(pointer) == 4 + int(column)
    assert text.count("^\n") == len(re.findall(rf"^{name}\.yaml:\d+:\d+:", text, re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_form(name: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message is a sentence of one reason at most, ends with a stop, and is no essay."""
    messages = re.findall(rf"^{name}\.yaml:[\d:]* (.*)$", check(name, capsys, monkeypatch), re.MULTILINE)
    assert messages
    for message in messages:
        assert message.endswith((".", "?", "…"))
        assert message.count("; ") <= 1
        assert "None" not in message
        assert len(message) <= 250


def test_there_are_forty() -> None:
    """Every spec has its text, and every text its spec."""
    assert len(NAMES) >= 40
    assert sorted(path.stem for path in MISTAKES.glob("*.txt")) == NAMES


def test_many_repetitions_tell_once() -> None:
    """A mistake in a block of which 150 layers are made is told once, with the first place that uses it."""
    with pytest.raises(SpecError) as caught:
        cnnspec.load(MISTAKES / "hundred_and_fifty_layers.yaml").plan()
    (problem,) = caught.value.problems
    assert [use.block for use in problem.uses] == ["basic"]


def test_as_json_has_the_trail() -> None:
    """Programs get the blocks that led to a place, with the values of their arguments."""
    with pytest.raises(SpecError) as caught:
        cnnspec.load(MISTAKES / "deep_trail.yaml").plan()
    (problem,) = caught.value.problems
    assert problem.as_json()["uses"] == [
        {"block": "outer", "arguments": {"size": 9}, "line": 19, "column": 5},
        {"block": "middle", "arguments": {"size": 9}, "line": 17, "column": 20},
        {"block": "inner", "arguments": {"kernel": 9}, "line": 12, "column": 13},
    ]
