"""Networks of ours, built and imported again: what comes out is the same network, to the bit."""

from typing import Any
from unittest.mock import patch

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from reference import Drawn
from strategies import EXAMPLES, specs
from torch import nn

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.importing.imported import says
from cnnspec.importing.nest import nest
from cnnspec.importing.proof import differs
from cnnspec.importing.read import Reader
from cnnspec.importing.trace import trace

pytestmark = [
    # torch says so once, as it must make a padded copy.
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel"),
    # of what is drawn and has no values, as in test_random_specs
    pytest.mark.filterwarnings("ignore:Initializing zero-element tensors"),
]

MOST_PARAMS = 100_000


@settings(max_examples=EXAMPLES // 25, suppress_health_check=list(HealthCheck))
@given(specs(valid=True))
def test_round_trip(drawn: Drawn) -> None:
    """A random network of the whole language has the same layers, parameters and output when it is imported.

    The folded file says it already, and not only the one that is written out where folding goes wrong.
    """
    try:
        plan = cnnspec.loads(drawn.text, variant=drawn.variant).plan()
    except SpecError:
        assume(condition=False)
    assume(plan.layers and plan.params < MOST_PARAMS)
    torch.manual_seed(0)
    model = plan.build()
    with patch("cnnspec.importing.imported.written_out", side_effect=AssertionError("folded wrongly")):
        imported = cnnspec.from_module(model, plan.input_shape)
    again = imported.plan()
    assert (again.params, again.macs, again.output_shape) == (plan.params, plan.macs, plan.output_shape)
    assert sorted(imported.sources.values()) == sorted(model.state_dict())
    assert differs(model, imported) == 0


def test_what_a_folded_file_says() -> None:
    """A file with the same layers that merges them otherwise, or in another order, does not say the same."""
    text = "input: [4, 8, 8]\nlayers:\n  - concat: [[relu], [sigmoid, residual: [tanh]]]\n"
    plan = cnnspec.loads(text).plan()
    row = nest(Reader(trace(plan.build(), plan.input_shape)).output())
    assert says(plan, row)
    for wrong in (
        text.replace("concat", "add"),
        text.replace("[[relu], [sigmoid, residual: [tanh]]]", "[[relu, sigmoid], [residual: [tanh]]]"),
        text.replace("residual: [tanh]", "sequence: [tanh]"),
        text.replace("residual: [tanh]", "residual: {layers: [tanh], skip: false}"),
    ):
        assert [step.type for step in cnnspec.loads(wrong).plan().layers] == ["relu", "sigmoid", "tanh"]
        assert not says(cnnspec.loads(wrong).plan(), row)


class Remembers(nn.Module):
    """A module that counts its calls, and keeps what it saw."""

    count: torch.Tensor
    seen: Any
    inner: Any

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.seen = 0, None
        self.register_buffer("count", torch.zeros(1))
        self.inner = nn.Sequential(nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.count += 1
        self.seen = self.inner.seen = self.inner(x)
        self.count = self.count * 2
        return self.seen  # type: ignore[no-any-return]  # a tensor


def test_no_traces_in_the_module() -> None:
    """What a module's code sets, in itself or in its parts, and what it counts is as before the import."""
    module = Remembers()
    before = [dict(vars(one)) for one in module.modules()]
    cnnspec.from_module(module, (4, 8, 8))
    assert [dict(vars(one)) for one in module.modules()] == before
    assert (module.calls, module.seen, float(module.count)) == (0, None, 0.0)


def test_the_module_is_left_alone() -> None:
    """An import changes neither the mode of any part of a module, nor its weights, nor torch's random numbers."""
    model = cnnspec.load("specs/lenet5.yaml").plan().build().train()
    model.get_submodule("batchnorm1").eval()
    modes = [one.training for one in model.modules()]
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    attributes = set(vars(model))
    state = torch.get_rng_state()
    cnnspec.from_module(model, (1, 32, 32))
    assert torch.equal(torch.get_rng_state(), state)
    assert [one.training for one in model.modules()] == modes
    assert set(vars(model)) == attributes
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[name])
