"""What torch really allocates in training: the reference that the prediction is held to."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch.profiler import ProfilerActivity, profile

from cnnspec.plan import Plan
from cnnspec.training import average, frozen, optimizer


def training_peak(plan: Plan, batch: int) -> int:
    """Return the most bytes of tensors, and of what kernels take, in the first two steps of training."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        train(plan, batch)
    events = profiler.profiler.kineto_results.experimental_event_tree()
    return max(_allocated(events))


def train(plan: Plan, batch: int, steps: int = 2) -> None:
    """Take steps as the trainer does, on random pictures."""
    model, options = plan.build().train(), plan.spec.train
    frozen.freeze(model, options)
    frozen.keep_statistics(model, options)
    stepped = optimizer.make(options.optimizer, model, options.scale_of)
    averaged = average.make(model, options.ema) if options.ema else None
    inputs = torch.rand(batch, *plan.input_shape)
    labels = torch.zeros(batch, *plan.output_shape[1:], dtype=torch.long)
    parts = [*zip(inputs.chunk(options.accumulate), labels.chunk(options.accumulate), strict=True)]
    for _ in range(steps):
        for index, (some, their_labels) in enumerate(parts):
            loss = F.cross_entropy(model(some), their_labels, reduction="sum") / batch
            if index == 0:
                stepped.zero_grad(set_to_none=True)
            loss.backward()
        stepped.step()
        if averaged:
            averaged.update_parameters(model)


def _allocated(events: list[Any]) -> list[int]:
    """Return what was in use after each allocation."""
    found = []
    waiting = list(events)
    while waiting:
        event = waiting.pop()
        waiting += event.children
        if hasattr(event.extra_fields, "total_allocated"):
            found.append(event.extra_fields.total_allocated)
    return found
