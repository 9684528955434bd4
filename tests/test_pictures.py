"""The pictures in docs/pictures/ are what the commands make today; `make pictures` makes them anew."""

import re
from pathlib import Path

import numpy as np
import pytest
from drawn import structure
from PIL import Image

from cnnspec.cli import run

ROOT = Path(__file__).parents[1]
LINES = re.findall(
    r"^\t\$\(BIN\)/cnnspec (.*) -o (docs/pictures/\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE
)


@pytest.mark.parametrize(("line", "shipped"), LINES, ids=[Path(shipped).name for _, shipped in LINES])
def test_is_up_to_date(line: str, shipped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the Makefile's line makes has the structure of the SVG that ships, or its pixels."""
    monkeypatch.chdir(ROOT)
    made = tmp_path / Path(shipped).name
    assert run([*line.split(), "-o", str(made)]) == 0
    if made.suffix == ".svg":
        assert structure(made.read_text("utf-8")) == structure(Path(shipped).read_text("utf-8"))
        return
    with Image.open(made) as new, Image.open(shipped) as old:
        assert np.array_equal(np.asarray(new), np.asarray(old))


def test_all_are_shown() -> None:
    """The README shows every picture that the Makefile makes."""
    readme = (ROOT / "README.md").read_text("utf-8")
    assert LINES
    assert all(f"]({shipped})" in readme for _, shipped in LINES)
