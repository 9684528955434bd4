"""cnnspec draw: a file in the form that its suffix tells, or an error and no file."""

import subprocess
import sys
from pathlib import Path

import pytest
from drawn import parsed

from cnnspec.cli import run

SPECS = Path(__file__).parents[2] / "specs"
SUFFIXES = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF-", ".mmd": b"---\ntitle", ".dot": b"digraph"}


@pytest.mark.parametrize(("suffix", "begins"), SUFFIXES.items(), ids=SUFFIXES)
def test_forms(suffix: str, begins: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The suffix tells the form, in large letters too; one line says what was written."""
    path = tmp_path / f"net{suffix.upper()}"
    assert run(["draw", str(SPECS / "lenet5.yaml"), "-o", str(path)]) == 0
    assert path.read_bytes().startswith(begins)
    told = capsys.readouterr()
    graph = {".mmd": "as a flow graph in Mermaid", ".dot": "as a flow graph in DOT"}
    assert told.out.replace("\n", "") == f"{path}: lenet5 {graph.get(suffix, 'in style blocks')}"
    assert told.err == ""


def test_options(tmp_path: Path) -> None:
    """Style, depth, variant and variables change the picture."""
    path, spec = tmp_path / "net.svg", str(SPECS / "resnet.yaml")
    seen = set()
    for options in (
        [],
        ["--depth", "2"],
        ["--style", "volumes"],
        ["--variant", "resnet50"],
        ["--set", "classes=7"],
    ):
        assert run(["draw", spec, "-o", str(path), *options]) == 0
        seen.add(path.read_text("utf-8"))
    assert len(seen) == 5
    assert parsed(path.read_text("utf-8")).findtext(".//{*}title") == "resnet18: layers, shapes and blocks"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-o", "net.gif"], "'net.gif' must end in .svg, .png, .pdf, .mmd or .dot"),
        (["-o", "net"], "'net' must end in"),
        (["-o", "-"], "'-' must end in"),
        (["-o", "a\x1b[31m.gif"], "'a\ufffd[31m.gif' must end in"),
        ([], "Missing option '-o'"),
        (["-o", "net.mmd", "--style", "volumes"], "Mermaid describes flow graphs; --style volumes is for .svg, .png or .pdf"),
        (["-o", "net.dot", "--style", "volumes"], "DOT describes flow graphs"),
        (["-o", "net.svg", "--style", "boxes"], "'boxes' is not one of 'blocks', 'volumes'"),
        (["-o", "net.svg", "--depth", "0"], "0 is not in the range x>=1"),
    ],
)  # fmt: skip
def test_usage(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What cannot be meant is refused, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert run(["draw", str(SPECS / "lenet5.yaml"), *arguments]) == 2
    assert expected in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_wrong_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A spec whose shapes do not fit is told as everywhere, and a file that is there stays."""
    spec, path = tmp_path / "net.yaml", tmp_path / "net.svg"
    spec.write_text("input: [1, 8, 8]\nlayers:\n  - relu\n  - conv: {filters: 2, kernel: 9}\n", "utf-8")
    path.write_text("mine", "utf-8")
    assert run(["draw", str(spec), "-o", str(path)]) == 1
    assert ":4:24: kernel 9 does not fit the 8×8 input of conv1" in capsys.readouterr().err
    assert path.read_text("utf-8") == "mine"


def test_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be written is one error."""
    path = tmp_path / "none" / "net.svg"
    assert run(["draw", str(SPECS / "lenet5.yaml"), "-o", str(path)]) == 1
    assert "the file cannot be written; No such file or directory" in capsys.readouterr().err.replace(
        "\n", " "
    )


def test_many_edges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who writes more edges than Mermaid draws is told so."""
    arguments = [
        "draw",
        str(SPECS / "resnet.yaml@resnet152"),
        "-o",
        str(tmp_path / "net.mmd"),
        "--depth",
        "99",
    ]
    assert run(arguments) == 0
    assert "edges: Mermaid draws 500, and more with its setting maxEdges" in capsys.readouterr().err


def test_no_torch(tmp_path: Path) -> None:
    """No form and no style needs torch, nor what else is slow to start."""
    program = f"""
import sys
from cnnspec.cli import run
for suffix in {list(SUFFIXES)!r}:
    assert run(["draw", {str(SPECS / "unet.yaml")!r}, "-o", {str(tmp_path / "net")!r} + suffix]) == 0
assert run(["draw", {str(SPECS / "unet.yaml")!r}, "-o", {str(tmp_path / "net.svg")!r}, "--style", "volumes"]) == 0
assert not {{"torch", "torchvision", "numpy", "PIL", "matplotlib"}} & set(sys.modules), set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
