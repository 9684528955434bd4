"""What torch really allocates in training: the reference that the prediction is held to."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch.profiler import ProfilerActivity, profile

from cnnspec.plan import Plan


def training_peak(plan: Plan, batch: int) -> int:
    """Return the most bytes of tensors, and of what kernels take, in the first two steps of training."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        train(plan, batch)
    events = profiler.profiler.kineto_results.experimental_event_tree()
    return max(_allocated(events))


def train(plan: Plan, batch: int, steps: int = 2) -> None:
    """Take steps as the trainer does, on random pictures."""
    model = plan.build().train()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    inputs = torch.rand(batch, *plan.input_shape)
    labels = torch.zeros(batch, *plan.output_shape[1:], dtype=torch.long)
    for _ in range(steps):
        loss = F.cross_entropy(model(inputs), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


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
