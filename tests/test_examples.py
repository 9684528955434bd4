"""What lies in examples/ works and stays short."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPT = EXAMPLES / "train_lenet5.py"
HOUSE = EXAMPLES / "draw_house.py"


def test_python_example(
    tmp_path: Path, offline: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The script does with the Python API what the command line does, up to recognizing a digit."""
    monkeypatch.delenv("CNNSPEC_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "2"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    printed = capsys.readouterr().out
    assert "61,750 parameters, 416,520 MACs" in printed
    assert printed.splitlines()[-1].startswith("digit.png shows 5")


def test_python_example_is_short() -> None:
    """The script has fewer than 40 lines."""
    assert len(SCRIPT.read_text().splitlines()) < 40


def test_drawn_picture(tmp_path: Path) -> None:
    """The picture that ships is the one that its script draws, to the pixel."""
    subprocess.run([sys.executable, str(HOUSE), str(tmp_path / "house.png")], check=True)
    with Image.open(tmp_path / "house.png") as drawn, Image.open(EXAMPLES / "house.png") as ours:
        assert drawn.mode == ours.mode == "L"
        assert drawn.size == (256, 256)
        assert np.array_equal(np.array(drawn), np.array(ours))
