"""A run and a result show their curves in a notebook."""

import builtins
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, Theme
from elements import tree
from hostile_texts import HOSTILE
from tiny_run import train_tiny

from cnnspec.report.notebook import run_html
from cnnspec.training import Result, Run, load_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(train_tiny(tmp_path_factory.mktemp("runs") / "run"))


def result(run: Run, folder: Path) -> Result:
    return Result(0.9, run.history, folder, "")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_run(theme: Theme, run: Run, browser: Browser, tmp_path: Path) -> None:
    """A run shows its curves, and its best and last epoch; what stands around it stays as it was."""
    page = tmp_path / "notebook.html"
    colors = "<style>:root { color-scheme: light dark } p { margin: 7px }</style>"
    page.write_text(f"<!doctype html>{colors}<p id=before>text</p>{run._repr_html_()}", "utf-8")
    with browser.open(page, theme=theme) as opened:
        assert opened.messages == []
        assert opened.texts("figcaption") == ["Loss", "Accuracy", "Learning rate"]
        assert opened.count("svg.plot") == 3
        rows = [row.split("|") for row in opened.evaluate(
            "[...document.querySelectorAll('tr')].map(row => [...row.cells].map(cell => cell.textContent).join('|'))"
        )]  # fmt: skip
        best, last = run.record.best, run.history[-1]
        assert best
        assert rows[0] == ["", "epoch", "train loss", "test loss", "test accuracy", "lr", "time"]
        for row, told in zip(rows[1:], (best, last), strict=True):
            assert row[1] == str(told["epoch"])
            assert float(row[3]) == pytest.approx(told["test_loss"], rel=1e-3)
            assert row[4] == f"{100 * told['test_accuracy']:.2f} %"
        assert opened.evaluate("getComputedStyle(document.querySelector('#before')).margin") == "7px"
        ink = opened.evaluate("getComputedStyle(document.querySelector('.plot text')).fill")
        assert ink == opened.evaluate("getComputedStyle(document.body).color")


def test_result(run: Run, tmp_path: Path) -> None:
    """A result shows the same as its run; where its folder cannot be read, what it knows by itself."""
    assert result(run, run.folder)._repr_html_() == run._repr_html_()
    alone = result(run, tmp_path / "nowhere")._repr_html_()
    assert alone.count("<figure>") == 3
    assert "best epoch</li>" not in alone
    assert "last" in alone


def test_without_matplotlib(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without matplotlib, there is the table and what to install, and no error."""
    found = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    page = run._repr_html_()
    assert "pip install &#39;cnnspec[report]&#39;" in page
    assert "<table" in page
    assert "<svg" not in page


def test_before_the_first_epoch(run: Run) -> None:
    """A run that has no epoch yet shows an empty table, and no error."""
    assert tree(run_html(replace(run.record, history=[])))


def test_hostile_names(run: Run) -> None:
    """Whatever the folder is called, the elements are the same."""
    hostile = replace(run.record, folder=Path("".join(HOSTILE).replace("\0", "")))
    assert tree(run_html(hostile)) == tree(run_html(run.record))
