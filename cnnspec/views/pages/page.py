"""A page of HTML in one file: no network, no script, and whatever a spec says is only text of it.

Its Content-Security-Policy (https://www.w3.org/TR/CSP3/) forbids everything but the page's own style
sheet, by its hash, and pictures within the page. So no element can have a ``style`` attribute.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cnnspec import __version__
from cnnspec.errors import printable
from cnnspec.shape import times
from cnnspec.views.drawing.scene import Scene
from cnnspec.views.drawing.svg import as_svg, style_sheet

HERE = Path(__file__).parent


def render(template: str, title: str, folder: Path = HERE, **context: Any) -> str:
    """Return the page that a template of that folder makes of the context; it extends ``base.html``.

    In a template, texts are escaped, ``|times`` writes a shape, and ``|drawing`` a scene as SVG.
    """
    style = (HERE / "style.css").read_text("utf-8") + style_sheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = _environment(folder).get_template(template)
    return page.render(title=title, style=Markup(style), policy=policy, version=__version__, **context)  # noqa: S704  # a style sheet of ours


def fragment(template: str, folder: Path = HERE, **context: Any) -> str:
    """Return what a template makes of the context, for within a notebook: it has its own style sheet."""
    style = (HERE / "notebook.css").read_text("utf-8")
    page = _environment(folder).get_template(template)
    return page.render(style=Markup(style), **context)  # noqa: S704  # as in `render`


def drawing(scene: Scene) -> Markup:
    """Return a scene as SVG within a page."""
    return Markup(as_svg(scene, alone=False))  # noqa: S704  # it has escaped all texts


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters |= {"drawing": drawing, "times": times}
    return environment


def _visible(value: Any) -> Any:
    """Return a text without control characters; all else, markup of ours among it, as it is."""
    return printable(value) if type(value) is str else value
