"""Random specs over the whole language: the plan tells what torch does, and refuses what torch refuses."""

import pytest
import torch
from hypothesis import HealthCheck, event, given, note, settings
from reference import BATCH, Drawn, Refused
from strategies import EXAMPLES, specs
from torch.utils.flop_counter import FlopCounterMode

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.plan import Plan

pytestmark = [
    # torch says so once, as it must make a padded copy.
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel"),
    # of filters: 0, which torch takes and we refuse
    pytest.mark.filterwarnings("ignore:Initializing zero-element tensors"),
]


def plan_of(drawn: Drawn) -> Plan:
    return cnnspec.loads(drawn.text, variant=drawn.variant).plan()


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(specs())
def test_equals_torch(drawn: Drawn) -> None:
    """Shapes, parameters and MACs of every layer are torch's, and so is the verdict on what cannot be."""
    torch.manual_seed(0)
    try:
        reference, y = drawn.run()
    except Refused as refusal:
        event("refused")
        note(f"torch refuses: {refusal}")
        with pytest.raises(SpecError):
            plan_of(drawn)
        return
    event("runs")
    plan = plan_of(drawn)
    assert [(step.type, step.input, step.output, step.params) for step in plan.layers] == reference.records
    assert plan.output_shape == tuple(y.shape[1:])
    torch.manual_seed(0)
    x = torch.randn(BATCH, *plan.input_shape)
    model = plan.build().eval()
    assert sum(p.numel() for p in model.parameters()) == plan.params
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = model(x)
    assert torch.allclose(output, y, rtol=0, atol=0, equal_nan=True)
    assert counter.get_total_flops() == 2 * BATCH * plan.macs
