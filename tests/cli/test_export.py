"""`cnnspec export` as its users meet it."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_run import train_tiny

from cnnspec.cli import run

SPECS = Path(__file__).parents[2] / "specs"
LENET5 = str(SPECS / "lenet5.yaml")

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_tiny(tmp_path_factory.mktemp("runs") / "first")


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    """The run in a folder of the test's own."""
    shutil.copytree(trained, tmp_path / "own")
    return tmp_path / "own"


def test_spec(tmp_path: Path, capsys: Capture) -> None:
    """A spec becomes a file of source, in the place of one that is there; one line names it."""
    path = tmp_path / "net.py"
    path.write_text("old")
    assert run(["export", LENET5, "-o", str(path)]) == 0
    assert capsys.readouterr() == (f"{path}: lenet5 as PyTorch source\n", "")
    assert "class LeNet5(nn.Sequential):" in path.read_text("utf-8")
    assert [file.name for file in tmp_path.iterdir()] == ["net.py"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([f"{SPECS / 'resnet.yaml'}"], "class ResNet18(nn.Sequential)"),
        ([f"{SPECS / 'resnet.yaml'}@resnet50"], "class ResNet50(nn.Sequential)"),
        ([f"{SPECS / 'resnet.yaml'}", "--variant", "resnet101"], "class ResNet101(nn.Sequential)"),
        ([f"{SPECS / 'resnet.yaml'}", "--set", "classes=7"], "nn.Linear(512, 7)"),
    ],
)
def test_variants(arguments: list[str], expected: str, tmp_path: Path) -> None:
    """Variant and variables are chosen as for every command."""
    assert run(["export", *arguments, "-o", str(tmp_path / "net.PY")]) == 0
    assert expected in (tmp_path / "net.PY").read_text("utf-8")


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spec may come from standard input; its source names no file then."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"input: [1, 4, 4]\nlayers: [relu]\n")))
    assert run(["export", "-", "-o", str(tmp_path / "net.py")]) == 0
    assert "<stdin>" not in (tmp_path / "net.py").read_text("utf-8")


def test_without_torch(tmp_path: Path) -> None:
    """Source is made without importing torch, or what else is slow."""
    program = (
        f"import sys; from cnnspec.cli import run; run(['export', {LENET5!r}, '-o', {str(tmp_path / 'n.py')!r}]); "
        "print({'torch', 'torchvision', 'numpy', 'PIL', 'safetensors'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.endswith("set()\n")


def test_run(own: Path, tmp_path: Path, capsys: Capture) -> None:
    """A run becomes source and weights; one line names both files and the epoch, and the run is as it was."""
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    path = tmp_path / "net.py"
    assert run(["export", str(own), "-o", str(path)]) == 0
    out, err = capsys.readouterr()
    weights = tmp_path / "net.safetensors"
    assert out.startswith(f"{path} and {weights}: tiny as PyTorch source, with the weights of epoch ")
    assert err == ""
    assert weights.is_file()
    assert before == {path.name: path.read_bytes() for path in own.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([LENET5], "Missing option '-o' / '--output'"),
        ([LENET5, "-o", "net.txt"], "'net.txt' must end in .py"),
        ([LENET5, "-o", "net"], "'net' must end in .py"),
        ([LENET5, "-o", "-"], "'-' must end in .py"),
        ([LENET5, "-o", "n\x1b[1m.exe"], "must end in .py"),
        ([LENET5, "-o", "folder.py"], "is a directory"),
        (["RUN", "-o", "net.py", "--variant", "small"], "--variant is for a SPEC"),
        (["RUN", "-o", "net.py", "--set", "width=3"], "--set is for a SPEC"),
        ([LENET5, "-o", "net.py", "--set", "width"], "'width' is not NAME=VALUE"),
        (
            [LENET5, "-o", "net.py", "--set", "width="],
            "'width=' has no value; where none is meant, write width=",
        ),
    ],
)
def test_usage(
    arguments: list[str],
    expected: str,
    own: Path,
    tmp_path: Path,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    """What is asked for wrongly is told as usage, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.py").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert run(["export", *(str(own) if a == "RUN" else a for a in arguments)]) == 2
    out, err = capsys.readouterr()
    assert expected in " ".join(err.replace("│", " ").split())
    assert "\x1b" not in err
    assert out == ""
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["none.yaml", "-o", "net.py"], "none.yaml: there is no such file"),
        (["wrong.yaml", "-o", "net.py"], "wrong.yaml:2:29: kernel 5 does not fit"),
        ([f"{LENET5}@small", "-o", "net.py"], "there is no variant 'small'"),
        (["empty", "-o", "net.py"], "empty: this is not a finished run"),
        ([LENET5, "-o", "none/net.py"], "none/net.py: the file cannot be written"),
        (["RUN", "-o", "none/net.py"], "none/net.py: the file cannot be written"),
        (["RUN", "-o", "taken.py"], "taken.safetensors: the file cannot be written"),
        (["RUN", "-o", "RUN/best.py"], "the weights would replace best.safetensors"),
    ],
)
def test_errors(
    arguments: list[str],
    expected: str,
    own: Path,
    tmp_path: Path,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    """What is wrong with spec, run or place is told, and neither file is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.yaml").write_text("input: [1, 2, 2]\nlayers: [conv: {filters: 2, kernel: 5}]\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "taken.safetensors").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert run(["export", *(a.replace("RUN", str(own)) for a in arguments)]) == 1
    out, err = capsys.readouterr()
    assert expected in err
    assert out == ""
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
