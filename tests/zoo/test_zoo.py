"""The specs of the zoo are the networks that they are named after."""

from pathlib import Path

import pytest
import torchvision
import yaml
from torchvision_zoo import FILES, NETWORKS, SPECS, Network, difference, variants

import cnnspec

TRANSFORMERS = ("maxvit_", "swin_", "vit_")

VARIANTS = [
    pytest.param(file, variant, id=f"{file.stem} {variant}".strip())
    for file in sorted(SPECS.glob("*.yaml"))
    for variant in variants(file) or [""]
]

SMALL = 8_000_000
"""Networks of fewer parameters are compared in every run of the tests, the others by `make test-zoo`."""


def is_small(network: Network) -> bool:
    weights = torchvision.models.get_model_weights(network.name)
    return bool(weights.DEFAULT.meta["num_params"] < SMALL)


def test_complete() -> None:
    """Every convolutional network for classification in torchvision is there, by its name there."""
    theirs = set(torchvision.models.list_models(module=torchvision.models))
    assert {network.name for network in NETWORKS} == {n for n in theirs if not n.startswith(TRANSFORMERS)}
    for file, names in FILES.items():
        assert sorted(variants(SPECS / f"{file}.yaml")) in (sorted(names), [])


@pytest.mark.parametrize(("file", "variant"), VARIANTS)
def test_variant(file: Path, variant: str) -> None:
    """Every variant has a plan, a name that ends as the variant's, a description, and something to learn or none."""
    spec = cnnspec.load(file, variant=variant or None)
    assert spec.name.endswith(variant or file.stem)
    assert spec.description
    assert (spec.plan().params > 0) == (file.stem != "edges")


@pytest.mark.parametrize("file", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_classes(file: Path) -> None:
    """Where a file calls the number of classes a variable, setting it changes the output."""
    if "classes" in yaml.safe_load(file.read_text("utf-8")).get("vars", {}):
        assert cnnspec.load(file, set={"classes": 7}).plan().output_shape[0] == 7


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_published_figures(network: Network) -> None:
    """Parameters are those that torchvision publishes, and MACs too, to its three decimals."""
    plan = network.spec().plan()
    params, gmacs = network.published()
    assert plan.params == params
    assert round(plan.macs / 1e9, 3) == gmacs
    assert plan.output_shape == (1000,)


@pytest.mark.parametrize(
    "network",
    [pytest.param(n, marks=() if is_small(n) else pytest.mark.zoo, id=n.name) for n in NETWORKS],
)
def test_equals_torchvision(network: Network) -> None:
    """With torchvision's weights in it, a network computes what torchvision's computes."""
    assert difference(network) < 1e-4


@pytest.mark.parametrize(
    ("file", "variant", "params"),
    [
        ("resnet_cifar", "resnet20", "0.27"),
        ("resnet_cifar", "resnet32", "0.46"),
        ("resnet_cifar", "resnet44", "0.66"),
        ("resnet_cifar", "resnet56", "0.85"),
        ("resnet_cifar", "resnet110", "1.7"),
        ("se_resnet", "se_resnet50", "28.1"),
        ("se_resnet", "se_resnet101", "49.3"),
        ("se_resnet", "se_resnet152", "66.8"),
    ],
)
def test_papers_figures(file: str, variant: str, params: str) -> None:
    """Networks that torchvision has not have as many parameters, in millions, as their papers say."""
    plan = cnnspec.load(SPECS / f"{file}.yaml", variant=variant).plan()
    digits = len(params.partition(".")[2])
    assert f"{plan.params / 1e6:.{digits}f}" == params
