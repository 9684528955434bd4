"""What docs/exporting.md shows runs as it stands, and all of it sees the same in a picture."""

import runpy
import shutil
import sys
from pathlib import Path

import pytest
from documented import blocks
from own_data import make_folder, picture

import cnnspec
from cnnspec.cli import run as cli

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "exporting.md").read_text("utf-8")

SPEC = """
input: [3, 16, 16]
layers: [conv: {filters: 4, kernel: 3, stride: 2}, relu, global_avgpool, flatten, fc: 2]
data: {folder: pictures}
train: {epochs: 1}
"""


def test_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands and programs run in order; source, ONNX and torch.export name the class that the run does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copytree(ROOT / "specs", "specs")
    make_folder(tmp_path / "pictures" / "train", {"cat": 6, "dog": 6})
    make_folder(tmp_path / "pictures" / "test", {"cat": 2, "dog": 2})
    (tmp_path / "cat.png").write_bytes(picture(7, (30, 20)))
    run = cnnspec.train(cnnspec.loads(SPEC), out="runs/pets", device="cpu", threads=1).run
    (commands,) = blocks(TEXT, "console")
    for line in commands.splitlines():
        assert cli(line.removeprefix("$ cnnspec ").split()) == 0, capsys.readouterr().err
    capsys.readouterr()
    for number, code in enumerate(blocks(TEXT, "python")):
        file = tmp_path / f"block{number}.py"
        file.write_text(code, "utf-8")
        runpy.run_path(str(file))
    sys.modules.pop("pets")
    label = run.predict("cat.png").label
    assert capsys.readouterr().out.split() == [label, label, label, "True", label]
