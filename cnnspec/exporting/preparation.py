"""The preparation of pictures as a part of the network: what training does, in operations that export.

Resizing is a product with a matrix for each axis, so pictures may have any height and width.
"""

from typing import Any

import torch
from torch import Tensor, nn

from cnnspec.data import Normalizer
from cnnspec.data.prepare import picture_size
from cnnspec.language.data import Normalize
from cnnspec.shape import Shape


class Preparation(nn.Module):
    """Makes of uint8 pictures (N, C, H, W) of any size what the network sees, float32 (N, *shape).

    They are resized, cropped and normalized as `to_input` and `Normalizer` do it. Only where a resized
    value comes to lie in the middle between two levels of 255, but for float32's rounding, it may become the
    other one. A 1-D input is made of gray pictures, C = 1.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, shape: Shape, statistics: Normalize) -> None:
        super().__init__()
        self.shape, self.size = shape, picture_size(shape)
        normalizer = Normalizer(statistics, shape, torch.device("cpu"))
        self.register_buffer("scale", normalizer.scale, persistent=False)
        self.register_buffer("shift", normalizer.shift, persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return them as the network sees them."""
        levels = self.resized(pictures).round()
        return levels.reshape(-1, *self.shape) * self.scale + self.shift

    def resized(self, pictures: Tensor) -> Tensor:
        """Return what the input shows of the resized pictures, (N, C, *size), in levels not yet rounded."""
        height, width = self.size
        high, wide = (torch.full((), side, dtype=torch.int64) for side in pictures.shape[-2:])
        if len(self.shape) == 3:  # one side fits, the other is as long or longer: its middle is shown
            tall = (width * high).div(wide, rounding_mode="trunc").clamp(min=height)
            broad = (height * wide).div(high, rounding_mode="trunc").clamp(min=width)
        else:
            tall, broad = torch.full((), height), torch.full((), width)
        rows = _weights(pictures.shape[-2], high / tall, tall - height, height)
        columns = _weights(pictures.shape[-1], wide / broad, broad - width, width)
        return rows @ (pictures.to(torch.float32) @ columns.T)


def picture_channels(shape: Shape) -> int:
    """Return the channels of the pictures that an input of that shape is made of."""
    return shape[0] if len(shape) == 3 else 1


def _weights(count: Any, scale: Tensor, room: Tensor, shown: int) -> Tensor:
    """Return what each of `count` pixels of an axis counts for in each of the `shown` in the middle.

    It is the triangle filter of PIL's BILINEAR: as wide as two pixels of the picture, or of the result
    where that has fewer. `scale` is how many pixels become one, and `room` how many of the resized
    axis are not shown.
    """
    first = (room / 2).round()  # to even, as torchvision's CenterCrop does
    centers = (torch.arange(shown) + first + 0.5) * scale
    distances = torch.arange(count) + 0.5 - centers.unsqueeze(1)
    weights = (1 - distances.abs() / scale.clamp(min=1)).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)
