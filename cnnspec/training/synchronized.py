"""The layers that look beyond a sample, where each process has a part of the batch: batch norm and dropout.

Mean and variance are those of the whole batch. torch.nn.SyncBatchNorm does the same on GPUs only; this one
runs wherever torch.distributed does. And what dropout draws is the same as in one process.
"""

from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from cnnspec.model.layers import DropPath


@dataclass
class Place:
    """Where this process's part of a batch begins, and how many samples the batch has."""

    first: int = 0
    total: int = 0


def synchronize(model: nn.Module, place: Place) -> nn.Module:
    """Replace the model's batch norms and dropouts by synchronized ones, in place; weights and names stay.

    `place` is looked at in each forward pass.
    """
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _BatchNorm):
                setattr(parent, name, SynchronizedBatchNorm.of(child))
            elif isinstance(child, (_DropoutNd, DropPath)):
                setattr(parent, name, WholeBatchDropout(child, place))
    return model


class SynchronizedBatchNorm(_BatchNorm):
    """Batch norm of (N, C) or (N, C, …), where N is over all processes; in evaluation, torch's own."""

    @classmethod
    def of(cls, norm: _BatchNorm) -> Self:
        """Return a synchronized batch norm with the same weights, statistics and options."""
        made = cls(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        made.train(norm.training)
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            setattr(made, name, getattr(norm, name))
        return made

    def forward(self, x: Tensor) -> Tensor:
        """Return the values normalized, each channel scaled and shifted."""
        y: Tensor = self._normalize(x) if self.training else super().forward(x)
        return y

    def _normalize(self, x: Tensor) -> Tensor:
        count, mean, var = _statistics(x.detach())
        if self.track_running_stats:
            self._track(count, mean, var)
        # Where nothing is learned, 1 and 0 keep the arithmetic the same.
        weight = self.weight if self.affine else torch.ones_like(mean)
        bias = self.bias if self.affine else torch.zeros_like(mean)
        y: Tensor = _Normalize.apply(x, weight, bias, count, mean, var, self.eps)
        return y

    def _track(self, count: Tensor, mean: Tensor, var: Tensor) -> None:
        """Move the running statistics as torch does: with the variance that divides by N − 1."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(var * (count / (count - 1)), share)

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002  # torch's name
        """Take any number of axes, as one class stands for BatchNorm1d, 2d and 3d."""


class WholeBatchDropout(nn.Module):
    """Dropout that draws for the whole batch, from generators that are alike in all processes."""

    def __init__(self, dropout: nn.Module, place: Place) -> None:
        super().__init__()
        self.dropout, self.place = dropout, place
        self.train(dropout.training)

    def forward(self, x: Tensor) -> Tensor:
        """Return the values that are kept, scaled, and 0 for the others."""
        if not self.training:
            return x
        with torch.no_grad():
            ones = x.new_ones((self.place.total, *x.shape[1:]))
            if not x.is_contiguous() and x.ndim == 4:
                ones = ones.contiguous(
                    memory_format=torch.channels_last
                )  # numbers are drawn in memory's order
            factors: Tensor = self.dropout(ones)
        return x * factors[self.place.first : self.place.first + len(x)]


def _statistics(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return how many values each channel has in all processes, and their mean and variance.

    Each process gives its count, mean and sum of squares around that mean, and these are
    merged: the sum of plain squares would lose digits where the mean is large.
    """
    axes = [0, *range(2, x.ndim)]
    var, mean = torch.var_mean(
        x.float() if x.dtype in {torch.bfloat16, torch.float16} else x, axes, correction=0
    )
    count = mean.new_full((1,), x.numel() // x.shape[1])
    mine = torch.cat([mean, var, count])
    every = mine.new_zeros(dist.get_world_size(), len(mine))
    every[dist.get_rank()] = mine
    dist.all_reduce(every)
    means, variances, counts = every.split([len(mean), len(var), 1], dim=1)
    total = counts.sum()
    mean = (means * counts).sum(0) / total
    var = ((variances + (means - mean) ** 2) * counts).sum(0) / total
    return total, mean, var


class _Normalize(torch.autograd.Function):
    """(x − mean)/√(var + eps)·weight + bias, where mean and variance depend on the x of all processes.

    With x̂ the normalized values and m(·) the mean over the whole batch, the gradient of x is
    weight/√(var + eps)·(g − m(g) − x̂·m(g·x̂)). Those of weight and bias are this process's sums,
    to which DistributedDataParallel adds the others'.
    """

    @staticmethod
    def forward(  # noqa: PLR0917  # torch gives them by place
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        count: Tensor,
        mean: Tensor,
        var: Tensor,
        eps: float,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, count, mean, var)
        ctx.eps = eps
        return F.batch_norm(x, mean, var, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, count, mean, var = ctx.saved_tensors
        # As if mean and variance were constants: weight/√(var + eps)·g, Σg·x̂ and Σg, by torch's own kernel.
        grad, grad_weight, grad_bias = torch.ops.aten.native_batch_norm_backward(
            gradients[0], x, weight, mean, var, None, None, False, ctx.eps, [True, True, True]
        )
        sums = torch.stack([grad_bias, grad_weight]).to(mean.dtype)
        dist.all_reduce(sums)
        inverse = torch.rsqrt(var + ctx.eps)
        mean_g, slope = sums[0] / count, sums[1] / count * inverse  # m(g·x̂)·x̂ is slope·(x − mean)
        scale = weight * inverse
        shape = (1, -1, *(1,) * (x.ndim - 2))
        shift, factor = scale * (slope * mean - mean_g), -scale * slope
        grad = grad + shift.view(shape) + factor.view(shape) * x
        return grad.to(x.dtype), grad_weight, grad_bias, None, None, None, None
