"""The one place where a plan becomes a torch module."""

from collections import OrderedDict
from typing import Any

from torch import nn

from cnnspec.plan import Plan, Step


def build(plan: Plan) -> nn.Sequential:
    """Return the plan's network; its `state_dict` keys are the paths in the plan.

    Layers are made first to last by torch's own constructors, so the random
    initialization is that of the same network written by hand.
    """
    return _sequence(plan.steps)


def _sequence(steps: tuple[Step, ...]) -> nn.Sequential:
    return nn.Sequential(OrderedDict((step.name, _module(step)) for step in steps))


def _module(step: Step) -> Any:
    return step.layer.build(nn, step.input) if step.layer else _sequence(step.children)
