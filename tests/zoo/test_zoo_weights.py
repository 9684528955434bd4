"""The weights that torchvision publishes fit the zoo: each tensor has its place, and pictures are given alike."""

from dataclasses import replace

import pytest
import torch
import torchvision
from shaken import shake
from torch import Tensor
from torchvision_zoo import FILES, NETWORKS, OPTIONS, Network

import cnnspec
from cnnspec.data import Normalizer
from cnnspec.language.finetuning import Published
from cnnspec.training.published import _NoValues, find, in_order

State = dict[str, Tensor]

FIRST = {names[0] for names in FILES.values()}
EACH = [pytest.param(n, marks=() if n.name in FIRST else pytest.mark.zoo, id=n.name) for n in NETWORKS]
"""One of each family in every run of the tests, the others by `make test-zoo`."""


def theirs(name: str) -> State:
    """Return the tensors of torchvision's network, auxiliary heads included, in its order."""
    options = {"init_weights": False} if name in OPTIONS else {}
    with _NoValues():
        state: State = torchvision.models.get_model(name, weights=None, **options).state_dict()
    return {key: x.to("meta") for key, x in state.items()}


def pairs(network: Network, state: State, classes: int, channels: int) -> tuple[dict[str, str], list[str]]:
    """Return our names with theirs for a network of other ends, and which of ours have new weights."""
    spec = cnnspec.load(network.file, variant=network.spec().variant, set={"classes": classes})
    with _NoValues():
        model = replace(spec, input=(channels, *spec.input[1:])).plan().build().to("meta")
    report = cnnspec.load_weights(model, state, adapt=True)
    assert len(report.adapted) == (channels != 3)
    new = [one.ours for one in report.replaced]
    assert len(report.matched) + len(new) == len(model.state_dict())
    found = dict(report.matched) | {one.ours: one.theirs for one in report.replaced}
    return {key: found[key] for key in model.state_dict()}, new


@pytest.mark.parametrize("network", EACH)
def test_every_tensor_has_its_place(network: Network) -> None:
    """Whatever the order in the file, and for as many classes as channels, each tensor goes where it always goes."""
    state = theirs(network.name)
    ordered = in_order(dict(sorted(state.items())), network.name)
    assert list(ordered) == list(state)
    usual, new = pairs(network, state, 1000, 3)
    assert new == []
    found, new = pairs(network, ordered, 64, 1)
    assert found == usual
    assert new == list(usual)[-2:]


def test_names_of_long_ago() -> None:
    """DenseNet's weights have names and no counters of batch norm as in 2017; torchvision renames them, and so do we."""
    new = {key: x for key, x in theirs("densenet121").items() if not key.endswith("num_batches_tracked")}
    old = {_of_2017(key): x for key, x in new.items()}
    assert old != new
    assert in_order(old, "densenet121").keys() == new.keys()


def _of_2017(name: str) -> str:
    for layer in ("norm", "conv"):
        for number in "12":
            name = name.replace(f"{layer}{number}.", f"{layer}.{number}.") if "denselayer" in name else name
    return name


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "googlenet", "inception_v3"])
def test_pictures_are_given_alike(name: str) -> None:
    """With torchvision's weights and its statistics, a network answers pictures as torchvision's does, transforms and all."""
    network = next(one for one in NETWORKS if one.name == name)
    publication = find(network.spec(), Published("", "DEFAULT"))
    torch.manual_seed(0)
    # As published weights are used: these two scale their inputs anew then.
    options = OPTIONS[name] | {"transform_input": True} if name in OPTIONS else {}
    model = torchvision.models.get_model(name, weights=None, **options)
    shake(model, (3, 96, 96))
    ours = network.spec().plan().build()
    cnnspec.load_weights(ours, model.state_dict(), adapt=True)
    pictures = torch.randint(0, 256, (2, 3, 96, 96), dtype=torch.uint8)
    # Of torchvision's transform only the last step is left where the size is right.
    transform = publication.entry.transforms()
    transform.crop_size, transform.resize_size = [96], [96]
    statistics = publication.statistics((3, 96, 96))
    with torch.no_grad():
        wanted = model.eval()(transform(pictures))
        output = ours.eval()(Normalizer(statistics, (3, 96, 96), torch.device("cpu"))(pictures))
    assert float((output - wanted).abs().max() / (wanted[0] - wanted[1]).abs().max()) < 1e-4
