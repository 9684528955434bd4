"""The one place where a plan becomes a torch module."""

from collections import OrderedDict
from typing import Any

from torch import nn

from cnnspec import machine
from cnnspec.errors import SpecError
from cnnspec.model import modules
from cnnspec.plan import Plan, Step


def build(plan: Plan) -> nn.Sequential:
    """Return the plan's network; its `state_dict` keys are the paths in the plan.

    Layers are made first to last by torch's own constructors, so the random
    initialization is that of the same network written by hand. Raises SpecError
    where the memory for the parameters cannot be had.
    """
    problem = machine.build_problem(plan, machine.memory())
    if problem:
        raise SpecError(problem)
    try:
        return _sequence(plan.steps)
    except (MemoryError, RuntimeError) as error:
        if "memory" not in str(error):
            raise
        raise SpecError(machine.too_large(plan)) from None


def _sequence(steps: tuple[Step, ...]) -> nn.Sequential:
    return nn.Sequential(OrderedDict((step.name, _module(step)) for step in steps))


def _module(step: Step) -> Any:
    if step.layer:
        return step.layer.build(modules, step.input)
    if step.composite:
        parts = {child.name: _sequence(child.children) for child in step.children}
        return step.composite.build(modules, parts)
    return _sequence(step.children)
