"""`cnnspec schema` as editors' users meet it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cnnspec
from cnnspec.cli import run
from cnnspec.views.schema import json_schema

RESNET = str(Path(__file__).parents[2] / "specs" / "resnet.yaml")
Capture = pytest.CaptureFixture[str]


def test_prints_the_schema(capsys: Capture) -> None:
    """It is JSON and nothing else."""
    assert run(["schema"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == json_schema()
    assert err == ""


def test_of_a_file(capsys: Capture) -> None:
    """With a file it is that file's own."""
    assert run(["schema", RESNET]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema(cnnspec.load(RESNET))


@pytest.mark.parametrize(
    "content", [None, "", "layers: [relu]", "\x00"], ids=["missing", "empty", "wrong", "binary"]
)
def test_bad_files(content: str | None, tmp_path: Path, capsys: Capture) -> None:
    """A file that is no spec is named in the one form, with exit code 1, and no schema is printed."""
    path = tmp_path / "net.yaml"
    if content is not None:
        path.write_text(content)
    assert run(["schema", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(str(path))


def test_usage(capsys: Capture) -> None:
    """Two files at once are wrong usage."""
    assert run(["schema", RESNET, RESNET]) == 2
    assert "Usage: " in capsys.readouterr().err


def test_piped() -> None:
    """Written to a file, it is UTF-8 without colours, however narrow the terminal, and torch is not imported."""
    code = "import sys, cnnspec.cli; cnnspec.cli.run(['schema']); print(*sys.modules, file=sys.stderr)"
    environment = os.environ | {"COLUMNS": "60", "FORCE_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert json.loads(done.stdout.decode("utf-8")) == json_schema()
    assert "α" in done.stdout.decode("utf-8")
    assert not set(done.stderr.decode().split()) & {"torch", "numpy", "PIL"}
