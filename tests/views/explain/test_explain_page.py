"""Explanations as a page, as a browser shows it."""

from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser, Theme
from elements import tree
from hostile_texts import HOSTILE

import cnnspec
from cnnspec.views.explain import explain
from cnnspec.views.explain.page import as_html

SPEC = """
name: everything-0.1
input: [3, 224, 224]
layers:
  - conv: {filters: 8, kernel: 7, stride: 2, padding: 3}
    name: a_module_with_a_name_that_is_longer_than_a_phone_is_wide
  - maxpool: {kernel: 3, stride: 2, ceil_mode: true}
  - residual:
      - conv: {filters: 8, kernel: [3, 5], padding: same, dilation: [2, 1]}
      - relu
  - concat: {branches: {here: [], there: [maxpool: {kernel: 3, stride: 1, padding: 1}]}}
  - depthwise_conv: {kernel: 3, stride: 3, multiplier: 200}
  - conv_transpose: {filters: 4, kernel: 3, stride: 2, padding: 1, output_padding: 1}
  - upsample: {scale: 2, mode: bilinear}
  - conv: {filters: 4, kernel: 3, padding: 1}
  - conv: {filters: 4, kernel: 3, padding: 1}
  - global_avgpool
  - flatten
  - fc: 10
"""


def page(*, pictures: bool = True) -> str:
    plan = cnnspec.loads(SPEC).plan()
    return as_html(plan, explain(plan), pictures=pictures)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("explained") / "page.html"
    written.write_text(page(), "utf-8")
    return written


@pytest.mark.parametrize("description", HOSTILE)
def test_hostile_description(description: str) -> None:
    """Whatever the description says is text, and adds no element."""
    spec = cnnspec.loads(SPEC)
    harmless, hostile = (replace(spec, description=text).plan() for text in ("plain", description))
    text = as_html(hostile, explain(hostile)[:2])
    assert tree(text) == tree(as_html(harmless, explain(harmless)[:2]))
    assert "\x1b" not in text


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_in_a_browser(width: int, theme: Theme, path: Path, browser: Browser) -> None:
    """On a phone as on a desk, in both themes, nothing is wider than the window, and the console is silent."""
    with browser.open(path, width, theme=theme) as opened:
        assert opened.messages == []
        assert opened.requests == [path.as_uri()]
        assert opened.scroll_width == width
        wide = "[...document.querySelectorAll('svg, h2, figcaption, nav')].filter(e => e.getBoundingClientRect().right > innerWidth)"
        assert opened.evaluate(f"{wide}.length") == 0
        scales = "[...document.querySelectorAll('.pair svg')].map(e => e.getBoundingClientRect().width / e.getAttribute('width'))"
        assert min(opened.evaluate(scales)) > 0.8  # or nobody could read their numbers


def test_links(path: Path, browser: Browser) -> None:
    """The contents lead to every layer and composition, and a window drawn before to where it was."""
    with browser.open(path) as opened:
        targets = opened.evaluate(
            "[...document.querySelectorAll('a')].map(a => a.getAttribute('href').slice(1))"
        )
        names = opened.evaluate("[...document.querySelectorAll('h2[id]')].map(h => h.id)")
        assert targets[: len(names)] == names
        assert targets[len(names) :] == ["conv1"]
        assert set(targets) <= set(names)
        assert {"concat1", "residual1", "residual1.layers.conv1"} <= set(names)


def test_pictures(path: Path, browser: Browser) -> None:
    """Each window that differs has a picture of both grids, the window in the same colour on both."""
    with browser.open(path) as opened:
        assert opened.count(".pair") == 7
        assert opened.count(".pair svg") == 2 * 7
        assert opened.count(".pair svg .first") == 2 * 7
    assert "<svg" not in page(pictures=False)


def test_fractions_are_stacked(path: Path, browser: Browser) -> None:
    """A browser sets the parts of a fraction above each other."""
    box = "document.querySelector('mfrac').children[{}].getBoundingClientRect()"
    with browser.open(path) as opened:
        assert opened.evaluate(f"{box.format(0)}.bottom <= {box.format(1)}.top + 1")
        assert opened.texts("mfrac")[0].replace("\N{INVISIBLE TIMES}", "") == "n+2p−fs"


def test_letters_are_explained(path: Path, browser: Browser) -> None:
    """Every letter of the formulas is in the list above them."""
    with browser.open(path) as opened:
        explained = set(opened.texts(".letters mi"))
        used = set(opened.texts(".formulas mi"))
        assert used == explained
