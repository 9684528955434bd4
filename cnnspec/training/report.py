"""What the trainer tells while it works; the command line shows it, a program may ignore it."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from cnnspec.plan import Plan


@dataclass(frozen=True, slots=True)
class Job:
    """What is about to be trained, on what, where.

    `asked` is the data set that was asked for, `data_set` the one used; where the latter is a
    sample that stands in for the former, `sample_because` says why.
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


class Reporter:
    """Is told of each event; every method may be overridden, and by default does nothing."""

    def downloading(self, name: str, done: int, total: int | None) -> None:
        """A file is being downloaded: bytes so far, and in all if known."""

    def notice(self, text: str) -> None:
        """Something that takes time begins."""

    def begin(self, job: Job) -> None:
        """Training begins."""

    def step(self, epoch: int, done: int, loss_sum: Tensor) -> None:
        """A batch is done: samples so far in this epoch, and the sum of their losses.

        Reading `loss_sum` waits for the device; do it only as often as a person looks.
        """

    def evaluating(self, epoch: int) -> None:
        """An epoch's training is done, and its evaluation begins."""

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch is done; `row` is its line of metrics.jsonl."""
