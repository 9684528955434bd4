"""Training as a person watches it: a live bar on standard error, a line an epoch on standard output."""

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from cnnspec.cli.columns import Column, choose_columns
from cnnspec.cli.console import print_line
from cnnspec.cli.download_bar import DownloadBar
from cnnspec.cli.finetuning import fine_tuning
from cnnspec.cli.training_bar import TrainingBar
from cnnspec.errors import printable
from cnnspec.training.reporter import Job, Reporter

if TYPE_CHECKING:
    from torch import Tensor


class Announcer(Reporter):
    """Says only what must be known before training starts: that a sample stands in for the data set."""

    def __init__(self, live: Console) -> None:
        self.live = live
        self.job: Job | None = None

    def close(self) -> None:
        """Leave the screen as a program should."""

    @property
    def known(self) -> Job:
        """The job that has begun."""
        assert self.job
        return self.job

    def warning(self, text: str) -> None:
        """Say what went wrong, in spite of --quiet."""
        print_line(self.live, Text(printable(text), style="bold yellow"))

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
        self.bar: TrainingBar | None = None
        self.columns: list[Column] = []
        self.download = DownloadBar(live)

    def close(self) -> None:
        """Take the bars off the screen."""
        if self.bar:
            self.bar.hide()
        self.download.close()

    def notice(self, text: str) -> None:
        """Say what takes time."""
        print_line(self.live, Text(printable(text)))

    def downloading(self, name: str, done: int, total: int | None) -> None:
        """Show a bar for the file."""
        self.download.show(name, done, total)

    def begin(self, job: Job) -> None:
        """Say what is trained, on what and where, and from where on."""
        self.close()
        super().begin(job)
        print_line(self.lines, Text(f"{job.plan.name} on {job.data_title}", style="bold"))
        print_line(self.lines, Text(f"{_sizes(job)}; {job.device}; {printable(job.folder)}"))
        if job.resumed_at and job.resumed_at[0] >= job.epochs:
            return  # nothing is left to do
        if job.resumed_at:
            print_line(self.lines, Text(f"Going on {place_in(job, *job.resumed_at)}"))
        for line in fine_tuning(job):
            print_line(self.lines, Text(printable(line)))
        self.lines.print()
        self.columns = choose_columns(job, self.lines.width)
        self.lines.print(Text("  ".join(column.heading.rjust(column.width) for column in self.columns)))
        if self.live.is_interactive:
            self.bar = TrainingBar(self.live, job)

    def warning(self, text: str) -> None:
        """Say what went wrong, above the bar."""
        if self.bar:
            self.bar.hide()
        super().warning(text)

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
        if self.bar:
            self.bar.end_epoch(row["train_loss"])
            self.bar.hide()
        self.lines.print(Text("  ".join(column.cell(row).rjust(column.width) for column in self.columns)))
        damaged = _damaged(row)
        if damaged:
            print_line(self.live, Text(damaged, style="yellow"))


def place_in(job: Job, epoch: int, step: int) -> str:
    """Return where training is, after so many epochs and so many steps of the next one."""
    if step:
        return f"in epoch {epoch + 1} of {job.epochs}, after step {step:,} of {job.steps:,}"
    return f"after epoch {epoch} of {job.epochs}" if epoch else "before the first step"


def _damaged(row: dict[str, Any]) -> str:
    """Return what is to be said of an epoch's pictures that cannot be read, if there are any."""
    learned = row.get("train_damaged", 0)
    tested = {name: row[f"{name}_damaged"] for name in ("validation", "test") if row.get(f"{name}_damaged")}
    told = [f"{learned:,} to learn from, which others of their classes stand in for"] if learned else []
    told += [f"{count:,} of the {name} pictures, which are left out" for name, count in tested.items()]
    return f"Pictures that cannot be read: {'; '.join(told)}" if told else ""


def _sizes(job: Job) -> str:
    held_out = f"{job.validation_size:,} to pick the best epoch, " if job.validation_size else ""
    return f"{job.train_size:,} pictures to learn from, {held_out}{job.test_size:,} to test"
