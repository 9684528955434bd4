"""Tensors as pictures within a page: PNGs as data URIs, small ones enlarged by the browser."""

import base64
import io
from typing import NamedTuple

import torch
from torch import Tensor

from cnnspec.data.grid import shown, shown_size

GAP = 1
"""Pixels between the channels of a filter that is shown as several pictures side by side."""

MOST_CHANNELS = 8
"""Channels of such a filter that are shown."""


class Picture(NamedTuple):
    """A picture within a page: its data URI, and how large it is shown, in pixels."""

    uri: str
    width: int
    height: int


def picture(pixels: Tensor) -> Picture:
    """Return a picture (C, H, W) in uint8, with 1 or 3 channels."""
    width, height = shown_size(pixels)
    smaller = height < pixels.shape[-2]  # a large picture is made small here, so that the page stays small
    image = shown(pixels, (width, height) if smaller else (pixels.shape[-1], pixels.shape[-2]))
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return Picture(f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}", width, height)


def around_zero(weights: Tensor) -> Tensor:
    """Return a filter (C, H, W) as a picture (C', H', W') in which zero is middle gray.

    Its largest value, or smallest, is white or black. Where it does not have 1 or 3 channels, they
    stand side by side in gray, the first of many.
    """
    weights = weights.float().nan_to_num()
    top = float(weights.abs().max()) or 1.0
    pixels = (127.5 + 127.5 * weights / top).round().to(torch.uint8)
    return pixels if len(pixels) in (1, 3) else _side_by_side(pixels[:MOST_CHANNELS])


def stretched(values: Tensor) -> Tensor:
    """Return a map of values (H, W) as a picture (1, H, W): black the smallest value, white the largest."""
    values = values.float().nan_to_num()
    least, most = values.min(), values.max()
    return ((values - least) * (255 / (most - least).clamp_min(1e-12))).round().to(torch.uint8).unsqueeze(0)


def _side_by_side(pixels: Tensor) -> Tensor:
    """Return channels (C, H, W) as one picture (1, H, W'), with a white gap between two."""
    gap = pixels.new_full((pixels.shape[1], GAP), 255)
    row = [part for channel in pixels for part in (gap, channel)][1:]
    return torch.cat(row, dim=1).unsqueeze(0)
