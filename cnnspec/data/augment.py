"""Random changes of training pictures: each is shifted, turned, scaled, sheared and bent in its own way."""

import math

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor

from cnnspec.language.augment import Augment

POINTS = 5
"""Points along each side of the grid that elastic changes move."""

SHIFT, ROTATION, SCALE, SHEAR, MOVES = slice(0, 2), 2, slice(3, 5), 5, slice(6, None)
"""Columns of the draws: shift and scale are those along x and y, as are the moves of the grid's points."""


class Augmenter:
    """Changes pictures of a size (height, width) on a device at random, as far as the options allow.

    A picture is bent, scaled along its own axes, sheared along its rows, turned
    clockwise about its center and shifted, all in one bilinear sampling; what comes from
    outside of it is black (0). Pictures that are only shifted, by a whole number of
    pixels at most, move by whole pixels, which keeps them sharp.
    """

    def __init__(self, options: Augment, size: tuple[int, int], device: torch.device) -> None:
        height, width = size
        self._shift, self._elastic = options.shift, options.elastic
        resampled = any((options.rotation, options.scale, options.shear, options.elastic))
        self._none = not resampled and not options.shift
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

    @torch.no_grad()
    def __call__(
        self, pictures: Tensor, generator: torch.Generator, total: int | None = None, start: int = 0
    ) -> Tensor:
        """Return float32 pictures (N, C, H, W), of pixel values from 0 to 255, changed.

        All draws come from the generator, which is on the device. Pictures that begin at
        `start` of a batch of `total` are changed as they are when the whole batch is.
        """
        if self._none:
            return pictures
        drawn = self.draw(total or len(pictures), generator)[start : start + len(pictures)]
        return self.apply(pictures, drawn)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return a row of draws for each of `count` pictures, in pixels, radians and shares."""
        device = self._limits.device
        if self._whole:
            limit = int(self._shift)
            return torch.randint(-limit, limit + 1, (count, 2), generator=generator, device=device)
        drawn = (torch.rand(count, 6, generator=generator, device=device) * 2 - 1) * self._limits
        if not self._elastic:
            return drawn
        moves = torch.randn(count, 2 * POINTS**2, generator=generator, device=device) * self._elastic
        return torch.cat([drawn, moves], 1)

    def apply(self, pictures: Tensor, drawn: Tensor) -> Tensor:
        """Return the pictures with the changes that were drawn for them."""
        if self._whole:
            return _shifted(pictures, drawn[:, SHIFT], int(self._shift))
        return F.grid_sample(pictures, self._sources(drawn).permute(0, 2, 3, 1), align_corners=False)

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


def _shifted(pictures: Tensor, shifts: Tensor, limit: int) -> Tensor:
    """Return pictures (N, C, H, W) moved by whole pixels along x and y (N, 2), at most by `limit`."""
    height, width = pictures.shape[-2:]
    x, y = min(limit, width), min(limit, height)  # further, nothing is left
    windows = F.pad(pictures, (x, x, y, y)).unfold(2, height, 1).unfold(3, width, 1)
    rows, columns = y - shifts[:, 1].clamp(-y, y), x - shifts[:, 0].clamp(-x, x)
    return windows[torch.arange(len(pictures), device=pictures.device), :, rows, columns]
