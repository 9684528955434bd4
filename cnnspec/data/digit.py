"""Pictures made to look like MNIST's digits."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

SIDE, BOX = 28, 20
"""MNIST's digits are scaled to a box of 20×20 and set by their centre of mass into 28×28
(http://yann.lecun.com/exdb/mnist/): at pixel 14 of 0 to 27, as their mean shows."""

INK = 0.2
"""Share of the darkest ink from which a pixel counts as ink, not as paper."""

Gray = NDArray[np.float32]


def as_digit(image: Image.Image) -> Tensor | None:
    """Return a picture of any size and mode as a digit (1, 28, 28) in uint8, light on dark.

    A picture of 28×28 is taken as it is, apart from being inverted where it is dark on light;
    others are cropped, scaled and centred as MNIST's were. Returns None where all of it has one colour.
    """
    gray = _light_on_dark(_gray_of(ImageOps.exif_transpose(image)))
    if not np.ptp(gray):
        return None
    digit = gray if gray.shape == (SIDE, SIDE) else _centred(gray)
    return torch.from_numpy(np.rint(digit * 255).astype(np.uint8)).unsqueeze(0)


def _gray_of(image: Image.Image) -> Gray:
    if image.mode.startswith(("I", "F")):  # 16 bits a pixel
        return np.asarray(image, dtype=np.float32) / np.float32(65535)
    if image.has_transparency_data:
        image = _on_paper(image.convert("RGBA"))
    return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255)


def _on_paper(image: Image.Image) -> Image.Image:
    """Return the picture without transparency, on paper that its ink stands out from."""
    bands = np.asarray(image, dtype=np.float32)
    alpha = bands[..., 3]
    ink = (bands[..., :3].mean(axis=-1) * alpha).sum() / max(1.0, float(alpha.sum()))
    paper = Image.new("RGBA", image.size, "white" if ink < 128 else "black")
    return Image.alpha_composite(paper, image)


def _light_on_dark(gray: Gray) -> Gray:
    """Return the picture with light ink: what the frame shows is paper."""
    frame = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    middle = (float(gray.min()) + float(gray.max())) / 2
    return 1 - gray if np.median(frame) > middle else gray


def _centred(gray: Gray) -> Gray:
    """Return the ink scaled into MNIST's box, with its centre of mass in the middle."""
    frame = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    paper = float(np.median(frame))
    ink = np.clip((gray - paper) / max(float(gray.max()) - paper, 1e-6), 0, 1)
    rows, columns = (np.flatnonzero((ink > INK).any(axis=axis)) for axis in (1, 0))
    cropped = Image.fromarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    scale = BOX / max(cropped.size)
    width, height = (max(1, round(side * scale)) for side in cropped.size)
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    small = np.asarray(cropped.resize((width, height), method))
    small = np.where(small < INK / 2, 0, small) / max(float(small.max()), 1e-6)
    ys, xs = np.mgrid[:height, :width]
    top = round(SIDE / 2 - float((ys * small).sum() / small.sum()))
    left = round(SIDE / 2 - float((xs * small).sum() / small.sum()))
    top, left = min(max(top, 0), SIDE - height), min(max(left, 0), SIDE - width)
    digit = np.zeros((SIDE, SIDE), dtype=np.float32)
    digit[top : top + height, left : left + width] = small
    return digit
