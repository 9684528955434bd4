"""What changes the values of pictures, and no places: brightness and contrast."""

import torch
from torch import Tensor

from cnnspec.language.augment import Augment
from cnnspec.language.data import LUMA, shape_is_color
from cnnspec.shape import Shape

WHITE = 255


class Toned:
    """Changes brightness and contrast of pictures of an input's shape, the values of which go from 0 to 255.

    Brightness multiplies all values, contrast their differences from the picture's mean brightness. Both are
    one multiplication and one addition, and what then is darker than black or brighter than white is cut off.
    """

    def __init__(self, options: Augment, shape: Shape, device: torch.device) -> None:
        self._limits = torch.tensor([options.brightness, options.contrast], device=device)
        self._luma = torch.tensor(LUMA, device=device) if shape_is_color(shape) else None

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return the factors of brightness and contrast for each of `count` pictures."""
        drawn = torch.rand(count, 2, generator=generator, device=self._limits.device)
        return 1 + (drawn * 2 - 1) * self._limits

    def apply(self, pictures: Tensor, drawn: Tensor) -> Tensor:
        """Return the pictures with their values multiplied and stretched by the factors drawn for them."""
        brightness, contrast = drawn.view(-1, 2, *(1,) * (pictures.dim() - 1)).unbind(1)
        mean = self._mean(pictures).view_as(brightness)
        moved = (1 - contrast) * brightness * mean
        return torch.addcmul(moved, pictures, brightness * contrast).clamp_(0, WHITE)

    def _mean(self, pictures: Tensor) -> Tensor:
        """Return each picture's mean brightness."""
        channels = pictures.flatten(2).mean(2)
        return channels.mean(1) if self._luma is None else channels @ self._luma
