"""Hostile specs are refused quickly and briefly; nothing in them runs, expands, or steers a terminal."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bombs import BOMBS, TOP
from hypothesis import given
from hypothesis import strategies as st

import cnnspec
from cnnspec import naming
from cnnspec.cli import run
from cnnspec.errors import MAX_PROBLEMS, SpecError
from cnnspec.language import source
from cnnspec.limits import MAX_LAYERS

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]

FLOODS = {
    "unknown layers": f"{TOP}\n" + "- x\n" * 30_000,
    "unknown fields": f"{TOP}\n- conv: {{" + ", ".join(f"a{n}: 1" for n in range(20_000)) + "}",
    "anchors": f"{TOP} [relu]\n" + "".join(f"a{n}: &a 1\n" for n in range(5_000)),
    "duplicate keys": "a: 1\n" * 5_000,
    "names that clash": f"{TOP}\n" + "- relu: {}\n  name: a\n" * 5_000,
    "names that torch keeps": f"{TOP}\n" + "- relu: {}\n  name: train\n" * 5_000,
}


@pytest.mark.parametrize("text", FLOODS.values(), ids=FLOODS)
def test_floods_of_problems(text: str) -> None:
    """Of thousands of problems the first hundred are listed, and it is said that there are more."""
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(text, file="net.yaml").plan()
    first, *rest = caught.value.problems
    assert str(first) == f"net.yaml: there are more than {MAX_PROBLEMS} problems; these are the first."
    assert len(rest) == MAX_PROBLEMS
    places = [(problem.place.line, problem.place.column) for problem in rest if problem.place]
    assert places == sorted(places)


REFUSALS = """
import json, sys
if sys.platform == "linux":  # elsewhere the limit is not kept
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))
import cnnspec, bombs
told = {}
for name, (text, _) in bombs.BOMBS.items():
    try:
        cnnspec.loads(text, file="net.yaml").plan()
    except cnnspec.SpecError as error:
        told[name] = str(error)
print(json.dumps(told))
"""
"""Tells what each bomb is refused by, and needs no more than half a gigabyte of address space for all of them."""


def test_bombs() -> None:
    """Small texts that would grow without bound are refused by short messages, and in little memory."""
    done = subprocess.run(
        [sys.executable, "-c", REFUSALS],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert {name: told.get(name) for name, (_, why) in BOMBS.items() if why not in told.get(name, "")} == {}
    assert max(len(line) for message in told.values() for line in message.splitlines()) < 700


def test_names_are_checked_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of repeated repetitions no more names are made than a network can have layers."""
    made: list[str] = []
    numbered = naming.numbered

    def counted(kind: str, number: int) -> str:
        made.append(numbered(kind, number))
        return made[-1]

    monkeypatch.setattr(naming, "numbered", counted)
    with pytest.raises(SpecError):
        cnnspec.loads(f"{TOP}\n" + "- relu: {}\n  repeat: 10000\n" * 100).plan()
    assert len(made) <= 4 * MAX_LAYERS


@pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: loader.__name__)
@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch hacked']",
        "!!python/object/new:os.system ['touch hacked']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch hacked']",
        "__import__('os').system('touch hacked')",
        "'{{ cycler.__init__.__globals__.os.system(1) }}'",
        "eval(1)",
    ],
)
def test_nothing_runs(value: str, loader: type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No value of a spec is ever run, wherever it stands."""
    monkeypatch.setattr(source, "_EVENT_LOADER", loader)
    monkeypatch.chdir(tmp_path)
    for text in (
        f"{TOP}\n- conv: {{filters: {value}, kernel: 3}}",
        f"{TOP}\n- {value}",
        f"{TOP}\n- activation: {value}",
        f"{TOP} [relu]\ntrain:\n  optimizer: {value}",
        f"input: {value}\nlayers: [relu]",
        value,
    ):
        with pytest.raises(SpecError):
            cnnspec.loads(text).plan()
    assert list(tmp_path.iterdir()) == []


SIGNS = ["\\e[31m", "\\a", "\\x9b31m", "\\u202e", "\\u200b", "\\r", "\\n"]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize(
    "text",
    [
        'description: "{}"\ninput: [1, 8]\nlayers: [relu, maxpool: 9]',
        'name: "{}"\ninput: [1, 8]\nlayers: [relu]',
        'input: [1, 8]\nlayers: ["{}"]',
        'input: [1, 8]\nlayers: [{{relu: {{}}, name: "{}"}}]',
        'input: [1, 8]\nlayers: [{{relu: {{}}, "{}": 1}}]',
        'input: [1, 8]\nlayers: [conv: {{filters: "{}", kernel: 1}}]',
        'input: [1, 8]\nlayers: [conv: {{"{}": 3}}]',
        'input: "{}"\nlayers: [relu]',
        '"{}": 1',
        'input: [1, 8]\nlayers: [relu]\ndata: {{dataset: "{}"}}',
        'input: [1, 8]\nlayers: [relu]\ntrain: {{loss: "{}"}}',
        "input: [1, 8]\nlayers: [!<{}> relu]",
    ],
)
def test_no_sign_reaches_the_terminal(
    text: str, sign: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control and invisible characters, written as escapes, reach no terminal, and break no line of a message."""
    path = tmp_path / "net.yaml"
    path.write_text(text.format(sign))
    for command in ("summary", "explain", "check"):
        assert run([command, str(path)]) == 1
        out, err = capsys.readouterr()
        assert not set("\x1b\a\x9b\u202e\u200b\r") & set(out + err)
        assert all(line.startswith((f"{path}:", "    ")) for line in err.splitlines())


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    """Whatever the text, loading it gives a spec or a SpecError."""
    with contextlib.suppress(SpecError):
        cnnspec.loads(text)


WORDS = """input layers conv relu fc flatten maxpool filters kernel padding name repeat data train lr adam
    1 0 -1 1e9 ~ true same # [ ] { } ' " &a *a"""
SIGNS_BETWEEN = [": ", ", ", " ", "\n", "\n  ", "\n- "]


@given(st.lists(st.sampled_from([*WORDS.split(), *SIGNS_BETWEEN]), max_size=40).map("".join))
def test_any_words_of_the_language(text: str) -> None:
    """Words of the language in any order give a spec that can be planned, or a SpecError."""
    with contextlib.suppress(SpecError):
        cnnspec.loads(f"{TOP}\n- relu\n{text}").plan()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=5), values, max_size=4),
    max_leaves=8,
)


@given(
    value=VALUES,
    place=st.sampled_from(["filters", "kernel", "padding", "dilation", "bias", "groups", "padding_mode"]),
)
def test_any_value_of_a_field(value: object, place: str) -> None:
    """Whatever value a field is given, it is taken or refused in a sentence."""
    fields = {"filters": 4, "kernel": 3, place: value}
    text = yaml.safe_dump({"input": [4, 8, 8], "layers": [{"conv": fields}]})
    with contextlib.suppress(SpecError):
        cnnspec.loads(text).plan()


@given(
    value=VALUES, key=st.sampled_from(["cnnspec", "name", "description", "input", "layers", "data", "train"])
)
def test_any_value_at_the_top(value: object, key: str) -> None:
    """Whatever value a section is given, it is taken or refused in a sentence."""
    text = yaml.safe_dump({"input": [4, 8, 8], "layers": ["relu"], key: value})
    with contextlib.suppress(SpecError):
        cnnspec.loads(text).plan()
