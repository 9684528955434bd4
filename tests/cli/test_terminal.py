"""Whatever it is given, the command line answers in one form, and suits any terminal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cnnspec
from cnnspec.cli import run

LENET5 = str(Path(__file__).parents[2] / "specs" / "lenet5.yaml")
Capture = pytest.CaptureFixture[str]


def output(capsys: Capture, *arguments: str) -> str:
    """Run a command that goes well, and return what it prints."""
    assert run(list(arguments)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize("command", ["summary", "explain", "check", "train"])
@pytest.mark.parametrize(
    "content",
    [None, b"", b"\xff\xfe\x00", b"a: [", b"- relu", b"input: [1, 2]\nlayers: []", b"\x89PNG\r\n"],
    ids=["missing", "empty", "binary", "no YAML", "a list", "no layers", "a picture"],
)
def test_bad_files(command: str, content: bytes | None, tmp_path: Path, capsys: Capture) -> None:
    """Whatever a file is, each command names it in the one form, with exit code 1 and no traceback."""
    path = tmp_path / "net.yaml"
    if content is not None:
        path.write_bytes(content)
    assert run([command, str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(str(path))
    assert "Traceback" not in err
    assert "went wrong" not in err


@pytest.mark.parametrize("command", ["summary", "explain", "check", "train"])
def test_folder(command: str, tmp_path: Path, capsys: Capture) -> None:
    """A folder is no spec."""
    assert run([command, str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"{tmp_path}: this is a folder; a spec is one file. Name a file.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["sumary"],
        ["summary"],
        ["summary", LENET5, "--format", "xml"],
        ["summary", LENET5, "--depth", "0"],
        ["layers", "cnov"],
    ],
    ids=" ".join,
)
def test_usage(arguments: list[str], capsys: Capture) -> None:
    """Wrong usage is exit code 2, told on standard error."""
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: " in err


def process(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cnnspec", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


def test_standard_input() -> None:
    """A spec can come from standard input."""
    command = [sys.executable, "-m", "cnnspec", "summary", "-", "--format", "json"]
    done = subprocess.run(command, input=Path(LENET5).read_text(), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["macs"] == 416_520


def test_sixty_columns() -> None:
    """In a narrow terminal the table keeps within it and loses no number."""
    text = process("summary", LENET5, COLUMNS="60").stdout
    assert max(map(len, text.splitlines())) <= 60
    assert "48,120" in text
    assert "117,600" in text


def test_no_colour() -> None:
    """NO_COLOR is heeded also where colour was forced."""
    assert "\x1b[3" not in process("check", "/missing", NO_COLOR="1", FORCE_COLOR="1").stderr


def test_hostile_text_stays_text(tmp_path: Path, capsys: Capture) -> None:
    """Escape codes and markup in a description reach the terminal as harmless text."""
    path = tmp_path / "net.yaml"
    path.write_text('description: "\\e[31m[red]red[/red]\\u202e"\ninput: [1, 2]\nlayers: [relu]\n')
    text = output(capsys, "summary", str(path))
    assert "[red]red[/red]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_closed_pipe() -> None:
    """A reader that stops early, as `head` does, is no error."""
    command = f"'{sys.executable}' -m cnnspec layers | head -n 1"
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["summary", LENET5],
        ["explain", LENET5],
        ["check", LENET5],
        ["layers"],
        ["train", "missing.yaml"],
        ["apply", LENET5, "photo.png", "-o", "out.png"],
        ["--help"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_torch(arguments: list[str]) -> None:
    """Looking at a spec imports neither torch nor numpy: it must start fast, in an editor or a hook."""
    code = f"import sys, cnnspec.cli; cnnspec.cli.run({arguments!r}); print('loaded', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "click" in loaded
    assert not loaded & {"torch", "torchvision", "numpy", "safetensors", "PIL"}


def test_a_bug_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Should cnnspec itself go wrong, it says so and where, without a traceback."""

    def fail(*_: object, **__: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("cnnspec.spec.loads", fail)
    monkeypatch.setattr("cnnspec.cli.inspect.trace", fail)
    assert run(["summary", LENET5]) == 1
    err = capsys.readouterr().err
    assert err.startswith("cnnspec went wrong: KeyError: 'oops'; this is a bug, in ")
    assert "Traceback" not in err


def test_version(capsys: Capture) -> None:
    """The version is the package's."""
    assert output(capsys, "--version") == f"cnnspec, version {cnnspec.__version__}\n"
