"""The live bar of a training, in terminals of every width and kind."""

import io
import re
import time
from contextlib import redirect_stderr
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import cnnspec
from cnnspec.cli import run, training_bar
from cnnspec.cli.curve import ASCII, BLOCKS, means
from cnnspec.cli.progress import Watcher
from cnnspec.cli.training_bar import LEAST_CURVE, MOST_CURVE, REFRESH, SPARE, TrainingBar, choose_layout
from cnnspec.training.reporter import Job

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

NET = """
name: net
input: [1, 28, 28]
layers: [flatten, {fc: 10}]
train: {epochs: 2, batch_size: 16}
"""

JOB = Job(
    plan=cnnspec.loads(NET).plan(),
    asked="mnist",
    data_set="mnist",
    data_title="MNIST",
    is_sample=False,
    sample_because="",
    train_size=1000,
    test_size=10,
    epochs=10,
    device="cpu",
    folder="",
)


class Screen(io.StringIO):
    """A terminal's text; `lines` are those that were to be seen at any time."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return [line for line in re.split(r"[\r\n]+", ESCAPES.sub("", self.getvalue())) if line]


class Clock:
    """Time that passes only where it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


class Loss(float):
    """A sum of losses that counts how often it is read: each time waits for the device."""

    read = 0

    def __float__(self) -> float:
        Loss.read += 1
        return super().__float__()


def bar(screen: io.TextIOBase, width: int = 120, job: Job = JOB) -> TrainingBar:
    return TrainingBar(Console(file=screen, force_terminal=True, width=width, color_system=None), job)  # type: ignore[arg-type]  # a text stream


