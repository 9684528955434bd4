"""What docs/importing.md shows runs as it stands."""

import runpy
import sys
from pathlib import Path

import pytest
import torch
from documented import blocks
from safetensors.torch import load_file

import cnnspec
from cnnspec.cli import run

TEXT = (Path(__file__).parents[2] / "docs" / "importing.md").read_text("utf-8")


def test_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands write specs and weights; the program's spec says the same, and has the module's output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_networks", raising=False)
    code, program = blocks(TEXT, "python")
    Path("my_networks.py").write_text(code, "utf-8")
    (commands,) = blocks(TEXT, "console")
    for line in commands.splitlines():
        assert run(line.removeprefix("$ cnnspec ").split()) == 0, capsys.readouterr().err
    assert cnnspec.load("squeezenet.yaml").plan().params == 1_235_496
    plan = cnnspec.load("small.yaml").plan()
    plan.build().load_state_dict(load_file("small.safetensors"))
    Path("program.py").write_text(program, "utf-8")
    spec = runpy.run_path("program.py")["spec"]
    assert [step.layer for step in spec.plan().layers] == [step.layer for step in plan.layers]
    assert spec.build()(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    del sys.modules["my_networks"]


def test_resnet() -> None:
    """The file of ResNet-50 that is shown is what comes out, as the golden file has it."""
    (shown,) = blocks(TEXT, "yaml")
    golden = (Path(__file__).parents[1] / "golden" / "import_resnet50.yaml").read_text("utf-8")
    assert shown in golden
