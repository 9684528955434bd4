"""A decoded picture of any kind is prepared as the pixels that one sees in it would be."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from cnnspec.data import to_input
from cnnspec.data.picture import opened, read_picture
from cnnspec.data.prepare import fit_picture

SIZES = {
    "smaller": (3, 24, 24),
    "larger": (3, 70, 70),
    "wide": (3, 16, 40),
    "tall": (3, 50, 20),
    "grey": (1, 28, 28),
}


def scene(width: int = 50, height: int = 37) -> Image.Image:
    """A picture with smooth parts, edges, and every colour in it."""
    y, x = np.mgrid[:height, :width]
    bands = [255 * x / width, 255 * y / height, 127 + 120 * np.sin(x / 5) * np.cos(y / 3)]
    pixels = np.stack(bands, -1).astype(np.uint8)
    pixels[height // 3 : height // 2, width // 4 : width // 2] = (250, 10, 30)
    return Image.fromarray(pixels)


def alpha(width: int = 50, height: int = 37) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.where(x < width // 2, 255, (x * y) % 256).astype(np.uint8))


def on_white(picture: Image.Image) -> Image.Image:
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(picture.convert("RGB"), mask=alpha())
    return paper


def with_alpha(mode: str) -> Image.Image:
    picture = scene().convert(mode)
    picture.putalpha(alpha())
    return picture


def deep() -> Image.Image:
    return Image.fromarray(np.asarray(scene().convert("L")).astype(np.uint16) * 257)


def palette_with_hole() -> Image.Image:
    picture = Image.new("P", (50, 37), 1)
    picture.putpalette([0, 0, 0, 200, 40, 60])
    picture.paste(0, (10, 10, 30, 30))
    picture.info["transparency"] = 0
    return picture


def holed() -> Image.Image:
    paper = Image.new("RGB", (50, 37), (200, 40, 60))
    paper.paste((255, 255, 255), (10, 10, 30, 30))
    return paper


MODES: dict[str, tuple[Callable[[], Image.Image], Callable[[], Image.Image]]] = {
    "1": (lambda: scene().convert("1"), lambda: scene().convert("1").convert("RGB")),
    "L": (lambda: scene().convert("L"), lambda: scene().convert("L").convert("RGB")),
    "LA": (lambda: with_alpha("L"), lambda: on_white(scene().convert("L"))),
    "P": (lambda: scene().quantize(64), lambda: scene().quantize(64).convert("RGB")),
    "P with a transparent colour": (palette_with_hole, holed),
    "RGB": (scene, scene),
    "RGBA": (lambda: with_alpha("RGB"), lambda: on_white(scene())),
    "CMYK": (lambda: scene().convert("CMYK"), scene),
    "YCbCr": (lambda: scene().convert("YCbCr"), lambda: scene().convert("YCbCr").convert("RGB")),
    "I;16": (deep, lambda: scene().convert("L").convert("RGB")),
    "I": (
        lambda: Image.fromarray(np.asarray(deep()).astype(np.int32)),
        lambda: scene().convert("L").convert("RGB"),
    ),
    "F": (lambda: scene().convert("L").convert("F"), lambda: scene().convert("L").convert("RGB")),
}


def tensor(picture: Image.Image) -> Tensor:
    found: Tensor = v2.functional.pil_to_tensor(picture)
    return found


def furthest(one: Tensor, other: Tensor) -> int:
    assert one.shape == other.shape
    assert one.dtype == torch.uint8
    return int((one.int() - other.int()).abs().max())


@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("mode", MODES)
def test_every_mode(mode: str, shape: tuple[int, int, int]) -> None:
    """A picture of each of PIL's modes comes out as its visible pixels do, within rounding."""
    make, seen = MODES[mode]
    assert furthest(fit_picture(make(), shape), to_input(tensor(seen()).unsqueeze(0), shape)[0]) <= 2


@pytest.mark.parametrize("size", [(50, 37), (37, 50), (500, 375), (30, 30), (7, 300)])
def test_size_is_torchvisions(size: tuple[int, int]) -> None:
    """A picture is resized by its short side and cropped as by torchvision's Resize and CenterCrop."""
    picture = scene(*size)
    theirs = v2.Compose([v2.Resize(64, antialias=True), v2.CenterCrop(64)])
    assert furthest(fit_picture(picture, (3, 64, 64)), tensor(theirs(picture))) <= 1
    assert furthest(to_input(tensor(picture).unsqueeze(0), (3, 64, 64))[0], theirs(tensor(picture))) <= 1


def test_sequences() -> None:
    """A 1-D input gets the whole picture in grey, as from memory."""
    for shape in ((1, 256), (10, 30)):
        ours, theirs = fit_picture(scene(), shape), to_input(tensor(scene()).unsqueeze(0), shape)[0]
        assert furthest(ours, theirs) <= 2


TURNS = {
    1: lambda p: p,
    2: lambda p: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda p: p.rotate(180),
    4: lambda p: p.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda p: p.transpose(Image.Transpose.TRANSPOSE),
    6: lambda p: p.rotate(270, expand=True),
    7: lambda p: p.transpose(Image.Transpose.TRANSVERSE),
    8: lambda p: p.rotate(90, expand=True),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_orientation(turn: int, form: str, tmp_path: Path) -> None:
    """A photograph is turned as its EXIF data says, whichever of its sides is the longer."""
    exif = Image.Exif()
    exif[0x0112] = turn
    scene().save(tmp_path / "turned", form, exif=exif)
    scene().save(tmp_path / "plain", form)
    with opened(tmp_path / "plain") as plain:
        expected = fit_picture(TURNS[turn](plain), (3, 40, 24))
    assert furthest(read_picture(tmp_path / "turned", (3, 40, 24)), expected) <= 2


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_frame(form: str, tmp_path: Path) -> None:
    """Of an animation or a file of several pages, the first picture is taken."""
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "film", form, save_all=True, append_images=frames[1:])
    red = read_picture(tmp_path / "film", (3, 8, 8)).float().mean((1, 2))
    assert red[0] > 240
    assert red[2] < 15


@pytest.mark.parametrize("channels", [1, 3])
def test_large_photograph(channels: int) -> None:
    """A large JPEG is decoded at a fraction of its size, and looks the same."""
    file = io.BytesIO()
    scene(1600, 1200).save(file, "JPEG", quality=95)
    shape = (channels, 64, 64)
    with Image.open(file) as image:
        small = fit_picture(image, shape)
        assert image.size == (200, 150)
    with Image.open(file) as image:
        image.load()
        whole = fit_picture(image, shape)
    difference = (small.float() - whole.float()).abs()
    assert difference.mean() < 1
    assert difference.max() < 32


def test_a_line_takes_no_memory() -> None:
    """A picture a thousand times as long as high is cropped before it grows."""
    assert fit_picture(Image.new("L", (60_000, 1), 7), (3, 224, 224)).unique().tolist() == [7]


def test_values_out_of_range() -> None:
    """Numbers that no grey stands for become black or white."""
    values = np.array([[-5.0, 300.0], [np.nan, 127.5]], dtype=np.float32)
    assert fit_picture(Image.fromarray(values), (1, 2, 2)).flatten().tolist() == [0, 255, 0, 128]


def test_every_level_of_grey() -> None:
    """Each of the 256 greys, in 16 bits, comes back as itself."""
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    assert (fit_picture(Image.fromarray(levels * 257), (1, 16, 16))[0].numpy() == levels).all()
