"""`cnnspec export` to .onnx and .pt2 as its users meet it."""

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import onnxruntime
import pytest

from cnnspec.cli import run
from cnnspec.exporting import packages

SPEC = """
name: small
input: [3, 8, 8]
layers: [conv: {filters: 4, kernel: 3}, relu, flatten, fc: 10]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with a spec."""
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SPEC)
    return tmp_path


def test_onnx(capfd: pytest.CaptureFixture[str]) -> None:
    """The file is told with what it takes and gives, where its weights are from, and how it was tested."""
    assert run(["export", "small.yaml", "-o", "small.onnx"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    first, second, third = out.splitlines()
    assert first == "small.onnx: small, initialized with seed 0"
    assert second == "takes float32 (batch, 3, 8, 8), and gives float32 (batch, 10)"
    assert third.startswith("run by ONNX Runtime beside the network on 13 samples: outputs differ by ")
    assert onnxruntime.InferenceSession("small.onnx").get_outputs()[0].shape == ["batch", 10]
    assert sorted(path.name for path in Path().iterdir()) == ["small.onnx", "small.yaml"]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("", "resizes and crops pictures to 8×8; values are from 0 to 1, as no data set is known"),
        (
            "data: {dataset: cifar10}",
            "resizes and crops pictures to 8×8, and normalizes by mean 0.4914 0.4822 0.4465 and std 0.247 0.2435 0.2616",
        ),
    ],
)
def test_preprocess(data: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With --preprocess it is said how pictures are prepared, also where a spec does not tell."""
    Path("small.yaml").write_text(SPEC + data)
    assert run(["export", "small.yaml", "--preprocess", "-o", "small.PT2"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[1:3] == ["takes uint8 (batch, 3, height, width), and gives float32 (batch, 10)", line]
    assert out[3].startswith("run by torch.export beside the network on ")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-o", "small.py", "--preprocess"], 2, "--preprocess is for .onnx and .pt2"),
        (["-o", "small.pb"], 2, "'small.pb' must end in .py, .onnx or .pt2"),
        (
            ["-o", "none/small.pt2"],
            1,
            "none/small.pt2: the file cannot be written; No such file or directory.",
        ),
        (
            ["-o", "none/small.onnx"],
            1,
            "none/small.onnx: the file cannot be written; No such file or directory.",
        ),
        (["-o", "small.pt2", "--set", "x=1"], 1, ""),
        (["-o", "small.onnx", "--variant", "x"], 1, ""),
    ],
)
def test_refused(arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be is an error that says what to do, and no file is written."""
    assert run(["export", "small.yaml", *arguments]) == code
    err = capsys.readouterr().err
    assert message in err
    assert "went wrong" not in err
    assert [path.name for path in Path().iterdir()] == ["small.yaml"]


@pytest.mark.parametrize("missing", packages.WRITING)
def test_not_installed(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without one of its packages, ONNX is an error with the command that installs them."""

    def found(name: str) -> ModuleSpec | None:
        return None if name == missing else importlib.util.find_spec(name)

    monkeypatch.setattr(packages, "find_spec", found)
    assert run(["export", "small.yaml", "-o", "small.onnx"]) == 1
    assert capsys.readouterr().err == (
        f"ONNX needs packages that are not installed; {missing} is missing. "
        "Install what ONNX files take: pip install 'cnnspec[onnx]'.\n"
    )
    read = run(["predict", "small.onnx", "picture.png"])
    assert read == 1
    assert ("not installed" in capsys.readouterr().err) == (missing in packages.READING)
