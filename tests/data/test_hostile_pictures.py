"""Whatever bytes a file of a picture has, it is read or refused in our form; nothing else comes of it."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from cnnspec.data import prepare
from cnnspec.data.picture import FORMATS, opened, read_picture
from cnnspec.errors import DataError

SHAPE = (3, 8, 8)


def encoded(form: str, **options: Any) -> bytes:
    y, x = np.mgrid[:30, :40]
    file = io.BytesIO()
    Image.fromarray(np.stack([6 * x, 8 * y, x * y % 256], -1).astype(np.uint8)).save(file, form, **options)
    return file.getvalue()


def png_of(width: int, height: int) -> bytes:
    """The header of a PNG of that size, and a few bytes that would grow to its pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A small PNG with a comment of five megabytes."""
    data = b"Comment\0\0" + zlib.compress(bytes(5_000_000), 9)
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    whole = encoded("PNG")
    return whole[:33] + chunk + whole[33:]


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "PNG of 10 gigapixels": (lambda: png_of(100_000, 100_000), "too many pixels"),
    "PNG of 100 megapixels": (lambda: png_of(10_000, 10_000), "too many pixels"),
    "GIF of 4 gigapixels": (lambda: b"GIF89a\xff\xff\xff\xff" + encoded("GIF")[10:], "too many pixels"),
    "BMP of 10 gigapixels": (
        lambda: encoded("BMP")[:18] + struct.pack("<ii", 100_000, 100_000) + encoded("BMP")[26:],
        "too many pixels",
    ),
    "PNG with a text that grows": (text_bomb, "cannot be read"),
    "PNG without its pixels": (lambda: png_of(4000, 4000), "cannot be read"),
    "text": (lambda: b"a picture of a cat\n", "not a picture in PNG, JPEG, GIF, BMP, WebP, PPM or TIFF"),
    "nothing": (bytes, "not a picture"),
    "a web page": (lambda: b"<!DOCTYPE html><html>404 Not Found</html>", "not a picture"),
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    "a vector graphic": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not a picture"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_refused(bad: tuple[Callable[[], bytes], str], tmp_path: Path) -> None:
    """What is no picture, or one that is too much for a machine, is an error that names the file."""
    make, message = bad
    path = tmp_path / "cat.png"
    path.write_bytes(make())
    with pytest.raises(DataError, match=message) as caught:
        read_picture(path, SHAPE)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("form", FORMATS)
def test_content_counts_and_not_the_name(form: str, tmp_path: Path) -> None:
    """A picture whose name has another format's ending is read as what it is."""
    (tmp_path / "cat.png").write_bytes(encoded(form))
    assert read_picture(tmp_path / "cat.png", SHAPE).shape == SHAPE


def outcome(data: bytes) -> Tensor | str:
    """What comes of the bytes of a picture: its pixels, or an error's text; any other exception is a mistake."""
    try:
        with opened(io.BytesIO(data), "cat") as image:
            return prepare.fit_picture(image, SHAPE)
    except DataError as error:
        return str(error)


@pytest.mark.parametrize("form", FORMATS)
def test_truncated(form: str) -> None:
    """A file that breaks off, wherever that is, is refused unless only what follows its pixels is missing."""
    whole = encoded(form)
    expected = outcome(whole)
    assert isinstance(expected, Tensor)
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        found = outcome(whole[:length])
        if isinstance(found, str):
            assert found.startswith("cat: ")
        else:
            assert length > 0.9 * len(whole)
            assert torch.equal(found, expected)


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "TIFF"])  # libtiff writes to stderr
def test_changed_bytes(form: str) -> None:
    """Bytes that are changed at random give another picture or an error in our form, and no warning."""
    draw, whole = np.random.default_rng(1), encoded(form)
    for _ in range(200):
        changed = bytearray(whole)
        for _ in range(draw.integers(1, 5)):
            changed[draw.integers(draw.choice((60, len(whole))))] = draw.integers(256)
        found = outcome(bytes(changed))
        if isinstance(found, str):
            assert found.startswith("cat: ")
        else:
            assert found.shape == SHAPE


def test_damaged_orientation() -> None:
    """A picture is no worse for EXIF data that is cut off or says nonsense."""
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = exif.tobytes()
    for length in range(6, len(whole)):
        for rest in (b"", b"\xff" * (len(whole) - length)):
            with opened(io.BytesIO(encoded("JPEG", exif=whole[:length] + rest))) as image:
                assert prepare.fit_picture(image, SHAPE).shape == SHAPE


def test_no_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A picture that takes more memory than there is is refused like one with too many pixels."""

    def exhausted(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(prepare, "_plain", exhausted)
    (tmp_path / "cat.png").write_bytes(encoded("PNG"))
    with pytest.raises(DataError, match="too many pixels"):
        read_picture(tmp_path / "cat.png", SHAPE)
