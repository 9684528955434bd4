"""The report as a page: all of its parts, in a real browser, for one run and for several."""

import json
import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from browser import Browser, Theme
from tiny_run import CLASSES, TEST, WRONG, train_tiny

from cnnspec.errors import DataError
from cnnspec.report.evidence import Evidence, Gatherer
from cnnspec.report.page import html
from cnnspec.training.record import read_record
from cnnspec.training.run import load_run

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs with different seeds and numbers of epochs."""
    folder = tmp_path_factory.mktemp("runs")
    return [train_tiny(folder / "one"), train_tiny(folder / "two", seed=1, epochs=2)]


@pytest.fixture(scope="module")
def found(runs: list[Path]) -> list[Evidence]:
    gatherer = Gatherer(CPU)
    return [gatherer.gather(read_record(run)) for run in runs]


@pytest.fixture(scope="module")
def pages(found: list[Evidence], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page about one run, and the one about both, as files."""
    folder = tmp_path_factory.mktemp("pages")
    paths = {"one": folder / "one.html", "both": folder / "both.html"}
    paths["one"].write_text(html(found[:1]), "utf-8")
    paths["both"].write_text(html(found), "utf-8")
    return paths


def test_what_is_found(runs: list[Path], found: list[Evidence]) -> None:
    """The numbers are those of an evaluation; the mistakes are the wrong labels of the test, sure ones first."""
    tested, result = found[0].tested, load_run(runs[0]).evaluate()
    assert tested
    assert torch.equal(tested.evaluation.confusion, result.confusion)
    assert tested.wrong == TEST * CLASSES - int(result.confusion.trace())
    assert {0, 1, 2, 3} == set(range(WRONG)) <= {one.index for one in tested.mistakes}
    sureness = [one.sureness for one in tested.mistakes]
    assert sureness == sorted(sureness, reverse=True)
    assert not tested.data_changed
    assert found[0].missing == ()


def test_parts_of_a_run(browser: Browser, pages: dict[str, Path], found: list[Evidence]) -> None:
    """The page of a run has every part, and each shows what there is."""
    tested = found[0].tested
    assert tested
    with browser.open(pages["one"]) as page:
        assert page.texts("h1") == ["tiny"]
        assert page.texts("h2") == [
            "What the numbers say", "Curves", "Network", "Classes", "Mistakes",
            "Filters of the first convolution", "Spec", "Environment",
        ]  # fmt: skip
        assert page.texts(".charts figcaption") == ["Loss", "Accuracy", "Learning rate"]
        assert page.count(".charts figure > svg.plot") == 3
        assert page.count(".cnnspec-drawing") == 1
        assert page.texts(".layers tbody th") == ["input", "conv1", "relu1", "flatten1", "fc1"]
        cells = page.texts(".matrix tbody td")
        assert [
            int(cell.replace("·", "0")) for cell in cells
        ] == tested.evaluation.confusion.flatten().tolist()
        assert page.count(".cards:not(.filters) img") == len(tested.mistakes)
        assert page.count(".filters img") == 8
        assert "description: A network for tests." in page.texts("pre")[0]
        assert "versions.torch" in page.texts(".values th")
        first = tested.mistakes[0]
        caption = page.texts(".cards figcaption")[0]
        assert f"{first.true.label} → {first.guesses[0].label}" in caption
        assert f"{first.guesses[0].label}: {100 * first.sureness:.1f} %" in caption


def test_several_runs(browser: Browser, pages: dict[str, Path]) -> None:
    """Several runs are compared: results, differences, curves of both; each can be opened on its own."""
    with browser.open(pages["both"]) as page:
        assert page.texts("h1") == ["2 runs"]
        assert page.texts("h2") == ["Results", "What differs between the specs", "Curves", "Each run"]
        assert page.texts("summary h3") == ["one", "two"]
        values = page.texts("main > .scroll > .values tbody tr")
        assert values == ["train.epochs32", "train.seed01"]
        assert page.texts("main > .charts figcaption") == [
            "Training loss",
            "Test loss",
            "Test accuracy",
            "Learning rate",
        ]
        assert page.texts("main > .charts figure:first-child li") == ["one", "two"]
        assert page.evaluate("document.querySelector('details .matrix').checkVisibility()") is False
        page.evaluate("document.querySelector('summary').focus()")
        for kind in ("rawKeyDown", "keyUp"):
            page.send("Input.dispatchKeyEvent", type=kind, key=" ", code="Space", windowsVirtualKeyCode=32)
        assert page.evaluate("document.querySelector('details .matrix').checkVisibility()") is True


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 375])
@pytest.mark.parametrize("name", ["one", "both"])
def test_in_a_browser(name: str, width: int, theme: Theme, browser: Browser, pages: dict[str, Path]) -> None:
    """In both themes, and as narrow as a phone, nothing is refused, asked for elsewhere, or too wide."""
    with browser.open(pages[name], width=width, theme=theme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.messages == []
        assert all(url.startswith("data:image/png") or url == pages[name].as_uri() for url in page.requests)
        assert page.scroll_width == width
        assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
        ink, paper = page.evaluate(
            "[getComputedStyle(document.querySelector('.plot text')).fill,"
            " getComputedStyle(document.documentElement).backgroundColor]"
        )
        light, dark = "rgb(255, 255, 255)", "rgb(23, 25, 29)"
        assert paper == (light if theme == "light" else dark)
        assert (sum(map(int, re.findall(r"\d+", ink))) > 384) == (theme == "dark")


@pytest.mark.parametrize("name", ["one", "both"])
def test_accessible(name: str, browser: Browser, pages: dict[str, Path]) -> None:
    """Headings do not skip a level; pictures have texts, header cells a scope; what scrolls gets the keyboard's focus."""
    with browser.open(pages[name]) as page:
        levels = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(one => +one.tagName[1])"
        )
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert page.count("img:not([alt]), img[alt='']") == 0
        assert page.count("th:not([scope])") == 0
        assert page.count("svg:not([role=img]):not([aria-hidden])") == 0
        assert page.count("svg[role=img]:not([aria-label])") == 0
        assert page.count(".scroll:not([tabindex='0'])") == 0
        assert page.count("table:not(:has(caption))") == 0
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
        assert len(ids) == len(set(ids))
        targets = page.evaluate("[...document.querySelectorAll('nav a')].map(one => one.hash.slice(1))")
        assert targets
        assert set(targets) <= set(ids)