def learn(line: TrainingBar, clock: Clock, losses: list[float], *, epoch: int = 1, batch: int = 100) -> None:
    """Take the steps of an epoch, each with a mean loss; the second half of the first one is looked at, and each other."""
    total, done = 0.0, 0
    for loss, samples in [
        (losses[0], batch // 2),
        (losses[0], batch // 2),
        *((loss, batch) for loss in losses[1:]),
    ]:
        total, done = total + loss * samples, done + samples
        clock.now += REFRESH
        line.step(epoch, done, Loss(total))  # type: ignore[arg-type]  # a tensor reads as a number
    line.end_epoch(total / done)


def test_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line shows epoch, bar, the curve of the loss so far, the epoch's mean loss, speed, and the time left."""
    screen, clock = Screen(), Clock(monkeypatch)
    learn(bar(screen), clock, [8, 4, 2, 1])
    *_, last = screen.lines
    epoch, drawn, rest = (
        re.split(r" [━╸╺ ]+ ", last, maxsplit=2)[0],
        last[32 : 32 + MOST_CURVE],
        last[33 + MOST_CURVE :],
    )
    assert (epoch, drawn.rstrip()) == ("epoch 1/10", "█▆▃▁")
    assert rest == "loss 3.7500  350 images/s  27.4 s left"


def test_curve_over_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The curve goes on from epoch to epoch, and a run that goes on has the epochs before in it."""
    screen, clock = Screen(), Clock(monkeypatch)
    line = bar(screen)
    learn(line, clock, [8, 4])
    line.hide()
    learn(line, clock, [2, 1], epoch=2)
    assert " █▆▃▁ " in screen.lines[-1]
    job = replace(JOB, history=[{"epoch": 1, "train_loss": 8.0}, {"epoch": 2, "train_loss": 4.0}])
    screen = Screen()
    learn(bar(screen, job=job), clock, [2, 1], epoch=3, batch=1000)
    assert " █▆▃▁ " in screen.lines[-1]


@given(
    st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=20), min_size=1, max_size=4),
    st.lists(st.floats(0, 3 * REFRESH), min_size=1, max_size=7),
)
def test_every_sample_counts_once(epochs: list[list[float]], waits: list[float]) -> None:
    """However often the loss is looked at, the curve has each epoch's samples once, and their mean is the epoch's."""
    with pytest.MonkeyPatch.context() as patch:
        clock, line = Clock(patch), bar(Screen())
        for epoch, losses in enumerate(epochs, start=1):
            before = len(line.losses.points)
            total = 0.0
            for number, loss in enumerate(losses, start=1):
                total += loss * 10
                clock.now += waits[number % len(waits)]
                line.step(epoch, number * 10, Loss(total))  # type: ignore[arg-type]  # a tensor reads as a number
            line.end_epoch(total / (10 * len(losses)))
            points = line.losses.points[before:]
            assert sum(samples for _, samples in points) == 10 * len(losses)
            assert means(points, 1) == pytest.approx([sum(losses) / len(losses)], abs=1e-9)


def test_short_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Epochs that are over before anyone looks have their place in the curve by their lines of metrics."""
    clock, console = Clock(monkeypatch), Console(file=Screen(), force_terminal=True, width=120)
    watcher = Watcher(console, console)
    watcher.begin(JOB)
    assert watcher.bar
    for epoch, loss in enumerate((4.0, 2.0), start=1):
        clock.now += REFRESH / 2
        watcher.step(epoch, 1000, Loss(1000 * loss))  # type: ignore[arg-type]  # a tensor reads as a number
        watcher.epoch({"epoch": epoch, "train_loss": loss, "seconds": 0.1})
    assert watcher.bar.losses.points == [(4.0, 1000), (2.0, 1000)]


def test_going_on_within_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that goes on within an epoch has the steps before in its curve, too."""
    clock, line = Clock(monkeypatch), bar(Screen())
    line.step(1, 500, Loss(1500.0))  # type: ignore[arg-type]  # a tensor reads as a number
    clock.now += REFRESH
    line.step(1, 600, Loss(1700.0))  # type: ignore[arg-type]  # as above
    assert line.losses.points == [(1700 / 600, 600)]


def test_loss_is_seldom_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand steps in a second, the loss is read as often as a person looks."""
    clock, line = Clock(monkeypatch), bar(Screen())
    Loss.read = 0
    for number in range(1, 1001):
        clock.now += 0.001
        line.step(1, number, Loss(number))  # type: ignore[arg-type]  # a tensor reads as a number
    assert 1 <= Loss.read <= 1 / REFRESH


@given(st.integers(20, 250), st.integers(1, 100_000), st.floats(0, 99), st.floats(0.02, 1000))
def test_any_width(width: int, epochs: int, loss: float, second: float) -> None:
    """In no width is the line wider than the terminal, nor has it a curve too short to say anything."""
    with pytest.MonkeyPatch.context() as patch:
        screen, clock = Screen(), Clock(patch)
        line = bar(screen, width, replace(JOB, epochs=epochs))
        for number in range(2):
            clock.now += second + REFRESH
            line.step(epochs, 100 * (number + 1), Loss(loss * 100 * (number + 1)))  # type: ignore[arg-type]  # a tensor reads as a number
        *_, last = screen.lines
    layout = choose_layout(width, len(f"epoch {epochs}/{epochs}"))
    assert layout.curve == 0 or LEAST_CURVE <= layout.curve <= MOST_CURVE
    assert len(last) <= width
    if width >= 60:
        assert len(last) <= width - SPARE
        assert "left" in last


@pytest.mark.parametrize(
    ("width", "curve", "words"), [(120, 24, True), (96, 17, True), (80, 19, False), (60, 0, False)]
)
def test_layouts(width: int, curve: int, words: bool) -> None:
    """There is a curve from 80 columns on, and all is said in words where both have room."""
    layout = choose_layout(width, len("epoch 1/10"))
    assert (layout.curve, "images" in layout.text) == (curve, words)


def test_another_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that is made narrower or wider meanwhile has a line that suits it."""
    screen, clock = Screen(), Clock(monkeypatch)
    line = bar(screen)
    for width, drawn in ((120, True), (60, False), (100, True)):
        line.console.width = width
        clock.now += REFRESH
        learn(line, clock, [2, 1])
        assert any(sign in screen.lines[-1] for sign in BLOCKS) == drawn
        assert len(screen.lines[-1]) <= width - SPARE


def test_other_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the terminal's encoding has no blocks, the curve is of other signs."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    learn(bar(stream), Clock(monkeypatch), [8, 4, 2, 1])
    text = stream.buffer.getvalue().decode()
    assert ASCII[::-1] in text


@pytest.fixture
def screen(tiny_root: Path, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal for the standard error of a program that draws at each step."""
    monkeypatch.setattr(training_bar, "REFRESH", 0.0)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return Screen()


def train(tmp_path: Path, screen: Screen) -> None:
    (tmp_path / "net.yaml").write_text(NET)
    with redirect_stderr(screen):
        done = run(["train", str(tmp_path / "net.yaml"), "--out", str(tmp_path / "run"), "--threads", "1"])
    assert done == 0


@pytest.mark.parametrize("width", [120, 80, 60, 40])
def test_training(width: int, screen: Screen, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    """A real training draws its curve where there is room, never a line too wide, and leaves nothing of it behind."""
    monkeypatch.setenv("COLUMNS", str(width))
    train(tmp_path, screen)
    assert any("epoch 2/2" in line for line in screen.lines)
    assert max(map(len, screen.lines)) <= width - SPARE
    assert any(BLOCKS[-1] in line for line in screen.lines) == (width >= 80)
    assert screen.getvalue().endswith("\x1b[2K")
    rows = [line for line in capsys.readouterr().out.splitlines() if "/2 " in line]
    assert [len(row) <= width for row in rows] == [True, True]


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colours(no_color: str, screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The curve has a colour, and none under NO_COLOR."""
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("COLUMNS", "100")
    train(tmp_path, screen)
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9][;m]", screen.getvalue())) == (not no_color)
    assert BLOCKS[-1] in screen.getvalue()


def test_dumb_terminal(screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that cannot draw a line again gets plain lines."""
    monkeypatch.setenv("TERM", "dumb")
    train(tmp_path, screen)
    assert screen.getvalue() == ""


def test_no_terminal(screen: Screen, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    """Where output is no terminal there are plain lines only, also if colours are forced."""
    monkeypatch.setattr(screen, "isatty", lambda: False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    train(tmp_path, screen)
    assert screen.getvalue() == ""
    assert sum("/2 " in line for line in capsys.readouterr().out.splitlines()) == 2
