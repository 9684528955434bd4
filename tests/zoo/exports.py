"""Networks of the zoo to be exported, so that each of their weights tells; the tests and a benchmark share this."""

from pathlib import Path

import torch
from shaken import shake
from torchvision_zoo import SPECS

from cnnspec.exporting.network import Network
from cnnspec.spec import Spec, load_family

FILES = sorted(SPECS.glob("*.yaml"))


def smallest(file: Path) -> Spec:
    """Return the variant with the fewest parameters."""
    return min(load_family(file), key=lambda spec: spec.plan().params)


def shaken(spec: Spec) -> Network:
    """Return a spec's network with random weights and statistics; a fresh one has the same nearly everywhere."""
    network = Network.of(spec)
    torch.manual_seed(0)
    shake(network.model, network.plan.input_shape)
    network.model.eval()
    return network
