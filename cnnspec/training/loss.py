"""Losses as sums over samples, and what to divide them by: so a batch can be computed in parts.

A sample that is mixed with another has two classes, and its loss is the mean of theirs, in its shares.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor

from cnnspec.data.mix import Mixed
from cnnspec.language.training import CrossEntropy, Focal, Loss, MultiMargin

EPSILON = torch.finfo(torch.float32).eps

_Each = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Criterion:
    """A loss: what training makes small, and what a test says of it."""

    _learned: _Each
    _plain: _Each
    _class_weights: Tensor | None
    _logarithms: bool
    """Whether the network's outputs are logarithms of probabilities already."""

    def total(self, output: Tensor, target: Tensor, mixed: Mixed | None = None) -> Tensor:
        """Return the sum of the samples' losses, with label smoothing and class weights."""
        output = output.float()
        losses = self._learned(output, target)
        if mixed is not None:
            losses = mixed.blend(losses, self._learned(output, mixed.others))
        return losses.sum()

    def divisor(self, target: Tensor, mixed: Mixed | None = None) -> Tensor | int:
        """Return what the total of these samples is divided by to be torch's mean."""
        if self._class_weights is None:
            return len(target)
        weights = self._class_weights[target]
        if mixed is not None:
            weights = mixed.blend(weights, self._class_weights[mixed.others])
        return weights.sum()

    def plain(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the sum of the samples' losses without label smoothing and class weights."""
        return self._plain(output.float(), target).sum()

    def probabilities(self, output: Tensor) -> Tensor:
        """Return the classes' probabilities that the outputs stand for."""
        return output.float().exp() if self._logarithms else output.float().softmax(1)


def make(loss: Loss, device: torch.device) -> Criterion:
    """Return the loss that a spec names, for outputs on this device."""
    given = getattr(loss.options, "class_weights", None)
    weights = None if given is None else torch.tensor(given, dtype=torch.float32, device=device)
    match loss.options:
        case CrossEntropy(label_smoothing=smoothing):
            plain: Callable[..., Tensor] = partial(F.cross_entropy, reduction="none")
            learned = partial(plain, weight=weights, label_smoothing=smoothing)
        case Focal(gamma=gamma):
            plain = partial(_focal, gamma=gamma)
            learned = partial(plain, weight=weights)
        case MultiMargin(margin=margin):
            plain = learned = partial(F.multi_margin_loss, margin=margin, reduction="none")
        case _:
            plain = partial(F.nll_loss, reduction="none")
            learned = partial(plain, weight=weights)
    return Criterion(learned, plain, weights, loss.name == "nll")


def _focal(output: Tensor, target: Tensor, gamma: float, weight: Tensor | None = None) -> Tensor:
    """Return each sample's −w·(1 − p)^γ·log p, where p is the probability of the right class."""
    log_p = -F.cross_entropy(output, target, reduction="none")
    # Where p rounds to 1, the power's slope would be infinite, and its product with log p not a number.
    losses = (-torch.expm1(log_p)).clamp_min(EPSILON).pow(gamma) * -log_p
    return losses if weight is None else losses * weight[target]
