"""`cnnspec layers` as its users meet it."""

import json

import pytest

import cnnspec
from cnnspec.cli import run
from cnnspec.layers import REGISTRY

Capture = pytest.CaptureFixture[str]


def output(capsys: Capture, *arguments: str) -> str:
    """Run `layers`, which goes well, and return what it prints."""
    assert run(["layers", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_lists_all(capsys: Capture) -> None:
    """Every layer is listed with its example, which starts with a dash, ready to copy."""
    lines = [line.strip() for line in output(capsys).splitlines()]
    assert all(any(line.startswith(f"- {layer.example}") for line in lines) for layer in REGISTRY.values())


@pytest.mark.parametrize("name", REGISTRY)
def test_shows_one(name: str, capsys: Capture) -> None:
    """A layer is shown with each of its fields, and which of them may stand alone."""
    text = output(capsys, name)
    assert text.startswith(f"{name}  ({REGISTRY[name].family})\n")
    fields = [line.split()[0] for line in text.splitlines() if line.strip()]
    assert set(REGISTRY[name].model_fields) <= set(fields)
    assert ("may stand alone" in text) == (REGISTRY[name].main is not None)


def test_json(capsys: Capture) -> None:
    """As JSON all layers are a list, and one is an object of that list."""
    everything = json.loads(output(capsys, "--format", "json"))
    assert {described["type"] for described in everything} == set(REGISTRY)
    assert json.loads(output(capsys, "conv", "--format", "json")) in everything


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("cnov", "conv"),
        ("Linear", "fc"),
        ("Conv2d", "conv"),
        ("batch_norm", "batchnorm"),
        ("gap", "global_avgpool"),
    ],
)
def test_unknown(name: str, meant: str, capsys: Capture) -> None:
    """A layer that isn't there is named with the one that was surely meant; as wrong usage, it is code 2."""
    assert run(["layers", name]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"there is no layer '{name}'. Did you mean '{meant}'?" in err


def test_examples_make_networks(capsys: Capture) -> None:
    """Each example of the list can be copied into a spec."""
    for described in json.loads(output(capsys, "--format", "json")):
        before = "  - flatten\n" if described["type"] == "fc" else ""
        cnnspec.loads(f"input: [4, 64, 64]\nlayers:\n{before}  - {described['example']}\n").plan()
