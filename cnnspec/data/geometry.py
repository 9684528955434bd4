"""What moves pictures: each is shifted, turned, scaled, sheared, bent and flipped in its own way."""

import math

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor

from cnnspec.language.augment import Augment

POINTS = 5
"""Points along each side of the grid that elastic changes move."""

FAR = 2**40
"""Pixels by which a picture is moved at most: it is out of sight, and the numbers are in range."""

SHIFT, ROTATION, SCALE, SHEAR, MOVES = slice(0, 2), 2, slice(3, 5), 5, slice(6, None)
"""Columns of the draws: shift and scale are those along x and y, as are the moves of the grid's points."""


class Moved:
    """Moves pictures of a size (height, width).

    A picture is bent, scaled along its own axes, sheared along its rows, turned
    clockwise about its center and shifted, all in one bilinear sampling; what comes from
    outside of it is black (0). Pictures that are only shifted, by a whole number of
    pixels at most, move by whole pixels, which keeps them sharp. A crop is such a shift:
    a window of the picture's size, somewhere in a picture that has a black border.
    """

    def __init__(self, options: Augment, size: tuple[int, int], device: torch.device) -> None:
        height, width = size
        self._shift, self._crop, self._elastic = options.shift, options.crop, options.elastic
        resampled = any((options.rotation, options.scale, options.shear, options.elastic))
        self._whole = not resampled and options.shift.is_integer()
        rotation, shear = math.radians(options.rotation), math.radians(options.shear)
        limits = [options.shift, options.shift, rotation, options.scale, options.scale, shear]
        self._limits = torch.tensor(limits, device=device)
        self._x, self._y = (torch.arange(n, device=device) - (n - 1) / 2 for n in (width, height))
        # What a pixel is to grid_sample, for which the picture reaches from -1 to 1.
        self._pixel = torch.tensor([[2 / width], [2 / height]], device=device)
        points = torch.eye(POINTS**2, device=device).view(-1, 1, POINTS, POINTS)
        weights = F.interpolate(points, size, mode="bicubic", align_corners=True)
        self._weights = weights.view(-1, height * width)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return a row of draws for each of `count` pictures, in pixels, radians and shares."""
        if self._whole:
            return self._pixels(count, int(self._shift), generator) + self._cut(count, generator)
        device = self._limits.device
        drawn = (torch.rand(count, 6, generator=generator, device=device) * 2 - 1) * self._limits
        drawn[:, SHIFT] += self._cut(count, generator)
        if not self._elastic:
            return drawn
        moves = torch.randn(count, 2 * POINTS**2, generator=generator, device=device) * self._elastic
        return torch.cat([drawn, moves], 1)

    def apply(self, pictures: Tensor, drawn: Tensor) -> Tensor:
        """Return the pictures with the changes that were drawn for them."""
        if self._whole:
            return _shifted(pictures, drawn[:, SHIFT], int(self._shift) + self._crop)
        return F.grid_sample(pictures, self._sources(drawn).permute(0, 2, 3, 1), align_corners=False)

    def _cut(self, count: int, generator: torch.Generator) -> Tensor | int:
        return self._pixels(count, self._crop, generator) if self._crop else 0

    def _pixels(self, count: int, limit: int, generator: torch.Generator) -> Tensor:
        limit, device = min(limit, FAR), self._limits.device
        return torch.randint(-limit, limit + 1, (count, 2), generator=generator, device=device)

    def _sources(self, drawn: Tensor) -> Tensor:
        """Return where each pixel comes from, along x and y (N, 2, H, W), as grid_sample counts."""
        shift, scale = drawn[:, SHIFT], 1 + drawn[:, SCALE]
        sin, cos, tan = drawn[:, ROTATION].sin(), drawn[:, ROTATION].cos(), drawn[:, SHEAR].tan()
        # What undoes the changes, the last first: the rotation, the shear, the scale.
        undo = torch.stack([cos - tan * sin, sin + tan * cos, -sin, cos], 1).view(-1, 2, 2)
        undo = undo / scale.unsqueeze(2) * self._pixel
        origin = -(undo * shift.unsqueeze(1)).sum(2, keepdim=True)
        along_rows = undo[:, :, 0, None] * self._x
        along_columns = undo[:, :, 1, None] * self._y + origin
        # An axis of its own for x and y before those of the picture: grid_sample is fastest so.
        sources = along_columns.unsqueeze(3) + along_rows.unsqueeze(2)
        if self._elastic:
            moves = drawn[:, MOVES].view(-1, 2, POINTS**2) * self._pixel
            # One product instead of an interpolation, which takes ten times as long.
            sources += (moves @ self._weights).view_as(sources)
        return sources


class Flipped:
    """Flips pictures with a probability: left and right change places."""

    def __init__(self, probability: float, device: torch.device) -> None:
        self._probability, self._device = probability, device

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return 1 for each of `count` pictures that is flipped, 0 for the others."""
        return (torch.rand(count, generator=generator, device=self._device) < self._probability).float()

    def apply(self, pictures: Tensor, drawn: Tensor) -> Tensor:
        """Return the pictures, those flipped for which it was drawn."""
        # Exact, and faster than to choose by a truth value.
        return torch.lerp(pictures, pictures.flip(-1), drawn.view(-1, 1, 1, 1))


def _shifted(pictures: Tensor, shifts: Tensor, limit: int) -> Tensor:
    """Return pictures (N, C, H, W) moved by whole pixels along x and y (N, 2), at most by `limit`."""
    height, width = pictures.shape[-2:]
    x, y = min(limit, width), min(limit, height)  # further, nothing is left
    windows = F.pad(pictures, (x, x, y, y)).unfold(2, height, 1).unfold(3, width, 1)
    rows, columns = y - shifts[:, 1].clamp(-y, y), x - shifts[:, 0].clamp(-x, x)
    return windows[torch.arange(len(pictures), device=pictures.device), :, rows, columns]
