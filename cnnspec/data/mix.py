"""Pictures mixed with others of their batch: mixup (Zhang et al., 2018) and CutMix (Yun et al., 2019).

A sample's partner is the one before it, as in torchvision, and that of the first is the last: the
order of a batch is random already.
"""

import math
from typing import NamedTuple, Self

import torch
from torch import Tensor

from cnnspec.data.boxes import Boxes
from cnnspec.language.augment import Augment


class Mixed(NamedTuple):
    """What else samples are: the classes of their partners, and the shares of their own pictures."""

    others: Tensor
    shares: Tensor

    def blend(self, own: Tensor, other: Tensor) -> Tensor:
        """Return share · own + (1 − share) · other for each sample."""
        return torch.lerp(other, own, self.shares)

    def piece(self, chosen: slice) -> Self:
        """Return that of some of the samples."""
        return type(self)(self.others[chosen], self.shares[chosen])


class Mixer:
    """Mixes each picture of a size (height, width) with its partner, in a share of its own.

    Mixup is a weighted mean of the two. CutMix takes a rectangle of the partner, and the share is that of
    the area which is left. Where a spec has both, each sample has one of them, both being alike likely.
    """

    def __init__(self, options: Augment, size: tuple[int, int], device: torch.device) -> None:
        self._both, self._cuts, self._device = bool(options.mixup and options.cutmix), options.cutmix, device
        self._alphas = tuple(torch.tensor(alpha, device=device) for alpha in (options.mixup, options.cutmix))
        self._boxes, self._pixels = Boxes(size, device), math.prod(size)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return a row for each of `count` samples.

        These are the share of its own picture, the weight of the other outside of the rectangle, and the
        rectangle's first row and column and those after its last, where there may be one.
        """
        uniform = torch.rand(count, 5, generator=generator, device=self._device)
        cut = (uniform[:, 4:] < (1 / 2 if self._both else bool(self._cuts))).float()
        mixup, cutmix = self._alphas
        other = symmetric_beta(torch.lerp(mixup, cutmix, cut), uniform[:, :1], uniform[:, 1:2])
        if not self._cuts:
            return torch.cat([1 - other, other], 1)
        half = (other.sqrt() * cut * (self._boxes.sides / 2)).floor()
        middle = (uniform[:, 2:4] * self._boxes.sides).floor()
        first, last = (middle - half).clamp_min(0), torch.minimum(middle + half, self._boxes.sides)
        outside = other - other * cut
        own = 1 - outside - (last - first).prod(1, keepdim=True) / self._pixels
        return torch.cat([own, outside, first, last], 1)

    def apply(self, pictures: Tensor, labels: Tensor, drawn: Tensor) -> tuple[Tensor, Mixed]:
        """Return the pictures mixed as was drawn for them, and what that makes of their labels."""
        weights = drawn[:, 1].view(-1, *(1,) * (pictures.dim() - 1))
        if self._cuts:
            weights = weights + self._boxes.inside(drawn[:, 2:4], drawn[:, 4:])
        mixed = torch.lerp(pictures, pictures.roll(1, 0), weights)
        return mixed, Mixed(labels.roll(1, 0), drawn[:, 0])


def symmetric_beta(alpha: Tensor, uniform: Tensor, turn: Tensor) -> Tensor:
    """Return draws of Beta(alpha, alpha), each from two uniform draws: torch's own takes no generator.

    Nothing is rejected (Devroye, "Random variate generation in one line of code", 1996): if T has Student's
    distribution with 2·alpha degrees of freedom, which Bailey's polar method (1994) draws, then
    1/2 + T / (2·sqrt(2·alpha + T²)) has this one.
    """
    power = uniform.log() / alpha
    cosine = torch.cos(2 * math.pi * turn)
    square = -power.expm1() * cosine.square()  # T² over 2·alpha + T², times what is below
    return torch.copysign((square / (power.exp() + square)).sqrt(), cosine) / 2 + 1 / 2
