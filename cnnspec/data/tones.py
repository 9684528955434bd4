"""Numbers shown as tones from black to white: what a network makes of a picture, to look at."""

import math
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

ROUNDING = 1e-6
"""What rounding in float32 makes at most of a 0, for values of about 1: this much is no sign of anything."""

HALF = 0.501
"""What is added before tones are rounded down: mid-gray is 127.5 of 255, and all of it must become 128."""

GAP = 4
"""White pixels between tiles."""

ROW = 3
"""Tiles that stand in a row; more fill a square."""


class Tones(NamedTuple):
    """The values that are shown as black and as white; what lies between is in proportion."""

    black: float
    white: float

    def pixels(self, values: Tensor) -> Tensor:
        """Return values as uint8; those beyond black and white are black and white, too."""
        shares = (values - self.black).div_(self.white - self.black)
        return shares.mul_(255).add_(HALF).floor_().clamp_(0, 255).to(torch.uint8)


def tones_for(values: Tensor) -> Tones:
    """Return the tones that show all of the values, with 0 as black.

    Where there are values below 0, it is mid-gray, as in textbooks' pictures of gradients.
    """
    low, high = (float(bound) for bound in values.aminmax())
    most = max(-low, high)
    if most <= ROUNDING:
        return Tones(0, 1)
    signed = -low > ROUNDING * max(1, most)
    return Tones(-most if signed else 0, most)


def as_image(pixels: Tensor, *, color: bool) -> Image.Image:
    """Return uint8 channels (C, H, W) as a picture, the three of a picture in `color` as one.

    Others are tiles in gray, side by side: up to three in a row, more as a square.
    """
    if color:
        return Image.fromarray(pixels.movedim(0, -1).contiguous().numpy())
    count, height, width = pixels.shape
    columns = count if count <= ROW else math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = torch.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP), 255, dtype=torch.uint8)
    for number, channel in enumerate(pixels):
        top, left = number // columns * (height + GAP), number % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = channel
    return Image.fromarray(sheet.numpy())
