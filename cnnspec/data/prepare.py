"""Pictures made to fit a network's input, the same way for training and use, from memory or a file."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from cnnspec.language.data import Normalize
from cnnspec.shape import Shape, volume

CHUNK = 1 << 22
"""Values that are resized at once: of whole data sets, the float32 in between would not fit into memory."""

RED, GREEN, BLUE = 19595, 38470, 7471
"""The shares of ITU-R 601 in gray, of 65,536, as PIL's mode ``L`` takes them."""

_DEEP = ("I", "F")
"""How PIL's modes of more than 8 bits a channel begin."""

ROOM = 2
"""A large JPEG is decoded at a half, a quarter or an eighth, if that is at least so many times the input."""


def to_input(images: Tensor, shape: Shape) -> Tensor:
    """Return uint8 pictures (N, C, H, W) as uint8 (N, *shape), resized bilinearly.

    A 2-D input gets the middle of the picture, as much of it as fits without distortion; gray is
    repeated for each channel, and colour becomes gray for an input of one. A 1-D input gets the
    whole picture in gray: one of a single channel the pixels row after row, and one of C channels
    C rows, each a channel.
    """
    size = picture_size(shape)
    gray = images.shape[1] == 3 and (len(shape) == 2 or shape[0] == 1)
    fitted = _fitted(images, size, _resized_size(images.shape[-2:], shape), gray=gray)
    if len(shape) == 3:
        return fitted.expand(-1, shape[0], -1, -1)
    return fitted.reshape(len(images), *shape)


def fit_picture(image: Image.Image, shape: Shape) -> Tensor:
    """Return a PIL picture of any mode as uint8 of that shape, as `to_input` would prepare its pixels.

    It is turned as its EXIF data says, and what is transparent becomes white. A JPEG that is not
    decoded yet is decoded no larger than is needed. What is wrong with its bytes, PIL raises.
    """
    height, width = size = picture_size(shape)
    gray = len(shape) == 2 or shape[0] == 1
    side = ROOM * max(size)
    image.draft("L" if gray else None, (side, side))
    ImageOps.exif_transpose(image, in_place=True)
    plain = _plain(image, gray=gray)
    whole = _resized_size((plain.height, plain.width), shape)
    top, left = _middle(whole, size)
    box = (
        left * plain.width / whole[1],
        top * plain.height / whole[0],
        (left + width) * plain.width / whole[1],
        (top + height) * plain.height / whole[0],
    )
    resized = plain.resize((width, height), Image.Resampling.BILINEAR, box)
    pixels = torch.from_numpy(np.array(resized))
    if len(shape) == 2:
        return pixels.reshape(shape)
    channels = pixels.unsqueeze(0) if pixels.dim() == 2 else pixels.movedim(-1, 0)
    return channels.expand(shape).contiguous()


def as_floats(image: Image.Image, channels: int) -> Tensor:
    """Return a PIL picture of any mode as float32 of (channels, H, W) and values from 0 to 1.

    For 1 channel it is in gray, for 3 in colour, and what is transparent becomes white. What is wrong
    with its bytes, PIL raises.
    """
    if image.mode.startswith(_DEEP):
        pixels = torch.from_numpy(_up_to_255(image))
    else:
        pixels = torch.from_numpy(np.array(_plain(image, gray=channels == 1))).to(torch.float32)
    picture = pixels.unsqueeze(0) if pixels.dim() == 2 else pixels.movedim(-1, 0)
    return picture.expand(channels, -1, -1).contiguous().div_(255)


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


def picture_size(shape: Shape) -> tuple[int, int]:
    """Return the height and width of the picture that an input of that shape is made of."""
    if len(shape) == 3:
        return shape[1], shape[2]
    if shape[0] == 1:
        side = round(shape[1] ** 0.5)
        return side, side
    return shape[0], shape[1]


def _resized_size(size: tuple[int, ...], shape: Shape) -> tuple[int, int]:
    """Return the size to which a picture of that size is resized before its middle is cropped.

    One side fits the input and the other is as long or longer, rounded down as torchvision's
    Resize does. For a 1-D input both fit: its axes are no height and width.
    """
    target_height, target_width = target = picture_size(shape)
    if len(shape) == 2:
        return target
    height, width = size
    if target_height * width >= target_width * height:
        return target_height, target_height * width // height
    return target_width * height // width, target_width


def _middle(whole: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Return the first row and column of the middle, rounded as torchvision's CenterCrop does."""
    return round((whole[0] - size[0]) / 2), round((whole[1] - size[1]) / 2)


def _fitted(images: Tensor, size: tuple[int, int], whole: tuple[int, int], *, gray: bool) -> Tensor:
    """Return pictures resized to `whole`, of which the middle of `size` is left."""
    if images.shape[-2:] == size and not gray:
        return images
    channels = 1 if gray else images.shape[1]
    rows, columns = (slice(first, first + n) for first, n in zip(_middle(whole, size), size, strict=True))
    out = torch.empty((len(images), channels, *size), dtype=torch.uint8)
    step = max(1, CHUNK // max(volume(images.shape[1:]), channels * volume(whole)))
    for start in range(0, len(images), step):
        chunk = images[start : start + step]
        resized = _resize(_gray(chunk) if gray else chunk, whole)
        out[start : start + step] = resized[..., rows, columns]
    return out


def _gray(images: Tensor) -> Tensor:
    red, green, blue = images.to(torch.int32).unbind(1)
    return (red * RED + green * GREEN + blue * BLUE + (1 << 15) >> 16).to(torch.uint8).unsqueeze(1)


def _resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    if images.shape[-2:] == size:
        return images
    values = images.to(torch.float32)
    resized = F.interpolate(values, size, mode="bilinear", antialias=True)
    return resized.round_().clamp_(0, 255).to(torch.uint8)


def _plain(image: Image.Image, *, gray: bool) -> Image.Image:
    """Return the picture with 8 bits a channel, in gray or colour, and white where it was transparent."""
    if image.mode.startswith(_DEEP):
        image = Image.fromarray(np.rint(_up_to_255(image)).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if gray or image.mode in ("1", "L") else "RGB")


def _up_to_255(image: Image.Image) -> NDArray[np.float32]:
    """Return the values of a picture of 16 bits, or of numbers up to 255, as numbers up to 255."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    if image.mode.startswith("I"):
        values /= 257
    return values.clip(0, 255)
