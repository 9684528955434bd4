"""The live bar of a training, in one line that suits the terminal's width."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn

from cnnspec.cli.curve import ASCII, BLOCKS, Series, curve
from cnnspec.training.reporter import Job
from cnnspec.units import duration

if TYPE_CHECKING:
    from torch import Tensor

REFRESH = 0.25
"""Seconds between two looks at the loss: each one waits for the device, and drawing takes its time, too."""

SPARE = 3
"""Columns left free: the ^C that a user types must not break the line, or it could not be taken away."""

LEAST_CURVE, MOST_CURVE = 16, 24
"""Signs of the curve: with fewer it says nothing, and more say no more."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the line has behind the epoch: columns of the bar, signs of the curve, and a text after these."""

    bar: int
    curve: int
    text: str
    longest: str
    """The text with the largest numbers that are usual."""

    def needs(self, label: int) -> int:
        """Return how many columns it takes, behind a label of so many."""
        parts = [label, self.bar, self.curve, len(self.longest)]
        return sum(part + 1 for part in parts if part) - 1 + SPARE


WORDS = "loss {loss:.4f}  {rate:,.0f} images/s  {left} left", "loss 0.1234  123,456 images/s  1:23:45 left"
SHORT = "loss {loss:.3f}  {rate:,.0f}/s  {left} left", "loss 0.123  123,456/s  1:23:45 left"
SHORTER = "{loss:.3f}  {rate:,.0f}/s  {left} left", "0.123  123,456/s  1:23:45 left"
LEAST = "{loss:.3f}  {left} left", "0.123  1:23:45 left"

LAYOUTS = (
    Layout(20, LEAST_CURVE, *WORDS),
    Layout(10, LEAST_CURVE, *SHORT),
    Layout(10, LEAST_CURVE, *SHORTER),
    Layout(10, 0, *SHORTER),
    Layout(0, 0, *LEAST),
)
"""From the one that says most to the one that goes everywhere."""


def choose_layout(width: int, label: int) -> Layout:
    """Return the first layout for which there is room behind a label; its curve takes what is left over."""
    for layout in LAYOUTS:
        left = width - layout.needs(label)
        if left >= 0:
            return replace(layout, curve=min(layout.curve + left, MOST_CURVE)) if layout.curve else layout
    return LAYOUTS[-1]


class TrainingBar:
    """Shows epoch, share of it that is done, curve of the loss so far, loss, images a second, time left."""

    def __init__(self, console: Console, job: Job) -> None:
        self.console, self.job = console, job
        self.signs = ASCII if console.options.ascii_only else BLOCKS
        self.layout: Layout | None = None
        # It is drawn when there is news, not by a thread that would take its share of the processor.
        self.progress = Progress(console=console, transient=True, redirect_stdout=False, auto_refresh=False)
        self.task = self.progress.add_task("", total=job.train_size, epoch="", curve="", text="")
        self.losses = Series()
        for row in job.history:
            self.losses.add(row["train_loss"], job.train_size)
        self.current = self.first = self.done = self.known = 0
        self.known_sum = self.started = self.looked = 0.0

    def step(self, epoch: int, done: int, loss_sum: "Tensor") -> None:
        """Take in a step, as `Reporter.step` does, and draw the line if it is time to."""
        now = time.monotonic()
        if epoch != self.current:
            # The first step is not in the rate: it takes longer, and a run may go on within an epoch.
            self.current, self.first, self.started, self.looked = epoch, done, now, now
            self.known, self.known_sum = 0, 0.0
        self.done = done
        if now - self.looked < REFRESH:
            return
        self.looked = now
        total = float(loss_sum)
        self._learn(total)
        rate = (done - self.first) / max(now - self.started, 1e-6)
        left = (self.job.train_size * (self.job.epochs - epoch + 1) - done) / max(rate, 1e-6)
        label = f"epoch {epoch}/{self.job.epochs}"
        layout = self._lay_out(len(label))
        text = layout.text.format(loss=total / done, rate=rate, left=duration(left))
        drawn = curve(self.losses.points, layout.curve, self.signs).ljust(layout.curve)
        self.progress.start()
        self.progress.update(self.task, completed=done, epoch=label, curve=drawn, text=text, refresh=True)

    def end_epoch(self, mean_loss: float) -> None:
        """Take in the loss of the steps since the last look, now that the whole epoch's is known."""
        self._learn(mean_loss * self.done)

    def say(self, text: str) -> None:
        """Show a text in the place of the numbers."""
        self.progress.update(self.task, text=text, refresh=True)

    def hide(self) -> None:
        """Take the line off the screen, until there is news."""
        self.progress.stop()

    def _learn(self, loss_sum: float) -> None:
        """Add the epoch's losses up to here, of which some are known already, to the curve."""
        samples = self.done - self.known
        if samples > 0:
            self.losses.add((loss_sum - self.known_sum) / samples, samples)
            self.known, self.known_sum = self.done, loss_sum

    def _lay_out(self, label: int) -> Layout:
        """Return what there is room for now: the terminal may have got another width."""
        layout = choose_layout(self.console.width, label)
        if layout != self.layout:
            columns: list[ProgressColumn] = [TextColumn("{task.fields[epoch]}")]
            if layout.bar:
                columns.append(BarColumn(layout.bar))
            if layout.curve:
                columns.append(TextColumn("{task.fields[curve]}", style="cyan"))
            self.progress.columns = (*columns, TextColumn("{task.fields[text]}"))
            self.layout = layout
        return layout
