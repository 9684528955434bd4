"""Random erasing: a rectangle of some pictures becomes black (Zhong et al., 2017, arXiv:1708.04896)."""

import math

import torch
from torch import Tensor

from cnnspec.data.boxes import Boxes

AREA = (0.02, 0.33)
"""Shares of the picture's area, all alike likely."""

ASPECT = (0.3, 3.3)
"""Height over width; a value and its inverse are alike likely, as in torchvision."""


class Erased:
    """Makes a rectangle black in pictures of a size (height, width), with a probability for each.

    A side that is longer than the picture's is cut to that.
    """

    def __init__(self, probability: float, size: tuple[int, int], device: torch.device) -> None:
        self._probability, self._boxes, self._device = probability, Boxes(size, device), device
        self._least = torch.ones(2, device=device)
        self._pixels = math.prod(size)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return first and last row and column for each of `count` pictures (count, 2, 2), in pixels.

        Rectangles reach to those before the last; where a picture has none, all four are 0.
        """
        drawn = torch.rand(count, 5, generator=generator, device=self._device)
        area = drawn[:, 0] * ((AREA[1] - AREA[0]) * self._pixels) + AREA[0] * self._pixels
        aspect = (drawn[:, 1] * math.log(ASPECT[1] / ASPECT[0]) + math.log(ASPECT[0])).exp()
        sides = torch.stack([area * aspect, area / aspect], 1).sqrt().round()
        sides = sides.clamp(self._least, self._boxes.sides)
        first = (drawn[:, 2:4] * (self._boxes.sides + 1 - sides)).floor()
        boxes = torch.stack([first, first + sides], 1)
        return boxes * (drawn[:, 4:] < self._probability).unsqueeze(2)

    def apply(self, pictures: Tensor, drawn: Tensor) -> Tensor:
        """Return the pictures without what is in their rectangles."""
        return torch.addcmul(pictures, pictures, self._boxes.inside(*drawn.unbind(1)), value=-1)
