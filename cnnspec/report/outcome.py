"""What a run's network does on its test pictures, as a report tells it."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from cnnspec.data import Loaded
from cnnspec.data.source import Files
from cnnspec.errors import DataError, Place, Problem
from cnnspec.report.mistakes import Mistake, Watcher
from cnnspec.training.evaluate import Evaluation
from cnnspec.training.run import Run
from cnnspec.training.scores import ClassScores, per_class


class Pair(NamedTuple):
    """Two classes, by their numbers, and how many pictures of each are taken for the other."""

    one: int
    other: int
    one_as_other: int
    other_as_one: int


@dataclass(frozen=True)
class Outcome:
    """A test: what it came to, the surest mistakes, and the inputs of the picture that was asked for.

    `names` has the name of each mistake's picture, where it is a file. `data_changed` tells that the files
    are not those that the run has learned from, and `source` is the same for the same test pictures.
    """

    title: str
    epoch: int
    evaluation: Evaluation
    mistakes: tuple[Mistake, ...]
    names: tuple[str, ...]
    chosen: tuple[int, Tensor]
    source: str
    data_changed: bool = False

    @property
    def count(self) -> int:
        """How many pictures were tested."""
        return int(self.evaluation.confusion.sum())

    @property
    def wrong(self) -> int:
        """How many of them are taken for another class."""
        return self.count - int(self.evaluation.confusion.trace())

    @cached_property
    def scores(self) -> list[ClassScores]:
        """The scores of each class."""
        return per_class(self.evaluation.confusion)

    @cached_property
    def most_confused(self) -> Pair | None:
        """The two classes that are taken for each other most often; None where nothing is wrong."""
        off = self.evaluation.confusion.clone().fill_diagonal_(0)
        both = (off + off.T).triu()
        if not both.any():
            return None
        one, other = divmod(int(both.argmax()), len(both))
        return Pair(one, other, int(off[one, other]), int(off[other, one]))

    @cached_property
    def largest_share(self) -> float:
        """The share of the most frequent class: how often one is right who always says that."""
        return float(self.evaluation.confusion.sum(1).max()) / self.count


def examine(run: Run, loaded: Loaded, device: torch.device, chosen: int = 0) -> Outcome:
    """Return what the run's network does on the test pictures.

    `chosen` is the number of the one that is to be kept; if it cannot be read, the next that can is.
    Raises DataError and CheckpointError.
    """
    watcher = Watcher(run.criterion, chosen)
    evaluation = run.evaluate(loaded, device, watcher)
    if watcher.chosen is None:
        what = f"no test picture from {chosen:,} on can be read"
        raise DataError(Problem(what, "", "Choose an earlier one", Place(loaded.source)))
    source = loaded.test
    names = [source.name(one.index) if isinstance(source, Files) else "" for one in watcher.mistakes]
    return Outcome(
        title=loaded.data_set.title,
        epoch=run.best_epoch,
        evaluation=evaluation,
        mistakes=tuple(watcher.mistakes),
        names=tuple(names),
        chosen=watcher.chosen,
        source=f"{loaded.data_set.name} {sorted(loaded.hashes.items())} {len(loaded.test)}",
        data_changed=loaded.hashes != run.record.data.get("sha256", loaded.hashes),
    )
