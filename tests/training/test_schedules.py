"""The schedules are torch's, step for step, as a function of the step's number."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import Optimizer, lr_scheduler

from cnnspec.language.training import Train
from cnnspec.training.schedule import learning_rate

Make = Callable[[Optimizer], lr_scheduler.LRScheduler]


def ours(epochs: int, steps_per_epoch: int, **settings: Any) -> list[float]:
    train = Train.model_validate({"epochs": epochs, "optimizer": {"sgd": {"lr": 0.5}}, **settings})
    return [learning_rate(train, step, steps_per_epoch) for step in range(epochs * steps_per_epoch)]


def theirs(steps: int, make: Make) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.5)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


def warmed(steps: int, then: Make) -> Make:
    """Return a schedule after a warm-up, as torch composes them."""

    def make(optimizer: Optimizer) -> lr_scheduler.LRScheduler:
        rising = lr_scheduler.LinearLR(optimizer, 1 / steps, total_iters=steps - 1)
        return lr_scheduler.SequentialLR(optimizer, [rising, then(optimizer)], [steps])

    return make


@pytest.mark.parametrize(
    ("settings", "make"),
    [
        ({}, lambda o: lr_scheduler.ConstantLR(o, 1.0)),
        ({"schedule": {"step": {"step_size": 2, "gamma": 0.3}}}, lambda o: lr_scheduler.StepLR(o, 14, 0.3)),
        ({"schedule": {"cosine": {"eta_min": 0.02}}}, lambda o: lr_scheduler.CosineAnnealingLR(o, 42, 0.02)),
        ({"schedule": "cosine"}, lambda o: lr_scheduler.CosineAnnealingLR(o, 42)),
        ({"schedule": "one_cycle"}, lambda o: lr_scheduler.OneCycleLR(o, 0.5, 42, cycle_momentum=False)),
        (
            {"schedule": {"one_cycle": {"pct_start": 0.11, "div_factor": 5.0, "final_div_factor": 50.0}}},
            lambda o: lr_scheduler.OneCycleLR(
                o, 0.5, 42, pct_start=0.11, cycle_momentum=False, div_factor=5, final_div_factor=50
            ),
        ),
        ({"warmup": 1.5}, warmed(10, lambda o: lr_scheduler.ConstantLR(o, 1.0))),
        (
            {"warmup": 2.0, "schedule": {"step": {"step_size": 1}}},
            warmed(14, lambda o: lr_scheduler.StepLR(o, 7)),
        ),
        (
            {"warmup": 0.5, "schedule": "cosine"},
            warmed(4, lambda o: lr_scheduler.CosineAnnealingLR(o, 38)),
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
@pytest.mark.filterwarnings("ignore:The epoch parameter in")  # torch's own, of its SequentialLR
def test_rates_are_those_of_torch(settings: dict[str, Any], make: Make) -> None:
    """Six epochs of seven steps have the learning rates of torch's scheduler, the warm-up before the rest."""
    assert ours(6, 7, **settings) == pytest.approx(theirs(42, make), rel=1e-9)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("steps", range(2, 12))
def test_cycles_of_few_steps(steps: int, share: float) -> None:
    """However few steps there are, one cycle is torch's, and begins on its way down where torch gives up."""
    rates = ours(1, steps, schedule={"one_cycle": {"pct_start": share}})
    try:
        expected = theirs(
            steps, lambda o: lr_scheduler.OneCycleLR(o, 0.5, steps, pct_start=share, cycle_momentum=False)
        )
    except ZeroDivisionError:
        expected = sorted(rates, reverse=True)
        assert rates[0] <= 0.5
    assert rates == pytest.approx(expected, rel=1e-9)
    assert rates[-1] == pytest.approx(0.5 / 25 / 10_000)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", {"step": {"step_size": 1}}])
def test_a_single_step(schedule: Any) -> None:
    """A run of one step has a learning rate."""
    assert 0 < ours(1, 1, schedule=schedule)[0] <= 0.5


def test_a_warm_up_reaches_the_rate() -> None:
    """The warm-up's first step is one part of the rate, its last step all of it."""
    rates = ours(2, 4, warmup=1.0)
    assert rates == pytest.approx([0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5, 0.5])
