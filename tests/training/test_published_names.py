"""Which of torchvision's weights a spec asks for, and how their pictures were normalized."""

from pathlib import Path

import pytest
from torchvision.models import ResNet18_Weights

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.language.finetuning import Published
from cnnspec.training.published import Publication, find, network_of

SPECS = Path(__file__).parents[2] / "specs"


def spec(name: str, variant: str | None = None, weights: str = "x") -> cnnspec.Spec:
    loaded = cnnspec.load(SPECS / f"{name}.yaml", variant=variant)
    return loaded.overridden(settings={"weights": f"torchvision:{weights}"})


@pytest.mark.parametrize(
    ("found", "asked", "name"),
    [
        (("resnet", "resnet50"), ("", "IMAGENET1K_V1"), "torchvision:resnet50:IMAGENET1K_V1"),
        (("resnet", "resnet50"), ("", "DEFAULT"), "torchvision:resnet50:IMAGENET1K_V2"),
        (("googlenet", None), ("", "DEFAULT"), "torchvision:googlenet:IMAGENET1K_V1"),
        (("lenet5", None), ("resnet18", "DEFAULT"), "torchvision:resnet18:IMAGENET1K_V1"),
        (("regnet", "regnet_y_16gf"), ("", "IMAGENET1K_SWAG_E2E_V1"), "torchvision:regnet_y_16gf:IMAGENET1K_SWAG_E2E_V1"),
    ],
)  # fmt: skip
def test_found(found: tuple[str, str | None], asked: tuple[str, str], name: str) -> None:
    """The network is the spec's variant or its name, or is named; torchvision's default is told by its name."""
    assert find(spec(*found), Published(*asked)).name == name


def test_named_in_front_of_the_variant() -> None:
    """A file with a name of its own has the network that its variant is called."""
    text = (SPECS / "resnet.yaml").read_text("utf-8").replace("cnnspec: 1", "cnnspec: 1\nname: pets")
    own = cnnspec.loads(text, variant="resnet34")
    assert own.name == "pets-resnet34"
    assert network_of(own) == "resnet34"


@pytest.mark.parametrize(
    ("found", "asked", "message"),
    [
        (("resnet", "resnet50"), ("", "IMAGENET1K_V3"), "resnet50 has no weights 'IMAGENET1K_V3'; torchvision has IMAGENET1K_V1 or IMAGENET1K_V2 of it. Did you mean 'IMAGENET1K_V"),
        (("resnet", "resnet50"), ("", "imagenet1k_v2"), "Did you mean 'IMAGENET1K_V2'?"),
        (("resnet", "resnet50"), ("", "COCO"), "resnet50 has no weights 'COCO'; torchvision has IMAGENET1K_V1 or IMAGENET1K_V2 of it."),
        (("lenet5", None), ("", "IMAGENET1K_V1"), "torchvision has no network 'lenet5'; weights of its own belong to a network by its name there."),
        (("lenet5", None), ("resnet51", "IMAGENET1K_V1"), "torchvision has no network 'resnet51'. Did you mean 'resnet"),
    ],
)  # fmt: skip
def test_not_found(found: tuple[str, str | None], asked: tuple[str, str], message: str) -> None:
    """A name that torchvision has not is told with those that it has."""
    with pytest.raises(SpecError) as caught:
        find(spec(*found), Published(*asked))
    assert message in str(caught.value)


def test_statistics() -> None:
    """Pictures are normalized as torchvision's own transforms do; for gray, by what its weighting makes of that."""
    color = Publication("resnet18", ResNet18_Weights.DEFAULT).statistics((3, 8, 8))
    assert color.mean == (0.485, 0.456, 0.406)
    assert color.std == (0.229, 0.224, 0.225)
    gray = Publication("resnet18", ResNet18_Weights.DEFAULT).statistics((1, 8, 8))
    assert gray.mean == pytest.approx(0.299 * 0.485 + 0.587 * 0.456 + 0.114 * 0.406, abs=1e-4)
