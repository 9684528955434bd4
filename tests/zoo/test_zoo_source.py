"""The source of every network of the zoo is that network, in a process without cnnspec."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from alone import Alone
from alone_server import facts

import cnnspec
from cnnspec.language.data import Normalize
from cnnspec.plan import Plan
from cnnspec.spec import load_family
from cnnspec.views.source import as_source
from cnnspec.views.source.trained import Trained

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
PLANS = {plan.name: plan for path in SPECS for plan in (spec.plan() for spec in load_family(path))}

SIZE = 96
"""Height and width at most of the pictures that outputs are compared for."""

LARGE = 10_000_000
"""Networks of more parameters give their outputs by `make test-zoo` only."""

BY_SIZE = [
    sorted(group, key=lambda plan: plan.params)
    for group in ([plan for plan in PLANS.values() if plan.spec.document.file == str(path)] for path in SPECS)
]
"""The networks of each file, by their number of parameters."""

SMALLEST = {plans[0].name for plans in BY_SIZE}
ENDS = SMALLEST | {plans[-1].name for plans in BY_SIZE}


def shape(plan: Plan) -> tuple[int, ...]:
    """Return an input's shape: the plan's, or a smaller one for a network that takes any size."""
    channels, *sides = plan.input_shape
    any_size = any(step.type.startswith(("global_", "adaptive_")) for step in plan.layers)
    return (channels, *(min(side, SIZE) for side in sides)) if any_size else plan.input_shape


@cache
def source(name: str) -> str:
    """Return the source of a network."""
    return as_source(PLANS[name])


def marked(plan: Plan, *, quick: bool) -> Any:
    return pytest.param(plan, id=plan.name, marks=() if quick else pytest.mark.zoo)


@pytest.mark.parametrize("plan", [marked(plan, quick=plan.name in ENDS) for plan in PLANS.values()])
def test_state(plan: Plan, alone: Alone) -> None:
    """Names, order and shapes in the network's state are those of the model."""
    assert alone.ask(source(plan.name)) == facts(plan.build, None)


@pytest.mark.parametrize(
    "plan",
    [marked(plan, quick=plan.name in SMALLEST and plan.params < LARGE) for plan in PLANS.values()],
)
def test_output(plan: Plan, alone: Alone) -> None:
    """Under the same seed, first weights and outputs, in training and out of it, equal the model's to the bit."""
    answer = alone.ask(source(plan.name), shape(plan))
    assert answer == facts(plan.build, list(shape(plan)))
    assert answer["differs"]  # of a dead network, no output would tell anything


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All sources in a folder, those of runs on digits and on pictures, too."""
    folder = tmp_path_factory.mktemp("sources")
    for name in PLANS:
        (folder / f"{name}.py").write_text(source(name), "utf-8")
    for name, digits in (("lenet5", True), ("conv1d", True), ("resnet18", False)):
        facts = Trained(
            run="first",
            weights="net.safetensors",
            epoch=1,
            accuracy=0.5,
            classes=("a", "b"),
            statistics=Normalize(mean=0.5, std=0.25),
            digits=digits,
            logarithms=False,
        )
        (folder / f"{name}_trained.py").write_text(as_source(PLANS[name], facts), "utf-8")
    return folder


@pytest.mark.parametrize(
    "check",
    [["format", "--check"], ["check", "--extend-select", "I,UP,B,SIM"]],
    ids=["format", "check"],
)
def test_style(check: list[str], files: Path) -> None:
    """Ruff would not write it otherwise, and finds nothing in it."""
    command = [sys.executable, "-m", "ruff", *check, "--isolated", "--no-cache", str(files)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.zoo
def test_types(files: Path) -> None:
    """Mypy, strict, finds nothing in any."""
    names = sorted(path.name for path in files.iterdir())
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", *names]
    result = subprocess.run(command, cwd=files, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_program(files: Path, alone: Alone) -> None:
    """Run as a program, it prints the output's shape and the number of parameters."""
    assert alone.run(files / "lenet5.py") == ("output (1, 10), 61,750 parameters\n", None)


def test_set_variables(alone: Alone) -> None:
    """Variables that are set change the source as they change the model."""
    spec = cnnspec.load(SPECS[0].parent / "densenet.yaml", set={"growth": 8, "depths": [2, 1], "classes": 3})
    plan = spec.plan()
    assert alone.ask(as_source(plan), (3, 64, 64)) == facts(plan.build, [3, 64, 64])
