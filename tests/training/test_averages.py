"""The moving average of weights is its formula, and goes on exactly from a state."""

import copy

import pytest
import torch
from torch import Tensor, nn

from cnnspec.training import average as averages
from cnnspec.training.device import available


def network(device: str = "cpu") -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2)).to(device)


def change(model: nn.Module, step: int) -> None:
    """Stand in for a step: new weights, and the running statistics of a batch."""
    draws = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draws).to(parameter.device))
    model(torch.randn(4, 1, 4, 4, generator=draws).to(parameter.device))


def values(model: nn.Module) -> list[Tensor]:
    return [t.detach().cpu().double().clone() for t in model.state_dict().values()]


@pytest.mark.parametrize("device", available())
@pytest.mark.parametrize("decay", [0.3, 0.999])
def test_average_is_its_formula(decay: float, device: str) -> None:
    """After each step a ← d·a + (1 − d)·w with d = min(decay, (1 + t)/(10 + t)); counts are copied."""
    model = network(device)
    average = averages.make(model, decay)
    expected: list[Tensor] = []
    for step in range(30):
        change(model, step)
        average.update_parameters(model)
        share = min(decay, (1 + step) / (10 + step))
        new = values(model)
        expected = [share * a + (1 - share) * w for a, w in zip(expected, new, strict=True)] if step else new
    for (name, ours), theirs in zip(average.module.state_dict().items(), expected, strict=True):
        if name.endswith("num_batches_tracked"):
            assert int(ours) == 30
        else:
            torch.testing.assert_close(ours.cpu().double(), theirs, rtol=1e-4, atol=1e-5)
    assert int(average.n_averaged) == 30


def test_average_answers_as_a_network() -> None:
    """The average is a network of its own: it answers with its weights, and training leaves it alone."""
    model = network()
    average = averages.make(model, 0.9)
    change(model, 0)
    average.update_parameters(model)
    inputs = torch.randn(4, 1, 4, 4)
    average.eval()
    before = average(inputs)
    torch.testing.assert_close(before, model.eval()(inputs))
    change(model.train(), 1)
    assert torch.equal(average(inputs), before)
    assert not average.module.training


def test_average_goes_on_exactly() -> None:
    """Three steps, a state_dict loaded into a new average, and three more are six steps, to the bit."""
    model, whole = network(), averages.make(network(), 0.99)
    first = averages.make(network(), 0.99)
    second = averages.make(network(), 0.99)
    for step in range(6):
        change(model, step)
        whole.update_parameters(model)
        if step < 3:
            first.update_parameters(model)
        if step == 2:
            second.load_state_dict(copy.deepcopy(first.state_dict()))
        if step > 2:
            second.update_parameters(model)
    assert int(second.n_averaged) == 6
    for ours, theirs in zip(second.state_dict().values(), whole.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
