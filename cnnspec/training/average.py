"""A moving average of the weights while they are learned, which often does better than the last ones."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class Average(AveragedModel):
    """The exponential moving average of a network's parameters and buffers.

    Its decay rises as (1 + t) / (10 + t) with the number of steps t, up to the one that
    is given, so that the average forgets the first steps soon. `state_dict` has all of it.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, use_buffers=True)
        self.decay = decay

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take in the weights that a step has led to; the first ones are copied."""
        count = int(self.n_averaged)  # on the CPU, whatever the device: nothing waits for it
        decay = min(self.decay, (1 + count) / (10 + count)) if count else 0.0
        averages, values = _tensors(self.module), _tensors(model)
        learned = [index for index, tensor in enumerate(averages) if tensor.is_floating_point()]
        torch._foreach_lerp_(  # as torch's own average: one call for all tensors
            [averages[i] for i in learned], [values[i] for i in learned], 1 - decay
        )
        for average, value in zip(averages, values, strict=True):
            if not average.is_floating_point():  # a count, such as batch norm's of its batches
                average.copy_(value)
        self.n_averaged += 1


def make(model: nn.Module, decay: float) -> Average:
    """Return an average of the model's weights, to be updated after each step."""
    return Average(model, decay)


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
