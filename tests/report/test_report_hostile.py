"""Whatever a run's names and descriptions say, its report has the same elements."""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from browser import Browser
from elements import tree
from hostile_texts import HOSTILE
from tiny_run import train_tiny

from cnnspec.report import page as pages
from cnnspec.report import views
from cnnspec.report.evidence import Evidence, Gatherer
from cnnspec.report.plot import plot
from cnnspec.training.record import read_record

HARMLESS = "harmless"


@pytest.fixture(scope="module", autouse=True)
def _drawn_once() -> Iterator[None]:
    """The same chart is drawn only once: that takes longest."""
    with pytest.MonkeyPatch.context() as patch:
        drawn = cache(plot)
        for module in (views, pages):
            patch.setattr(module, "plot", drawn)
        yield


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    run = train_tiny(tmp_path_factory.mktemp("runs") / "run")
    return Gatherer(torch.device("cpu")).gather(read_record(run))


def named(found: Evidence, text: str) -> Evidence:
    """Return a run that says this text wherever a run can say any."""
    environment: dict[str, Any] = {
        "started": text,
        text: text,
        "command": [text, text],
        "versions": {"torch": text, f"more {text}": [text, {"deep": text}]},
        "data": {"title": text, "classes": [text] * 3, "source": text},
    }
    assert found.tested
    assert found.chosen
    names = tuple(text for _ in found.tested.names)
    folder = Path(
        os.fsdecode(text.replace("\0", "").replace("/", "_")[:200].encode("utf-8", "surrogatepass"))
    )
    return replace(
        found,
        record=replace(
            found.record,
            folder=folder,
            environment=environment,
            spec=replace(found.record.spec, description=text, name="tiny"),
        ),
        classes=(text, f"{text} 2", f"3 {text}"),
        tested=replace(found.tested, title=text, names=names),
        chosen=replace(found.chosen, name=text),
    )


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_elements_are_the_same(text: str, found: Evidence) -> None:
    """A hostile text stays text: the elements and their attributes are those of a harmless run."""
    page = pages.html([named(found, text)])
    assert tree(page) == tree(pages.html([named(found, HARMLESS)]))
    assert not set(page) & {
        chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0x202E, 0x200B)
    }
    assert page.encode("utf-8")


def test_in_a_browser(found: Evidence, browser: Browser, tmp_path: Path) -> None:
    """In a browser, the comparison of thirty hostile runs does nothing and asks for nothing."""
    path = tmp_path / "hostile.html"
    counts = []
    for texts in (HOSTILE, [f"{HARMLESS} {number}" for number in range(len(HOSTILE))]):
        path.write_text(pages.html([named(found, text) for text in texts]), "utf-8")
        with browser.open(path, width=375) as page:
            assert page.messages == []
            assert all(url.startswith("data:image/png") or url == path.as_uri() for url in page.requests)
            assert page.scroll_width == 375
            counts.append(
                {tag: page.count(tag) for tag in ("script", "img", "svg", "a", "table", "td", "h4", "body")}
            )
            assert page.count("foreignObject, iframe, [onload], [onerror], [style]") == 0
    assert counts[0] == counts[1]
    assert counts[0]["script"] == 0
