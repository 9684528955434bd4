"""Pictures made to fit a network's input: once, as tensors, the same way for training and use."""

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor

from cnnspec.language.data import Normalize
from cnnspec.shape import Shape

CHUNK = 4096


def to_input(images: Tensor, shape: Shape) -> Tensor:
    """Return uint8 pictures (N, 1, H, W) as uint8 (N, *shape), resized bilinearly.

    A 2-D input gets the picture, once per channel. A 1-D input of one channel gets
    the pixels row after row, and one of C channels gets C rows, each a channel.
    """
    height, width = _picture_size(shape)
    resized = _resize(images, height, width)
    if len(shape) == 3:
        return resized.expand(-1, shape[0], -1, -1)
    return resized.reshape(len(images), *shape)


class Normalizer:
    """Makes of uint8 pictures what the network sees: (pixel / 255 − mean) / std in float32."""

    def __init__(
        self,
        statistics: Normalize,
        shape: Shape,
        device: torch.device,
        layout: torch.memory_format = torch.contiguous_format,
    ) -> None:
        axes = (-1, *(1,) * (len(shape) - 1))
        mean, std = (
            torch.tensor(v, dtype=torch.float32).view(axes) for v in (statistics.mean, statistics.std)
        )
        self.device, self.layout = device, layout
        self.scale = (1 / (255 * std)).to(device)
        self.shift = (-mean / std).to(device)

    def __call__(self, pictures: Tensor) -> Tensor:
        """Return pictures of pixel values, in uint8 or float32, as the network sees them."""
        return torch.mul(pictures, self.scale).add_(self.shift).contiguous(memory_format=self.layout)


def _picture_size(shape: Shape) -> tuple[int, int]:
    if len(shape) == 3:
        return shape[1], shape[2]
    if shape[0] == 1:
        side = round(shape[1] ** 0.5)
        return side, side
    return shape[0], shape[1]


def _resize(images: Tensor, height: int, width: int) -> Tensor:
    if images.shape[-2:] == (height, width):
        return images
    out = torch.empty((*images.shape[:2], height, width), dtype=torch.uint8)
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK].to(torch.float32)
        resized = F.interpolate(chunk, (height, width), mode="bilinear", align_corners=False, antialias=True)
        out[start : start + CHUNK] = resized.round_().clamp_(0, 255).to(torch.uint8)
    return out
