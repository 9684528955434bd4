"""A plan shows its table and its picture in a notebook."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser, Theme
from elements import tree
from hostile_texts import HOSTILE

import cnnspec

SPECS = Path(__file__).parents[2] / "specs"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plan(theme: Theme, browser: Browser, tmp_path: Path) -> None:
    """A plan shows a row for each layer and the picture; what stands around it stays as it was."""
    plan = cnnspec.load(SPECS / "lenet5.yaml").plan()
    page = tmp_path / "notebook.html"
    head = '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    style = "<style>:root { color-scheme: light dark } td { padding: 9px; text-align: right }</style>"
    outer = "<table id=outer><tr><td>text</td></tr></table>"
    page.write_text(f"{head}{style}{outer}{plan._repr_html_()}", "utf-8")
    with browser.open(page, width=375, theme=theme) as opened:
        assert opened.messages == []
        assert opened.scroll_width == 375
        assert opened.texts("tbody th") == ["input", *(step.path for step in plan.layers)]
        assert "61,750 parameters, 416,520 MACs, output 10" in opened.texts(".cnnspec-notebook > p")[1]
        assert opened.count("svg.cnnspec-drawing") == 1
        padding = "getComputedStyle(document.querySelector('{} td')).padding"
        assert opened.evaluate(padding.format("#outer")) == "9px"
        assert opened.evaluate(padding.format(".cnnspec-notebook")) != "9px"


def test_hostile_description() -> None:
    """Whatever a description says, the elements are the same."""
    plan = cnnspec.load(SPECS / "lenet5.yaml").plan()
    harmless = tree(plan._repr_html_())
    for text in HOSTILE:
        assert tree(replace(plan, spec=replace(plan.spec, description=text))._repr_html_()) == harmless


@pytest.mark.parametrize("name", ["resnet.yaml", "googlenet.yaml", "unet.yaml", "conv1d.yaml"])
def test_networks(name: str) -> None:
    """Networks of all kinds show themselves as well-nested HTML."""
    assert tree(cnnspec.load(SPECS / name).plan()._repr_html_())


def test_without_torch() -> None:
    """A plan shows itself without torch, numpy or matplotlib."""
    code = (
        f"import sys, cnnspec; cnnspec.load({str(SPECS / 'lenet5.yaml')!r}).plan()._repr_html_();"
        "print({'torch', 'numpy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
