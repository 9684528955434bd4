"""Pictures as PNG and PDF: what other programs read from them is what was drawn."""

import io
import sys
from collections.abc import Callable
from functools import partial

import pytest
from PIL import Image, ImageColor
from pypdf import PdfReader

from cnnspec.errors import CnnspecError
from cnnspec.views.diagram import convert
from cnnspec.views.diagram.convert import as_pdf, as_png
from cnnspec.views.drawing.palette import ROLES
from cnnspec.views.drawing.scene import Rect, Scene, Text

TEXT = "conv 3×3 · naïve → “é” − 64×56×56 …"
SCENE = Scene(300, 120, (Rect(100, 40, 80, 50, "convolution"), Text(10, 20, TEXT)), "net: a \x07title")


def test_png() -> None:
    """A PNG has two pixels for each of the picture, in the colours of the light theme."""
    image = Image.open(io.BytesIO(as_png(SCENE))).convert("RGB")
    assert image.size == (600, 240)
    (fill, _), (paper, _) = ROLES["convolution"], ROLES["paper"]
    assert image.getpixel((280, 130)) == ImageColor.getrgb(fill.fill)
    assert image.getpixel((500, 200)) == ImageColor.getrgb(paper.fill)
    assert min(image.crop((20, 10, 400, 50)).convert("L").tobytes()) < 80  # the text


def test_pdf() -> None:
    """A PDF has one page of the picture's size, its title, and the text as text."""
    reader = PdfReader(io.BytesIO(as_pdf(SCENE)))
    (page,) = reader.pages
    assert (float(page.mediabox.width), float(page.mediabox.height)) == (225, 90)  # 96 pixels are 72 points
    assert reader.metadata is not None
    assert reader.metadata.title == "net: a \N{REPLACEMENT CHARACTER}title"
    assert page.extract_text().strip() == TEXT
    assert "/Image" not in str(page.get_contents())
    assert not page.images


def test_same_bytes_every_time() -> None:
    """Converting a picture twice gives the same file: it has no date."""
    assert as_pdf(SCENE) == as_pdf(SCENE)
    assert as_png(SCENE) == as_png(SCENE)


def test_large_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PNG too large for two pixels to one has fewer, a PDF's page shrinks, and beyond reason there is none."""
    tall = Scene(100, 400_000, (Text(10, 20, "top"),))
    page = PdfReader(io.BytesIO(as_pdf(tall))).pages[0]
    assert float(page.mediabox.height) == pytest.approx(14_400, abs=1)
    with pytest.raises(
        CnnspecError, match=r"too large for a PNG: 4,000 × 400,000 pixels\. Use a smaller --depth"
    ):
        as_png(Scene(4_000, 400_000, ()))
    monkeypatch.setattr(convert, "MOST_PIXELS", 300 * 120)
    assert Image.open(io.BytesIO(as_png(SCENE))).size == (300, 120)


@pytest.mark.parametrize("write", [as_png, as_pdf])
def test_without_typst(write: Callable[[Scene], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed, one error says how to install it."""
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(
        CnnspecError, match=r"needs Typst\. Install it: `pip install 'cnnspec\[draw\]'`"
    ) as caught:
        write(SCENE)
    assert len(caught.value.problems) == 1


def test_without_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system without any font there is text all the same."""
    import typst

    monkeypatch.setattr(typst, "compile", partial(typst.compile, ignore_system_fonts=True))
    assert "conv 3×3 · naïve → “é”" in PdfReader(io.BytesIO(convert.as_pdf(SCENE))).pages[0].extract_text()
