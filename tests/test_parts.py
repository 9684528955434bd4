"""`freeze` and `lr_scale` name what is in the network, and what they come to is known before it is built."""

from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.fit import data_problems, warnings
from cnnspec.training import frozen

SPECS = Path(__file__).parents[1] / "specs"

NET = """
name: net
input: [3, 16, 16]
layers:
  - conv: {filters: 4, kernel: 3}
    name: stage
  - conv: {filters: 4, kernel: 1}
    name: stage2
    repeat: 11
  - residual:
      layers: [conv: {filters: 4, kernel: 1}, batchnorm: {affine: false}]
      shortcut: [conv: {filters: 4, kernel: 1}]
    name: side
  - batchnorm: {affine: false}
  - relu
  - flatten
  - fc: 10
"""


def plan(**settings: Any) -> cnnspec.Plan:
    return cnnspec.loads(NET).overridden(settings={"weights": "x"} | settings).plan()


def problems(**settings: Any) -> list[str]:
    return [problem.message for problem in data_problems(plan(**settings))]


@pytest.mark.parametrize(
    ("names", "frozen"),
    [
        (["stage"], {"stage"}),
        (["stage2"], {f"stage2.{n}" for n in range(11)}),
        (["stage2.1"], {"stage2.1"}),
        (["side"], {"side.layers.conv1", "side.shortcut.conv1"}),
        (["side.shortcut", "stage2.10"], {"side.shortcut.conv1", "stage2.10"}),
        ([], set()),
        (["stage", "stage"], {"stage"}),
    ],
)
def test_a_name_stands_for_all_within(names: list[str], frozen: set[str]) -> None:
    """A name covers the layer or block of that path and what is in it, and no other that begins alike."""
    made = plan(freeze=names)
    assert {s.path for s in made.layers if s.params and made.spec.train.is_frozen(s.path)} == frozen
    assert problems(freeze=names) == []


@pytest.mark.parametrize(
    ("path", "scale"),
    [("stage", 2), ("stage2.0", 3), ("stage2.1", 0.5), ("stage2.10", 3), ("fc1", 1), ("stage2.1.weight", 0.5)],
)  # fmt: skip
def test_innermost_scale_counts(path: str, scale: float) -> None:
    """Of several factors, the one of the innermost name counts; without any, it is 1."""
    made = plan(lr_scale={"stage": 2, "stage2": 3, "stage2.1": 0.5})
    assert made.spec.train.scale_of(path) == scale


FITS: list[dict[str, Any]] = [
    {"freeze": ["batchnorm1"]},  # which has statistics
    {"freeze": ["side.layers.batchnorm1"]},
    {"freeze": ["stage2.0"], "lr_scale": {"stage2": 0.1}},
    {"lr_scale": {"stage2": 0.1, "stage2.3": 10}},
    {"freeze": ["stage", "stage2", "side"]},
]


@pytest.mark.parametrize("settings", FITS, ids=str)
def test_what_fits(settings: dict[str, Any]) -> None:
    """What only looks like a contradiction is taken."""
    assert problems(**settings) == []


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"freeze": ["Stage"]}, ["freeze names 'Stage', which is no layer or block of net. Did you mean 'stage'?"]),
    ({"freeze": ["stage2.11"]}, ["freeze names 'stage2.11', which is no layer or block of net. Did you mean 'stage2.1'?"]),
    ({"freeze": ["stage2.*"]}, ["freeze names 'stage2.*', which is no layer or block of net. Did you mean 'stage2'?"]),
    ({"freeze": ["fc1.weight"]}, ["freeze names 'fc1.weight', which is no layer or block of net. Did you mean 'fc1'?"]),
    ({"freeze": [""]}, ["freeze names '', which is no layer or block of net. Use stage, stage2, side or fc1, or what is in them."]),
    ({"freeze": ["shortcut"]}, ["freeze names 'shortcut', which is no layer or block of net. Did you mean 'side.shortcut'?"]),
    ({"freeze": ["fc2"], "lr_scale": {"fc3": 2}}, ["freeze names 'fc2', which is no layer or block of net. Did you mean 'fc1'?", "lr_scale names 'fc3', which is no layer or block of net. Did you mean 'fc1'?"]),
    ({"freeze": ["flatten1"]}, ["freeze names 'flatten1', which has no parameters. Remove it."]),
    ({"lr_scale": {"batchnorm1": 2}}, ["lr_scale names 'batchnorm1', which has no parameters; nothing in it learns. Remove it."]),
    ({"freeze": ["stage"], "lr_scale": {"stage": 2}}, ["lr_scale names 'stage', but freeze keeps it as it is; it cannot do both. Remove it from one of them."]),
    ({"freeze": ["side.layers", "side.shortcut"], "lr_scale": {"side": 2}}, ["lr_scale names 'side', but freeze keeps it as it is; it cannot do both. Remove it from one of them."]),
    ({"freeze": ["stage", "stage2", "side", "fc1"]}, ["freeze leaves nothing to learn; all 8,222 parameters are in what it names. Leave out 'fc1'."]),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "messages"), WRONG, ids=str)
