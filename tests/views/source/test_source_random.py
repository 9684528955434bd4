"""The source of random specs is their network, whatever is nested, repeated, named or left out."""

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from reference import BATCH, Drawn
from strategies import EXAMPLES, specs
from torch import nn

import cnnspec
from cnnspec.views.source import as_source

pytestmark = [
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel"),
    pytest.mark.filterwarnings("ignore:Initializing zero-element tensors"),
]


def network(source: str) -> type[nn.Module]:
    """Return the last class of a source."""
    space: dict[str, Any] = {"__name__": "net"}
    exec(compile(source, "net.py", "exec"), space)  # noqa: S102  # our own text
    return [one for one in space.values() if isinstance(one, type) and one.__module__ == "net"][-1]


@settings(max_examples=EXAMPLES // 10, suppress_health_check=[HealthCheck.too_slow])
@given(specs(valid=True))
def test_equals_the_model(drawn: Drawn) -> None:
    """Names, first weights and outputs are the model's, to the bit."""
    plan = cnnspec.loads(drawn.text, variant=drawn.variant).plan()
    torch.manual_seed(0)
    model = plan.build().eval()
    torch.manual_seed(0)
    other = network(as_source(plan))().eval()
    ours, theirs = model.state_dict(), other.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    x = torch.randn(BATCH, *plan.input_shape)
    with torch.no_grad():
        torch.testing.assert_close(other(x), model(x), rtol=0, atol=0, equal_nan=True)
