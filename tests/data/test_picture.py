"""A user's picture of a digit is read, whatever its size, mode, and colours."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from cnnspec.data.picture import read_digit
from cnnspec.errors import DataError


def enlarged(digit: Image.Image) -> Image.Image:
    return digit.resize((280, 280), Image.Resampling.BICUBIC)


def on_white(digit: Image.Image) -> Image.Image:
    paper = Image.new("L", (400, 300), 255)
    paper.paste(ImageOps.invert(digit.resize((120, 120), Image.Resampling.BICUBIC)), (200, 90))
    return paper


def transparent(ink: tuple[int, int, int]) -> Callable[[Image.Image], Image.Image]:
    def draw(digit: Image.Image) -> Image.Image:
        out = Image.new("RGBA", (140, 140), (*ink, 0))
        out.putalpha(ImageOps.expand(digit.resize((120, 120), Image.Resampling.BICUBIC), 10, 0))
        return out

    return draw


def sixteen_bits(digit: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(enlarged(digit)).astype(np.uint16) * 257)


PICTURES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "native": lambda digit: digit,
    "inverted": ImageOps.invert,
    "enlarged": enlarged,
    "on white, off centre": on_white,
    "colour": lambda digit: ImageOps.colorize(on_white(digit), (20, 30, 90), (250, 240, 220)),
    "palette": lambda digit: on_white(digit).convert("P"),
    "black and white": lambda digit: on_white(digit).convert("1"),
    "dark on transparent": transparent((10, 20, 60)),
    "light on transparent": transparent((250, 250, 230)),
    "transparent grey": lambda digit: transparent((0, 0, 0))(digit).convert("LA"),
    "16 bits": sixteen_bits,
    "wide": lambda digit: ImageOps.expand(ImageOps.invert(digit), (300, 10), 255),
}


@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
def test_digits_look_like_mnist(
    draw: Callable[[Image.Image], Image.Image], digits: Tensor, tmp_path: Path
) -> None:
    """However a digit is drawn, what the network gets is close to MNIST's own picture of it."""
    near = []
    for index in range(0, 1000, 25):
        original = digits[index]
        draw(Image.fromarray(original[0].numpy())).save(tmp_path / "digit.png")
        read = read_digit(tmp_path / "digit.png")
        assert (read.shape, read.dtype) == ((1, 28, 28), torch.uint8)
        pair = torch.stack([read.flatten().double(), original.flatten().double()])
        near.append(float(torch.corrcoef(pair)[0, 1]))
    assert np.median(near) > 0.85


@pytest.mark.parametrize("form", ["GIF", "BMP", "WEBP", "PPM", "TIFF"])
def test_other_formats(form: str, digits: Tensor, tmp_path: Path) -> None:
    """What a folder of pictures may hold is read here, too."""
    original = digits[3]
    Image.fromarray(original[0].numpy()).save(tmp_path / "digit", form, lossless=True)
    assert torch.equal(read_digit(tmp_path / "digit"), original)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg(mode: str, digits: Tensor, tmp_path: Path) -> None:
    """JPEGs are read in each of their modes."""
    on_white(Image.fromarray(digits[0, 0].numpy())).convert(mode).save(tmp_path / "digit.jpg")
    assert int(read_digit(tmp_path / "digit.jpg").max()) == 255


def test_native_size_is_taken_as_it_is(digits: Tensor, tmp_path: Path) -> None:
    """A picture of MNIST itself, saved as PNG, reaches the network unchanged."""
    original = digits[3]
    Image.fromarray(original[0].numpy()).save(tmp_path / "digit.png")
    assert torch.equal(read_digit(tmp_path / "digit.png"), original)


def test_orientation_of_a_photograph(digits: Tensor, tmp_path: Path) -> None:
    """A photograph that says it was taken sideways is turned upright."""
    upright = on_white(Image.fromarray(digits[0, 0].numpy()))
    upright.save(tmp_path / "upright.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    upright.rotate(90, expand=True).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    difference = read_digit(tmp_path / "turned.jpg").float() - read_digit(tmp_path / "upright.png").float()
    assert float(difference.abs().mean()) < 5


def _truncated(path: Path) -> None:
    Image.new("L", (200, 200), 90).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:60])


def _huge(path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(path, "PNG")


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "there is no such file"),
    "a folder": (Path.mkdir, "this is a folder"),
    "text": (lambda path: path.write_text("hello"), "not a picture in PNG, JPEG"),
    "empty": (Path.touch, "not a picture in PNG, JPEG"),
    "an icon": (lambda path: Image.new("L", (16, 16)).save(path, "ICO"), "not a picture in PNG, JPEG"),
    "truncated": (_truncated, "cannot be read"),
    "too many pixels": (_huge, "too many pixels"),
    "one colour": (
        lambda path: Image.new("L", (50, 50), 7).save(path, "PNG"),
        "there is nothing in the picture",
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_pictures(bad: tuple[Callable[[Path], object], str], tmp_path: Path) -> None:
    """A file that is no picture of a digit is named, with what is wrong."""
    make, message = bad
    path = tmp_path / "digit.png"
    make(path)
    with pytest.raises(DataError, match=message) as caught:
        read_digit(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_tall_line_and_dot(tmp_path: Path) -> None:
    """Ink that fills a line or a single point is scaled without going wrong."""
    for size, box in (((9, 500), (4, 20, 5, 480)), ((60, 60), (30, 30, 31, 31))):
        picture = Image.new("L", size, 255)
        picture.paste(0, box)
        picture.save(tmp_path / "digit.png")
        assert int(read_digit(tmp_path / "digit.png").max()) == 255
