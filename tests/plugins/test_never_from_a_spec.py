"""Nothing that a spec or a run says makes Python import anything: only packages that are installed, and --plugin."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import cnnspec
from cnnspec.cli import run
from cnnspec.expansion import trace
from cnnspec.plugins.origins import NOTE
from cnnspec.training import read_record

TRAP = "boobytrap"
LENET5 = Path(__file__).parents[2] / "specs" / "lenet5.yaml"

TEXTS = [
    "plugin: boobytrap",
    "plugins: [boobytrap]",
    "import: boobytrap",
    "cnnspec: {plugin: boobytrap}",
    "layers: [boobytrap]",
    "layers: [boobytrap.Layer]",
    "layers: ['boobytrap:Layer']",
    "layers: [{boobytrap: {}}]",
    "layers: [{plugin: boobytrap}]",
    "layers: [{relu: {}, plugin: boobytrap}]",
    "layers: [conv: {filters: boobytrap, kernel: 1}]",
    "layers: [conv: {filters: '__import__(\"boobytrap\")', kernel: 1}]",
    "layers: [sequence: {layers: [relu], module: boobytrap}]",
    "layers: [!!python/module:boobytrap '']",
    "layers: [!!python/object/apply:boobytrap.run []]",
    "blocks: {boobytrap: {layers: [boobytrap]}}\nlayers: [boobytrap]",
    "vars: {plugins: [boobytrap]}\nlayers: [relu]",
    "data: {dataset: boobytrap}\nlayers: [relu]",
    "data: {plugin: boobytrap}\nlayers: [relu]",
    "train: {optimizer: boobytrap}\nlayers: [relu]",
    "train: {loss: boobytrap.loss}\nlayers: [relu]",
    "train: {weights: 'boobytrap:WEIGHTS'}\nlayers: [relu]",
    "name: boobytrap\nlayers: [relu]",
]


@pytest.fixture
def trap(site: Path) -> Path:
    """A module beside the spec and on Python's path, which would leave a file if it were imported."""
    sprung = site / "sprung"
    text = f"import pathlib\npathlib.Path({str(sprung)!r}).touch()\n"
    for folder in (Path.cwd(), site):
        (folder / f"{TRAP}.py").write_text(text)
    sys.path.append("")
    return sprung


@pytest.mark.parametrize("text", TEXTS)
def test_no_key_imports(text: str, trap: Path) -> None:
    """A module's name in any place where one might look for it stays a word."""
    Path("net.yaml").write_text(f"input: [1, 8, 8]\n{text}\n")
    for command in ("check", "summary", "explain", "schema"):
        run([command, "net.yaml"])
    assert TRAP not in sys.modules
    assert not trap.exists()


def changed(value: Any) -> Iterator[Any]:
    """Yield a value with the module's name in one place of it: instead of a value, or as a key."""
    yield TRAP
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        for other in changed(inner):
            copy: Any = dict(value) if isinstance(value, dict) else list(value)
            copy[key] = other
            yield copy
    if isinstance(value, dict):
        yield value | {TRAP: {}}
        yield {TRAP if key == next(iter(value)) else key: one for key, one in value.items()}


def test_no_place_imports(trap: Path) -> None:
    """So it is in every place of a whole spec."""
    count = 0
    for spec in changed(yaml.safe_load(LENET5.read_text())):
        count += 1
        with contextlib.suppress(cnnspec.SpecError):
            trace(cnnspec.loads(yaml.safe_dump(spec, sort_keys=False)))
    assert count > 60
    assert TRAP not in sys.modules
    assert not trap.exists()


@pytest.mark.parametrize(
    "noted", [{"boobytrap": {"module": TRAP, "package": TRAP}}, {"x": {"module": TRAP}}, {"x": TRAP}, [TRAP], TRAP]
)  # fmt: skip
def test_no_run_imports(noted: Any, trap: Path) -> None:
    """What a run notes of its plugins is shown, and not imported."""
    Path("run").mkdir()
    Path("run/spec.yaml").write_text("input: [1, 8, 8]\nlayers: [boobytrap]\n")
    Path("run/environment.json").write_text(json.dumps({NOTE: noted}))
    with pytest.raises(cnnspec.CnnspecError):
        read_record("run")
    assert TRAP not in sys.modules
    assert not trap.exists()


def test_the_trap_works(trap: Path) -> None:
    """Whoever does import the module springs the trap, as --plugin does."""
    assert run(["--plugin", TRAP, "layers"]) == 1
    assert trap.exists()
