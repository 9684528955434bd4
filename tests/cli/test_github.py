"""`cnnspec check --format github`, read as GitHub's runner reads the output of a step."""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from hostile_texts import HOSTILE

from cnnspec.cli import run
from cnnspec.cli.github import annotation
from cnnspec.errors import Place, Problem, Use, one_line, printable

Capture = pytest.CaptureFixture[str]

BAD = """\
input: [1, 8, 8]
blocks:
  wide: {args: {k: 9}, layers: [conv: {filters: 4, kernel: k}]}
layers: [wide, flatten, fc: 10]
"""

COMMANDS = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "internal-set-repo-path",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
]
"""What a runner takes for commands."""


class Command(NamedTuple):
    """What a line is to the runner."""

    name: str
    properties: dict[str, str]
    data: str


def read(line: str) -> Command | None:
    """Return the command that a line is, by the rules of `ActionCommand` in github.com/actions/runner."""
    line = line.lstrip()
    if line.startswith("::") and "::" in line[2:]:
        head, _, data = line[2:].partition("::")
        name, _, rest = head.partition(" ")
        if name in COMMANDS:
            pairs = (pair.partition("=") for pair in rest.strip().split(",") if pair)
            told = {key: unescaped(value, ":,") for key, equals, value in pairs if equals}
            return Command(name, told, unescaped(data, ""))
    if "##[" in line:  # the older form, which is a command wherever it stands in a line
        name = line.partition("##[")[2].partition("]")[0].partition(" ")[0]
        return Command(name, {}, "") if name in COMMANDS else None
    return None


def unescaped(text: str, more: str) -> str:
    """Return a text as the runner reads it: the percent sign is the last that it puts back."""
    for sign in ("\r", "\n", *more, "%"):
        text = text.replace(f"%{ord(sign):02X}", sign)
    return text


def commands(output: str) -> list[Command]:
    """Return the commands of an output, which has nothing but commands."""
    found = [read(line) for line in re.split(r"\r\n|\r|\n", output) if line]  # what ends a line in .NET
    assert None not in found
    return [one for one in found if one]


def test_annotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Each problem is an annotation of its line, with the blocks that led there; exit codes are as ever."""
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text(BAD)
    Path("good.yaml").write_text("input: [1, 8, 8]\nlayers: [relu]\n")
    assert run(["check", "bad.yaml", "good.yaml", "none.yaml", "--format", "github"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("::error file=bad.yaml,line=3,col=52,title=cnnspec::kernel 9 does not fit")
    kernel, missing = commands(out)
    assert kernel.name == missing.name == "error"
    assert kernel.properties == {"file": "bad.yaml", "line": "3", "col": "52", "title": "cnnspec"}
    assert kernel.data.splitlines()[1] == "in block wide with k 9, used at bad.yaml:4:10"
    assert missing.properties == {"file": "none.yaml", "title": "cnnspec"}
    assert run(["check", "good.yaml", "--format", "github"]) == 0
    assert capsys.readouterr() == ("", "")


def test_says_what_json_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """The places are those of --format json, and a problem of several variants is told once."""
    monkeypatch.chdir(tmp_path)
    variants = "variants: {small: {n: 1}, large: {n: 2}}\nvars: {n: 1}\n"
    Path("bad.yaml").write_text(variants + BAD.replace("fc: 10", "fc: n, softmx"))
    assert run(["check", "bad.yaml", "--format", "json"]) == 1
    problems = [one for file in json.loads(capsys.readouterr().out) for one in file["problems"]]
    assert run(["check", "bad.yaml", "--format", "github"]) == 1
    ours = [(c.properties["line"], c.properties["col"]) for c in commands(capsys.readouterr().out)]
    assert ours == list(dict.fromkeys((str(p["line"]), str(p["column"])) for p in problems))


def test_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """A warning is an annotation, and no failure."""
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text("input: [1, 8, 8]\nlayers: [flatten, fc: 10, softmax]\n")
    assert run(["check", "net.yaml", "--format", "github"]) == 0
    (warning,) = commands(capsys.readouterr().out)
    assert warning.name == "warning"
    assert warning.properties["file"] == "net.yaml"


@pytest.mark.parametrize("text", [*HOSTILE, "::error::no", "##[error]no", "%0A::add-mask::x", "a%25b:c,d=e"])
def test_hostile_texts(text: str, capsys: Capture) -> None:
    """Whatever stands in a name or a message, the line is one command, and says just that."""
    place = Place(text, 3, 5, text)
    problem = Problem(text[:300], text[:100], place=place, uses=(Use("b", {"x": text}, place),))
    (command,) = commands(annotation(problem))
    assert command.name == "error"
    assert command.properties == {
        "file": one_line(text),
        "line": "3",
        "col": "5",
        "title": "cnnspec",
    } or text.startswith("<")
    assert command.data == "\n".join([problem.message, *map(str.strip, problem.trail)])
    assert command.data == printable(command.data)


def test_hostile_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """So it is for a file whose name and keys are commands."""
    monkeypatch.chdir(tmp_path)
    name = "::error file=x,line=1::\n::add-mask::secret.yaml"
    Path(name).write_text('input: [1, 8, 8]\nlayers: ["\\n::add-mask::x", "##[add-mask]y"]\n')
    assert run(["check", name, "--format", "github"]) == 1
    found = commands(capsys.readouterr().out)
    assert [command.name for command in found] == ["error", "error"]
    assert {command.properties["file"] for command in found} == {name.replace("\n", "\\n")}


def test_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture) -> None:
    """What comes from no file is an annotation of the job."""
    (tmp_path / "net.yaml").write_text(BAD)
    with (tmp_path / "net.yaml").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert run(["check", "-", "--format", "github"]) == 1
    (command,) = commands(capsys.readouterr().out)
    assert command.properties == {"title": "cnnspec"}


def test_not_with_resolved(capsys: Capture) -> None:
    """A resolved spec is YAML, whatever else is asked for."""
    assert run(["check", "x.yaml", "--resolved", "--format", "github"]) == 2
    assert "--resolved prints one SPEC" in capsys.readouterr().err
