"""Pages stand alone and are closed to whatever a text could bring."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from cnnspec.views.drawing.scene import Scene, Text
from cnnspec.views.pages.page import render

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m{{ 7 * 7 }}'


class Elements(HTMLParser):
    """Notes the elements of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    template = '{% extends "base.html" %}{% block main %}<p class="{{ text }}">{{ text }}</p>{{ scene|drawing }}{% endblock %}'
    (tmp_path / "some.html").write_text(template)
    return tmp_path


def page(folder: Path, text: str) -> str:
    scene = Scene(10, 10, (Text(0, 9, text),), title=text, description=text)
    return render("some.html", text, folder, text=text, scene=scene)


def test_hostile_text_is_only_text(folder: Path) -> None:
    """What is shown, in an attribute as well, adds no element, and no control character stays."""
    harmless, hostile = page(folder, "x"), page(folder, HOSTILE)
    assert [tag for tag, _ in Elements(hostile).found] == [tag for tag, _ in Elements(harmless).found]
    assert "\x1b" not in hostile
    assert "49" not in re.sub(r"<style>.*</style>|content=\"[^\"]*\"", "", hostile, flags=re.DOTALL)


def test_policy_allows_the_style_and_nothing_else(folder: Path) -> None:
    """The policy names the hash of the page's one style sheet; no element has styles or scripts of its own."""
    text = page(folder, "x")
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    elements = Elements(text).found
    policy = next(a["content"] for tag, a in elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")
    assert not any(
        name == "style" or name.startswith("on") for _, attributes in elements for name in attributes
    )
    assert "script" not in {tag for tag, _ in elements}
    assert "http" not in style


def test_a_name_that_is_missing_is_an_error(folder: Path) -> None:
    """A template that asks for what it is not given fails, and does not print nothing."""
    with pytest.raises(UndefinedError):
        render("some.html", "x", folder, text="x")
