"""What the trainer tells while it works; the command line shows it, a program may ignore it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cnnspec.plan import Plan

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Job:
    """What is about to be trained, on what, where.

    `asked` is the data set that was asked for, `data_set` the one used; where the latter is a
    sample that stands in for the former, `sample_because` says why. `steps` are those of an epoch.
    A run that goes on has `resumed_at`, the epochs that are finished and the steps of the next
    one, and a row of `history` for each epoch that is finished. One that begins with other weights than
    random ones has lines on these in `weights`.
    """

    plan: Plan
    asked: str
    data_set: str
    data_title: str
    is_sample: bool
    sample_because: str
    train_size: int
    test_size: int
    epochs: int
    device: str
    folder: str
    validation_size: int = 0
    steps: int = 1
    threads: int | Literal["auto"] = "auto"
    processes: int = 1
    channels_last: bool = False
    data_on_device: bool = True
    data_on_disk: bool = False
    resumed_at: tuple[int, int] | None = None
    history: Sequence[dict[str, Any]] = ()
    weights: Sequence[str] = ()


class Reporter:
    """Is told of each event; every method may be overridden, and by default does nothing."""

    def downloading(self, name: str, done: int, total: int | None) -> None:
        """A file is being downloaded: bytes so far, and in all if known."""

    def notice(self, text: str) -> None:
        """Something that takes time begins."""

    def warning(self, text: str) -> None:
        """Something went wrong that must be known, though training goes on."""

    def begin(self, job: Job) -> None:
        """Training begins, or goes on."""

    def step(self, epoch: int, done: int, loss_sum: "Tensor") -> None:
        """A batch is done: samples so far in this epoch, and the sum of their losses.

        Reading `loss_sum` waits for the device; do it only as often as a person looks.
        """

    def evaluating(self, epoch: int) -> None:
        """An epoch's training is done, and its evaluation begins."""

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch is done, and saved; `row` is its line of metrics.jsonl."""

    def stopped(self, epoch: int, step: int) -> None:
        """Training was asked to stop, and has saved: `epoch` epochs, and `step` steps of the next one."""

    def finished(self) -> None:
        """All epochs are done, or early stopping has ended training."""

    def close(self) -> None:
        """Nothing comes any more, however it ended; may be called more than once."""


class Reporters(Reporter):
    """Tells each event to several reporters, in their order."""

    def __init__(self, *reporters: Reporter) -> None:
        self.reporters = reporters

    def downloading(self, name: str, done: int, total: int | None) -> None:
        """Pass it on."""
        for reporter in self.reporters:
            reporter.downloading(name, done, total)

    def notice(self, text: str) -> None:
        """Pass it on."""
        for reporter in self.reporters:
            reporter.notice(text)

    def warning(self, text: str) -> None:
        """Pass it on."""
        for reporter in self.reporters:
            reporter.warning(text)

    def begin(self, job: Job) -> None:
        """Pass it on."""
        for reporter in self.reporters:
            reporter.begin(job)

    def step(self, epoch: int, done: int, loss_sum: "Tensor") -> None:
        """Pass it on."""
        for reporter in self.reporters:
            reporter.step(epoch, done, loss_sum)

    def evaluating(self, epoch: int) -> None:
        """Pass it on."""
        for reporter in self.reporters:
            reporter.evaluating(epoch)

    def epoch(self, row: dict[str, Any]) -> None:
        """Pass it on."""
        for reporter in self.reporters:
            reporter.epoch(row)

    def stopped(self, epoch: int, step: int) -> None:
        """Pass it on."""
        for reporter in self.reporters:
            reporter.stopped(epoch, step)

    def finished(self) -> None:
        """Pass it on."""
        for reporter in self.reporters:
            reporter.finished()

    def close(self) -> None:
        """Pass it on."""
        for reporter in self.reporters:
            reporter.close()