def copied(run: Path, to: Path, change: Callable[[Path], object]) -> Evidence:
    shutil.copytree(run, to)
    change(to)
    return Gatherer(CPU).gather(read_record(to))


def _unfinished(folder: Path) -> None:
    for name in ("metrics.jsonl", "best.safetensors", "last.safetensors", "previous.safetensors"):
        (folder / name).unlink(missing_ok=True)


def _without_data(folder: Path) -> None:
    spec = folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("pictures.npz", "gone.npz"))


def _other_classes(folder: Path) -> None:
    path = folder / "environment.json"
    facts = json.loads(path.read_text())
    facts["data"]["classes"] = ["a", "b"]
    path.write_text(json.dumps(facts))


LACKING: dict[str, tuple[Callable[[Path], object], str, set[str]]] = {
    "no epoch yet": (
        _unfinished,
        "there are no weights to test",
        {"Curves", "Filters of the first convolution"},
    ),
    "damaged weights": (
        lambda folder: (folder / "best.safetensors").write_bytes(b"hello"),
        "the file cannot be read",
        {"Filters of the first convolution"},
    ),
    "no data": (_without_data, "gone.npz", set()),
    "other classes": (_other_classes, "has the classes 0, 1, 2", set()),
}


@pytest.mark.parametrize("case", LACKING.values(), ids=LACKING)
def test_what_cannot_be_had_is_said(
    case: tuple[Callable[[Path], object], str, set[str]], runs: list[Path], tmp_path: Path
) -> None:
    """Where weights or data are missing, the page says why, and has everything else."""
    change, why, lacking = case
    page = html([copied(runs[0], tmp_path / "run", change)])
    headings = set(re.findall(r"<h2[^>]*>([^<]*)", page))
    assert headings == {
        "What the numbers say", "Curves", "Network", "Filters of the first convolution", "Spec", "Environment",
    } - lacking  # fmt: skip
    assert "This report lacks the confusion matrix" in page
    assert why in page
    assert ("feature maps of a picture" in page) == (not lacking)


def test_other_files_than_learned_from(runs: list[Path], tmp_path: Path) -> None:
    """Where the data has changed since, that is said at the top."""

    def change(folder: Path) -> None:
        path = folder / "environment.json"
        facts = json.loads(path.read_text())
        facts["data"]["sha256"] = {"arrays": "0" * 64}
        path.write_text(json.dumps(facts))

    assert "not those that the run began with" in html([copied(runs[0], tmp_path / "run", change)])


def test_chosen_picture(runs: list[Path], tmp_path: Path) -> None:
    """The feature maps are of the test picture with that number, or of a file; one that is not there is an error."""
    record = read_record(runs[0])
    maps = {}
    for number in (0, 25):
        evidence = Gatherer(CPU, chosen=number).gather(record)
        assert evidence.chosen
        assert evidence.first
        assert evidence.chosen.name == f"test picture {number}"
        maps[number] = [one.response for one in evidence.first.filters]
    assert maps[0] != maps[25]
    with pytest.raises(DataError, match=r"no test picture 60; pictures\.npz has 60, counted from 0"):
        Gatherer(CPU, chosen=60).gather(record)
    with pytest.raises(DataError, match="there is no such file"):
        Gatherer(CPU, chosen=tmp_path / "none.png").gather(record)


def test_same_page_again(found: list[Evidence]) -> None:
    """The same run gives the same page, but for the time at its end."""
    one, other = (re.sub(r"Made by .*", "", html(found[:1])) for _ in range(2))
    assert one == other
