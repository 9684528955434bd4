"""SVG to PNG and PDF, by Typst, which brings fonts of its own where the system has none."""

from typing import Literal

from cnnspec.errors import CnnspecError, Problem, printable
from cnnspec.views.drawing.scene import Scene
from cnnspec.views.drawing.svg import as_svg

SCALE = 2
"""Pixels of a PNG to a pixel of the picture, so that it is sharp on any screen."""
MOST_PIXELS = 64_000_000
"""Of a PNG; a larger one is made with fewer pixels to a pixel of the picture."""
LEAST_SCALE = 0.5
"""Below this nobody can read a PNG."""
INCH, POINTS = 96, 72
"""Pixels of the picture to an inch, as CSS has it, and points, as PDF has it."""
LARGEST_PAGE = 14_400
"""Points of a page's side that every reader of PDFs shows (ISO 32000-1, annex C); more is made smaller."""

PAGE = b"""\
#set document(title: sys.inputs.title, date: none)
#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg", width: float(sys.inputs.width) * 1pt)
"""


def as_pdf(scene: Scene) -> bytes:
    """Return the scene as a PDF of one page: vectors, and text that can be selected; raises CnnspecError."""
    points = scene.width * POINTS / INCH
    largest = max(points, scene.height * POINTS / INCH)
    return _compiled(scene, "pdf", points * min(1, LARGEST_PAGE / largest))


def as_png(scene: Scene) -> bytes:
    """Return the scene as a PNG in the light theme; raises CnnspecError."""
    scale = min(SCALE, (MOST_PIXELS / (scene.width * scene.height)) ** 0.5)
    if scale < LEAST_SCALE:
        what = f"the picture is too large for a PNG: {scene.width:,.0f} × {scene.height:,.0f} pixels"
        raise CnnspecError(Problem(what, "", "Use a smaller --depth, or write an SVG"))
    return _compiled(scene, "png", scene.width * scale)


def _compiled(scene: Scene, form: Literal["pdf", "png"], width: float) -> bytes:
    """Return the scene in a width: in points, which are the pixels of a PNG."""
    try:
        import typst
    except ImportError:
        what, fix = (
            f"a {form.upper()} needs Typst",
            "Install it: `pip install 'cnnspec[draw]'`, or write an SVG",
        )
        raise CnnspecError(Problem(what, "", fix)) from None
    told = {"svg": as_svg(scene), "title": printable(scene.title), "width": str(width)}
    return typst.compile(PAGE, format=form, ppi=POINTS, sys_inputs=told)
