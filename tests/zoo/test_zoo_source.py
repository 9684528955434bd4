"""The source of every network of the zoo is that network, in a process without cnnspec."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alone import Alone
from alone_server import facts

import cnnspec
from cnnspec.plan import Plan
from cnnspec.spec import load_family
from cnnspec.views.source import as_source

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
PLANS = {plan.name: plan for path in SPECS for plan in (spec.plan() for spec in load_family(path))}

SIZE = 96
"""Height and width at most of the pictures that outputs are compared for."""

LARGE = 30_000_000
"""Networks of more parameters give their outputs by `make test-zoo` only."""

SMALLEST = {
    min(
        (plan for plan in PLANS.values() if plan.spec.document.file == str(path)), key=lambda p: p.params
    ).name
    for path in SPECS
}
"""The network of each file that has the fewest parameters."""


def shape(plan: Plan) -> tuple[int, ...]:
    """Return an input's shape: the plan's, or a smaller one for a network that takes any size."""
    channels, *sides = plan.input_shape
    any_size = any(step.type.startswith(("global_", "adaptive_")) for step in plan.layers)
    return (channels, *(min(side, SIZE) for side in sides)) if any_size else plan.input_shape


def marked(plan: Plan) -> Any:
    is_quick = plan.name in SMALLEST and plan.params < LARGE
    return pytest.param(plan, id=plan.name, marks=() if is_quick else pytest.mark.zoo)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_state(plan: Plan, alone: Alone) -> None:
    """Names, order and shapes in the network's state are those of the model."""
    assert alone.ask(as_source(plan)) == facts(plan.build, None)


@pytest.mark.parametrize("plan", [marked(plan) for plan in PLANS.values()])
def test_output(plan: Plan, alone: Alone) -> None:
    """Under the same seed, first weights and outputs, in training and out of it, equal the model's to the bit."""
    answer = alone.ask(as_source(plan), shape(plan))
    assert answer == facts(plan.build, list(shape(plan)))
    assert answer["differs"]  # of a dead network, no output would tell anything


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All sources in a folder."""
    folder = tmp_path_factory.mktemp("sources")
    for name, plan in PLANS.items():
        (folder / f"{name}.py").write_text(as_source(plan), "utf-8")
    return folder


@pytest.mark.parametrize(
    "check",
    [["format", "--check"], ["check", "--select", "E4,E7,E9,F,I,UP,B,SIM"]],
    ids=["format", "check"],
)
def test_style(check: list[str], files: Path) -> None:
    """Ruff would not write it otherwise, and finds nothing in it."""
    command = [sys.executable, "-m", "ruff", *check, "--isolated", "--no-cache", str(files)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.zoo
@pytest.mark.parametrize(
    "name", ["resnet50", "efficientnet_v2_s", "unet", "edges-magnitude", "lenet5_1998", "inception_v3"]
)
def test_types(name: str, files: Path) -> None:
    """Mypy, strict, finds nothing in it."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", f"{name}.py"]
    result = subprocess.run(command, cwd=files, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_program(files: Path) -> None:
    """Run as a program, it prints the output's shape and the number of parameters."""
    command = [sys.executable, "-I", str(files / "lenet5.py")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "output (1, 10), 61,750 parameters\n"


def test_set_variables(alone: Alone) -> None:
    """Variables that are set change the source as they change the model."""
    spec = cnnspec.load(SPECS[0].parent / "densenet.yaml", set={"growth": 8, "depths": [2, 1], "classes": 3})
    plan = spec.plan()
    assert alone.ask(as_source(plan), (3, 64, 64)) == facts(plan.build, [3, 64, 64])
