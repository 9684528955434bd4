"""Networks of torchvision, imported: the file that is made builds the same network, to the last weight."""

from dataclasses import replace

import pytest
import torch
import torchvision
from shaken import shake
from torch import nn
from torchvision_zoo import NETWORKS, OPTIONS, SIZE, Network

import cnnspec
from cnnspec import fit
from cnnspec.importing.proof import differs

SHAPE = (3, SIZE, SIZE)

QUICK = [
    "alexnet",
    "googlenet",
    "mnasnet0_5",
    "mobilenet_v2",
    "regnet_y_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_0",
]
"""Networks that are imported in every run of the tests; `make test-zoo` imports all."""

HEAVY = ("alexnet", "vgg11")
"""Those of them whose weights would take longer to draw than all the others together: without numbers."""

LONGEST = 110
"""Lines of a file at most: of the longest, Inception v3."""


def theirs(network: Network) -> nn.Module:
    torch.manual_seed(0)
    model: nn.Module = torchvision.models.get_model(
        network.name, weights=None, **OPTIONS.get(network.name, {})
    )
    return model


def check(network: Network, module: nn.Module) -> cnnspec.Imported:
    """Import a module and hold the file to the one written by hand; return what was imported."""
    imported = cnnspec.from_module(module, SHAPE, network.name)
    plan, by_hand = imported.plan(), replace(network.spec(), input=SHAPE).plan()
    assert (plan.params, plan.macs, plan.output_shape) == (by_hand.params, by_hand.macs, (1000,))
    read = [(step.path, step.layer) for step in cnnspec.loads(imported.text).plan().layers]
    assert read == [(step.path, step.layer) for step in plan.layers]
    assert [*imported.warnings, *fit.warnings(plan)] == []
    assert len(imported.text.splitlines()) <= LONGEST
    assert max(map(len, imported.text.splitlines())) <= 100
    assert sorted(imported.sources.values()) == sorted(module.state_dict())
    return imported


@pytest.mark.parametrize(
    "network",
    [pytest.param(n, marks=() if n.name in QUICK else pytest.mark.zoo, id=n.name) for n in NETWORKS],
)
def test_imports(network: Network) -> None:
    """Parameters and MACs are those of the file written by hand; with the weights, the output is the module's."""
    if network.name in HEAVY:
        with torch.device("meta"):
            check(network, theirs(network))
        return
    module = theirs(network)
    shake(module, SHAPE)
    apart = differs(module, check(network, module))
    # ConvNeXt's dense layers at each place are 1×1 convolutions, which sum up in another order.
    assert apart is not None
    assert apart < 1e-5 if network.name.startswith("convnext") else apart == 0
