"""What is exported of a spec: the network that its training would begin with, and what its file tells."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

import cnnspec
from cnnspec.exporting import export_pt2
from cnnspec.exporting.network import Network
from cnnspec.exporting.paths import beside
from cnnspec.exporting.program import Program

SPEC = """
name: small
input: [1, 8, 8]
layers: [conv: {filters: 3, kernel: 3}, relu, flatten, fc: 10]
"""
MNIST = "data: {dataset: mnist}\n"


def network(*more: str, file: str = "small.yaml") -> Network:
    return Network.of(cnnspec.loads("".join([SPEC, *more]), file=file))


def told(made: Network) -> dict[str, Any]:
    """Return the facts as plain values; the spec and the version stay texts."""
    return {
        name: text if name in ("spec", "cnnspec") else json.loads(text) for name, text in made.facts.items()
    }


def weights(seed: int) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return dict(cnnspec.loads(SPEC).plan().build().state_dict())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(one[key].equal(other[key]) for key in one)


def test_seed() -> None:
    """The weights are those that the spec's seed gives, and torch's generator is left as it was."""
    expected, other = weights(7), weights(0)
    before = torch.random.get_rng_state()
    made = network("train: {seed: 7}")
    assert torch.random.get_rng_state().equal(before)
    assert same(made.model.state_dict(), expected)
    assert not same(made.model.state_dict(), other)
    assert (made.weights, told(made)["seed"]) == ("initialized with seed 7", 7)
    assert not made.model.training


def test_given_weights(tmp_path: Path) -> None:
    """Weights that training would begin with are those of the file, by their path from the spec's file."""
    save_file(weights(5), tmp_path / "given.safetensors")
    made = network("train: {weights: given.safetensors}", file=str(tmp_path / "small.yaml"))
    assert same(made.model.state_dict(), weights(5))
    assert made.weights == f"weights {tmp_path / 'given.safetensors'}"


@pytest.mark.parametrize(
    ("more", "classes", "digits", "mean"),
    [
        (MNIST, [str(n) for n in range(10)], True, 0.1307),
        ("data: {dataset: fashion-mnist, normalize: {mean: 0.25, std: 0.5}}", 10, False, 0.25),
        ("data: {dataset: cifar100}", None, None, 0.4866),
        ("data: {folder: pictures}", None, None, None),
        ("data: {folder: pictures, normalize: {mean: 0.25, std: 0.5}}", None, None, 0.25),
        ("", None, None, None),
    ],
    ids=["known", "known otherwise", "of more classes", "own", "own with statistics", "none"],
)
def test_data(more: str, classes: Any, digits: bool | None, mean: float | None) -> None:
    """Classes and normalization are told as far as the spec itself knows them, and no data set is made up."""
    made = network(more)
    facts = told(made)
    assert (facts.get("classes") if classes != 10 else len(facts["classes"])) == classes
    assert (facts.get("digits"), facts.get("mean")) == (
        digits,
        pytest.approx(mean, abs=0.002) if mean else None,
    )
    assert ("data:" in facts["spec"]) == bool(more)
    assert (made.statistics is None) == (mean is None)


@pytest.mark.parametrize(
    ("path", "folder", "told"),
    [
        ("/data/pets", "/data", "pets"),
        ("/data/pets", "/data/pets", "."),
        ("/home/ann/pictures/pets", "/home/ann/nets/new", "../../pictures/pets"),
        ("/home/ann/pictures/pets", "/srv", "pets"),
        ("/home/ann/pictures/pets", "/home/ben", "pets"),
        ("/data/pets", "/home/ann", "../../data/pets"),
    ],
)
def test_paths(path: str, folder: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are told from the file's folder on, and to others they do not tell the user's home folder."""
    monkeypatch.setenv("HOME", "/home/ann")
    shards = {"train": f"{path}/{{0..9}}.tar", "test": None}
    spec = {"name": "/home/ann", "data": {"folder": path, "shards": shards}, "train": {"weights": path}}
    found = beside(spec, Path(folder))
    assert (found["name"], found["data"]["folder"], found["train"]["weights"]) == ("/home/ann", told, told)
    assert found["data"]["shards"]["train"].endswith("{0..9}.tar")


def test_paths_of_a_spec(tmp_path: Path) -> None:
    """Relative paths of the spec count from its file, those that the exported file tells from that one."""
    save_file(weights(5), tmp_path / "given.safetensors")
    text = SPEC + "data: {folder: pets}\ntrain: {weights: given.safetensors}"
    spec = cnnspec.loads(text, file=str(tmp_path / "small.yaml"))
    found = cnnspec.loads(Network.of(spec, tmp_path / "made").facts["spec"])
    assert (found.data.folder, found.train.weights) == ("../pets", "../given.safetensors")


def test_spec_reads_back() -> None:
    """The spec in the metadata is that of the network, with the normalization in it."""
    made = network(MNIST)
    spec = cnnspec.loads(told(made)["spec"])
    assert (spec.plan().params, spec.plan().output_shape) == (made.plan.params, made.plan.output_shape)
    assert spec.data.normalize == made.statistics


def test_pt2(tmp_path: Path) -> None:
    """A file of torch.export has the network's own names of weights, and the facts as extra files."""
    made = export_pt2(cnnspec.loads(SPEC + MNIST), tmp_path / "small.pt2")
    extra = {"spec": "", "classes": "", "cnnspec": ""}
    program = torch.export.load(tmp_path / "small.pt2", extra_files=extra)
    assert same(dict(program.state_dict), weights(0))
    assert extra == made.network.facts
    for module in (torch, cnnspec):
        assert str(Path(module.__file__ or "").parent).encode() not in (tmp_path / "small.pt2").read_bytes()
    assert program.module()(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{input: [1, 4, 8, 8], layers: [flatten]}",
            "input is 1×4×8×8, which no picture fits; a picture has no depth.",
        ),
        (
            "{input: [1, 63], layers: [flatten]}",
            "input is 1×63, which no picture fits; a picture becomes a sequence",
        ),
    ],
)
def test_no_pictures(text: str, message: str) -> None:
    """What is made of no picture can be exported without their preparation only."""
    made = Network.of(cnnspec.loads(text))
    assert Program.of(made, preprocess=False).described.startswith("float32 (batch, 1, ")
    with pytest.raises(cnnspec.SpecError, match=message.replace("(", "[(]")):
        Program.of(made, preprocess=True)


@pytest.mark.parametrize("shape", [(1, 64), (10, 30), (4, 9, 9)])
def test_sequences_and_many_channels(shape: tuple[int, ...], tmp_path: Path) -> None:
    """Sequences are made of gray pictures, and an input of any number of channels of pictures with as many."""
    spec = cnnspec.loads(f"{{input: {[*shape]}, layers: [conv: {{filters: 2, kernel: 1}}, flatten]}}")
    made = export_pt2(spec, tmp_path / "network.pt2", preprocess=True)
    channels = 4 if len(shape) == 3 else 1
    assert made.program.described == f"uint8 (batch, {channels}, height, width)"
    run = torch.export.load(tmp_path / "network.pt2").module()
    assert run(torch.zeros(2, channels, 40, 21, dtype=torch.uint8)).shape == (
        2,
        made.network.plan.output_shape[0],
    )
