"""The convolutional networks of torchvision, and what it takes to be one of them.

The tests and the benchmark share this file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchvision
import yaml
from shaken import shake
from torch import Tensor, nn

import cnnspec

SPECS = Path(__file__).parents[2] / "specs"

FILES = {
    "alexnet": ["alexnet"],
    "convnext": ["convnext_tiny", "convnext_small", "convnext_base", "convnext_large"],
    "densenet": ["densenet121", "densenet161", "densenet169", "densenet201"],
    "efficientnet": [f"efficientnet_b{number}" for number in range(8)],
    "efficientnet_v2": ["efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l"],
    "googlenet": ["googlenet"],
    "inception_v3": ["inception_v3"],
    "mnasnet": ["mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"],
    "mobilenet_v2": ["mobilenet_v2"],
    "mobilenet_v3": ["mobilenet_v3_small", "mobilenet_v3_large"],
    "regnet": [
        *(f"regnet_x_{size}" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")),
        *(
            f"regnet_y_{size}"
            for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf", "128gf")
        ),
    ],
    "resnet": [
        *(f"resnet{depth}" for depth in (18, 34, 50, 101, 152)),
        *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
        *("wide_resnet50_2", "wide_resnet101_2"),
    ],
    "shufflenet_v2": [f"shufflenet_v2_x{width}" for width in ("0_5", "1_0", "1_5", "2_0")],
    "squeezenet": ["squeezenet1_0", "squeezenet1_1"],
    "vgg": [f"vgg{depth}{suffix}" for suffix in ("", "_bn") for depth in (11, 13, 16, 19)],
}
"""The spec files with the builders in torchvision.models that they stand for."""

AUXILIARY = {"inception_v3": 3_326_696}
"""Parameters of auxiliary classifiers, which torchvision's figure includes and our network has not."""

OPTIONS: dict[str, dict[str, Any]] = {
    # Their own initialization takes minutes, and is replaced here anyway.
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": False, "init_weights": False},
}

SIZE = 96
"""Height and width of the pictures that outputs are compared for: large enough for every network."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network of torchvision and the variant of a spec file that describes it."""

    name: str
    file: Path

    def __str__(self) -> str:
        return self.name

    def spec(self) -> cnnspec.Spec:
        """Return the variant, or the file as it is where it holds one network only."""
        return cnnspec.load(self.file, variant=self.name if self.name in variants(self.file) else None)

    def published(self) -> tuple[int, float]:
        """Return the parameters and the GMACs that torchvision gives for our size of pictures."""
        size = self.spec().input[-1]
        for weights in torchvision.models.get_model_weights(self.name):
            if weights.transforms.keywords["crop_size"] == size:
                return weights.meta["num_params"] - AUXILIARY.get(self.name, 0), weights.meta["_ops"]
        raise LookupError(f"torchvision has no weights of {self.name} for pictures of {size}×{size}")


NETWORKS = [Network(name, SPECS / f"{file}.yaml") for file, names in FILES.items() for name in names]


def variants(file: Path) -> list[str]:
    """Return the names of a file's variants."""
    return list(yaml.safe_load(file.read_text("utf-8")).get("variants", {}))


def difference(network: Network) -> float:
    """Return how far our outputs are from torchvision's with the same weights; see `apart`."""
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(network.name, weights=None, **OPTIONS.get(network.name, {}))
    return apart(network.spec(), theirs)


def apart(spec: cnnspec.Spec, theirs: nn.Module, size: int = SIZE) -> float:
    """Return how far our outputs are from those of another network when both have its weights.

    It is relative to how far the outputs for two random pictures are from each other.
    Raises AssertionError where a weight finds no place.
    """
    shake(theirs, (3, size, size))
    ours = spec.plan().build()
    report = cnnspec.load_weights(ours, theirs.state_dict())
    assert len(report.matched) == len(theirs.state_dict()) == len(ours.state_dict()), str(report)
    pictures = torch.randn(2, 3, size, size)
    with torch.no_grad():
        output: Tensor = ours.eval()(pictures)
        wanted: Tensor = theirs.eval()(pictures)
    return float((output - wanted).abs().max() / (wanted[0] - wanted[1]).abs().max())
