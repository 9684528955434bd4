"""The command line copes with any standard stream: closed, full, or of another encoding."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.cli import run
from cnnspec.layers import REGISTRY

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
LENET5 = str(ROOT / "specs" / "lenet5.yaml")
Capture = pytest.CaptureFixture[str]


def shell(command: str, encoding: str = "utf-8") -> "subprocess.CompletedProcess[str]":
    """Run a line of shell in which $CNNSPEC is the program and $LENET5 a spec."""
    known = {"CNNSPEC": f"{sys.executable} -m cnnspec", "LENET5": LENET5, "PYTHONIOENCODING": encoding}
    return subprocess.run(
        ["/bin/bash", "-c", command],
        capture_output=True,
        encoding=encoding,
        env=os.environ | known,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("$CNNSPEC summary - <&-", "<stdin>: standard input is closed. Name a file, or pipe one in."),
        ("$CNNSPEC summary - < /dev/null", "<stdin>: the file is empty. A spec has at least"),
        ("$CNNSPEC check - <<< 'layers: [relu]'", "<stdin>:1:1: the spec needs 'input'"),
        ("$CNNSPEC summary /dev/zero", "/dev/zero: the file is larger than 1 MiB; no spec is. Is it the right file?"),
    ],
)  # fmt: skip
def test_bad_input(command: str, message: str) -> None:
    """An input that can't be read is an error in one sentence, with exit code 1."""
    done = shell(command)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr
    assert "went wrong" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["summary", LENET5], ["check", LENET5], ["layers", "--format", "json"]]
)
def test_full_disk(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Where nothing can be written any more, the system's reason is told, and it is no bug of ours."""

    def fail(_: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sys.stdout, "write", fail)
    assert run(arguments) == 1
    assert capsys.readouterr().err == f"cannot read or write the output; {os.strerror(errno.ENOSPC)}.\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_other_encodings(encoding: str) -> None:
    """Where the output can't show a sign, a question mark stands for it, and every number is there."""
    done = shell("$CNNSPEC summary $LENET5 && $CNNSPEC explain $LENET5 conv1", encoding)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "416,520 MACs" in done.stdout
    assert "= 28" in done.stdout


def test_file_name_cannot_steer(tmp_path: Path, capsys: Capture) -> None:
    """A file's name, with escape codes or bytes that are no text, is printed harmlessly; JSON keeps it whole."""
    for name in ("\x1b[31m.yaml", "\udcff.yaml", "\u202e.yaml", "line\nbreak.yaml"):
        path = tmp_path / name
        path.write_text(Path(LENET5).read_text())
        assert run(["check", str(path)]) == 0
        assert run(["check", str(path), "--format", "json"]) == 0
        line, _, report = capsys.readouterr().out.partition("\n")
        assert line.endswith(".yaml: ok, 14 layers, 61,750 parameters")
        assert name not in line
        assert json.loads(report)[0]["file"] == str(path)
        path.write_text("layers: [relu]")
        assert run(["check", str(path)]) == 1
        err = capsys.readouterr().err
        assert name not in err
        assert err.splitlines()[0].endswith(
            ".yaml:1:1: the spec needs 'input'; there is no default. Add `input:`."
        )


def resolved(path: str, capsys: Capture) -> str:
    assert run(["check", path, "--resolved"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_resolved_is_the_same_spec(path: Path, tmp_path: Path, capsys: Capture) -> None:
    """What --resolved prints is a spec with the same plan, of which nothing is left to resolve."""
    text = resolved(str(path), capsys)
    again = tmp_path / "again.yaml"
    again.write_text(text)
    assert resolved(str(again), capsys) == text
    one, other = cnnspec.load(path), cnnspec.load(again)
    assert (one.name, one.description, one.train) == (other.name, other.description, other.train)
    assert steps(one) == steps(other)


def steps(spec: cnnspec.Spec) -> list[Any]:
    layers = spec.plan().layers
    return [(step.path, step.layer and step.layer.resolved(), step.output) for step in layers]


@pytest.mark.parametrize("name", REGISTRY)
def test_resolved_examples(name: str, tmp_path: Path, capsys: Capture) -> None:
    """Every layer's example, written out in full, builds the same module."""
    path = tmp_path / "net.yaml"
    flat = "flatten, " if name == "fc" else ""
    path.write_text(f"input: [4, 16, 16]\nlayers: [relu, {flat}{REGISTRY[name].example}]\n")
    spec = cnnspec.load(path)
    path.write_text(resolved(str(path), capsys))
    assert str(spec.plan().build()) == str(cnnspec.load(path).plan().build())


@pytest.mark.parametrize(
    "arguments", [[LENET5, LENET5, "--resolved"], [LENET5, "--resolved", "--format", "json"]]
)
def test_resolved_is_one_spec(arguments: list[str], capsys: Capture) -> None:
    """--resolved prints one YAML file and nothing else; more is wrong usage."""
    assert run(["check", *arguments]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("command", "forms"), [("summary", ["json", "csv", "markdown"]), ("explain", ["json"])]
)
def test_no_half_output(command: str, forms: list[str], tmp_path: Path, capsys: Capture) -> None:
    """A program never gets the part of a network that works; a person gets it, and then the error."""
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 8, 8]\nlayers: [relu, maxpool: 9]\n")
    for form in forms:
        assert run([command, str(path), "--format", form]) == 1
        assert capsys.readouterr().out == ""
    assert run([command, str(path)]) == 1
    out, err = capsys.readouterr()
    assert "relu1" in out
    assert err.startswith(f"{path}:2:25: kernel 9 does not fit")