def test_what_does_not(settings: dict[str, Any], messages: list[str]) -> None:
    """A name of nothing, of what cannot learn, in both places, or of all is told, with what to write."""
    made = cnnspec.loads(NET.replace("fc: 10", "fc: 10\ndata: {folder: x}"))
    found = data_problems(made.overridden(settings={"weights": "x"} | settings).plan())
    assert sorted(problem.message for problem in found) == messages


def test_places() -> None:
    """What an option names is told of the option, and what the file names of its place there."""
    text = NET + "data: {folder: x}\ntrain: {weights: x, freeze: [stage, x], lr_scale: {y: 2}}"
    line = text.count("\n") + 1
    made = cnnspec.loads(text, file="net.yaml")
    places = [str(problem.place) for problem in data_problems(made.plan())]
    assert places == [f"net.yaml:{line}:37", f"net.yaml:{line}:52"]
    given = made.overridden(settings={"freeze": ["z"], "lr_scale": {"y": 2}})
    places = [str(problem.place) for problem in data_problems(given.plan())]
    assert places == ["--train freeze", f"net.yaml:{line}:52"]


def test_one_block_of_all() -> None:
    """Where one name stands for the whole network, it is said to name less of it."""
    text = "input: [1, 8, 8]\nlayers:\n  - sequence: [flatten, fc: 10]\n    name: all\ntrain: {weights: x, freeze: [all]}"
    (problem,) = data_problems(cnnspec.loads(text).plan())
    assert (
        problem.message
        == "freeze leaves nothing to learn; all 650 parameters are in what it names. Name parts of it, not 'all'."
    )


def test_hostile_names() -> None:
    """Names of any length and with signs that could steer a terminal are told shortly and made harmless."""
    for name in ("x" * 100_000, "\x1b[31mred", "a\nb", "ä" * 500):
        with pytest.raises(SpecError) as caught:
            cnnspec.train(cnnspec.loads(NET), settings={"freeze": [name]})
        assert len(str(caught.value)) < 1000
        assert "\x1b" not in str(caught.value)


def test_random_weights_are_not_worth_keeping() -> None:
    """To freeze parts without weights to begin with is allowed, with a warning."""
    made = cnnspec.loads(NET).overridden(settings={"freeze": ["stage"]}).plan()
    (warning,) = warnings(made)
    assert warning.severity == "warning"
    assert warnings(plan(freeze=["stage"])) == warnings(plan(freeze=[])) == []


def test_one_sample_for_a_frozen_norm() -> None:
    """A frozen batch norm looks at no batch, and so one sample is enough for it."""
    text = (
        "input: [1, 8, 8]\nlayers: [flatten, fc: 10, batchnorm, fc: 10]\ntrain: {batch_size: 1, weights: x}"
    )
    made = cnnspec.loads(text)
    assert len(data_problems(made.plan())) == 1
    assert data_problems(made.overridden(settings={"freeze": ["batchnorm1"]}).plan()) == []


@pytest.mark.parametrize("variant", ["mobilenet_v3_small", "squeezenet1_1", "resnet18"])
def test_trainable_is_torchs(variant: str) -> None:
    """The number of parameters that learn is that of those for which torch makes gradients."""
    file = {"m": "mobilenet_v3", "s": "squeezenet", "r": "resnet"}[variant[0]]
    spec = cnnspec.load(SPECS / f"{file}.yaml", variant=variant)
    names = [step.path for step in spec.plan().steps if step.params]
    made = spec.overridden(settings={"freeze": [names[0], names[-2]]}).plan()
    model = made.build()
    frozen.freeze(model, made.spec.train)
    learning = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert 0 < made.trainable == learning < made.params
