"""Plugins for tests: written on the spot, found as installed ones are, and forgotten after the test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnspec.layers import LAYERS, REGISTRY
from cnnspec.plugins import loading
from cnnspec.plugins.announced import announcements

OWN_LAYER = Path(__file__).parents[1] / "examples" / "own_layer"

LAYER = """
from typing import Any, ClassVar
from cnnspec.layers import Case, Layer
from cnnspec.shape import Shape

class Doubled(Layer):
    \"\"\"Twice its input.\"\"\"

    type: ClassVar = "doubled"
    family: ClassVar = "arithmetic"
    example: ClassVar = "doubled"
    cases: ClassVar = (Case((2, 4, 4)),)

    def output_shape(self, x: Shape) -> Shape:
        return x

    def build(self, nn: Any, x: Shape) -> Any:
        return nn.Identity()
"""
"""A module with a layer that is whole, and that a test may damage."""


def write_package(folder: Path, name: str, layers: str = LAYER, *, value: str = "") -> None:
    """Write a package as `pip` installs it, which announces its module `layers`."""
    package, note = folder / name, folder / f"{name}-1.0.dist-info"
    for path in (package, note):
        path.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "layers.py").write_text(layers, "utf-8")
    (note / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    (note / "entry_points.txt").write_text(f"[cnnspec.layers]\nown = {value or f'{name}.layers'}\n", "utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on Python's path where packages are installed; nobody has looked for plugins yet."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = REGISTRY.copy(), LAYERS.copy(), set(sys.modules), list(sys.path)
    _forget()
    yield folder
    for now, then in ((REGISTRY, before[0]), (LAYERS, before[1])):
        now.clear()
        now.update(then)  # type: ignore[arg-type]  # each with its own copy
    for name in set(sys.modules) - before[2]:
        module = sys.modules[name]
        places = [*getattr(module, "__path__", []), getattr(module, "__file__", None) or ""]
        if any(str(folder) in place for place in places for folder in (tmp_path, OWN_LAYER)):
            del sys.modules[name]
    sys.path[:] = before[3]
    _forget()


def _forget() -> None:
    announcements.cache_clear()
    loading._untold.cache_clear()
