"""Training as a person watches it: a live bar on standard error, a line an epoch on standard output."""

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from cnnspec.cli.console import print_line
from cnnspec.errors import printable
from cnnspec.training.report import Job, Reporter

if TYPE_CHECKING:
    from torch import Tensor

REFRESH = 0.1
"""Seconds between two looks at the loss: each one waits for the device."""


class Announcer(Reporter):
    """Says only what must be known before training starts: that a sample stands in for the data set."""

    def __init__(self, live: Console) -> None:
        self.live = live
        self.job: Job | None = None

    def close(self) -> None:
        """Leave the screen as a program should."""

    def begin(self, job: Job) -> None:
        """Say that a sample stands in, and why."""
        self.job = job
        if job.sample_because:
            text = Text(f"Training on {job.data_title}, not on {job.asked}: ", style="bold yellow")
            text.append(printable(f"{job.sample_because}."), style="yellow")
            print_line(self.live, text)


class Watcher(Announcer):
    """Shows training on two consoles: `lines` for what stays, `live` for the bar."""

    def __init__(self, lines: Console, live: Console) -> None:
        super().__init__(live)
        self.lines = lines
        self.bar: _Bar | None = None
        self.download: Progress | None = None

    def close(self) -> None:
        """Take the bars off the screen."""
        if self.bar:
            self.bar.hide()
        if self.download:
            self.download.stop()
            self.download = None

    def notice(self, text: str) -> None:
        """Say what takes time."""
        print_line(self.live, Text(printable(text)))

    def downloading(self, name: str, done: int, total: int | None) -> None:
        """Show a bar for the file."""
        if not self.live.is_terminal:
            return
        if self.download is None:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(20),
                DownloadColumn(),
                TimeRemainingColumn(),
            )
            self.download = Progress(*columns, console=self.live, transient=True, redirect_stdout=False)
            self.download.start()
        task = next((t.id for t in self.download.tasks if t.description == name), None)
        if task is None:
            task = self.download.add_task(name, total=total)
        self.download.update(task, completed=done, total=total)

    def begin(self, job: Job) -> None:
        """Say what is trained, on what and where."""
        self.close()
        super().begin(job)
        sizes = f"{job.train_size:,} pictures to learn from, {job.test_size:,} to test"
        print_line(self.lines, Text(f"{job.plan.name} on {job.data_title}", style="bold"))
        print_line(self.lines, Text(f"{sizes}; {job.device}; {printable(job.folder)}"))
        self.lines.print()
        self.lines.print(
            Text(f"{'epoch':>7}  {'train loss':>10}  {'test loss':>9}  {_accuracy_heading(job)}  {'time':>7}")
        )
        if self.live.is_terminal:
            self.bar = _Bar(self.live, job)

    def step(self, epoch: int, done: int, loss_sum: "Tensor") -> None:
        """Move the bar, if it is time to."""
        if self.bar:
            self.bar.step(epoch, done, loss_sum)

    def evaluating(self, epoch: int) -> None:
        """Show that the epoch's test is running."""
        if self.bar:
            self.bar.say(f"epoch {epoch}: testing")

    def epoch(self, row: dict[str, Any]) -> None:
        """Print the epoch's line."""
        assert self.job
        if self.bar:
            self.bar.hide()
        number = f"{row['epoch']}/{self.job.epochs}"
        accuracy = f"{100 * row['test_accuracy']:.2f} %".rjust(len(_accuracy_heading(self.job)))
        losses = f"{row['train_loss']:>10.4f}  {row['test_loss']:>9.4f}"
        self.lines.print(Text(f"{number:>7}  {losses}  {accuracy}  {_duration(row['seconds']):>7}"))


class _Bar:
    """The live bar: epoch, share of the epoch done, loss, images a second, time left in all."""

    def __init__(self, console: Console, job: Job) -> None:
        self.job = job
        columns = [TextColumn("{task.fields[epoch]}"), BarColumn(None if console.width < 80 else 30)]
        columns.append(TextColumn("{task.fields[text]}"))
        self.progress = Progress(
            *columns, console=console, transient=True, redirect_stdout=False, expand=False
        )
        self.task = self.progress.add_task("", total=job.train_size, epoch="", text="")
        self.current = 0
        self.started = self.looked = 0.0
        self.narrow = console.width < 80

    def step(self, epoch: int, done: int, loss_sum: "Tensor") -> None:
        now = time.monotonic()
        if epoch != self.current:
            self.current, self.started, self.looked = epoch, now, now
            self.progress.start()
        if now - self.looked < REFRESH:
            return
        self.looked = now
        loss = float(loss_sum) / done
        rate = done / max(now - self.started, 1e-6)
        left = (self.job.train_size * (self.job.epochs - epoch + 1) - done) / rate
        text = f"loss {loss:.4f}  {rate:,.0f} images/s  {_duration(left)} left"
        if self.narrow:
            text = f"{loss:.3f}  {rate:,.0f}/s  {_duration(left)} left"
        label = f"epoch {epoch}/{self.job.epochs}"
        self.progress.update(self.task, completed=done, epoch=label, text=text)

    def say(self, text: str) -> None:
        self.progress.update(self.task, text=text)

    def hide(self) -> None:
        self.progress.stop()


def _accuracy_heading(job: Job) -> str:
    """Return the heading over the accuracies, which says where they are not of the full data set."""
    return f"accuracy on {job.data_set} only" if job.is_sample else "test accuracy"


def _duration(seconds: float) -> str:
    """Return a time as ``7.1 s``, ``1:05`` or ``2:03:04``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
