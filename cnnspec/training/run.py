"""A run: the folder that training writes, and what can be done with it afterwards."""

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cnnspec.errors import CheckpointError, Place, Problem
from cnnspec.training import checkpoint
from cnnspec.training.classifier import Classifier
from cnnspec.training.record import (
    BEST,
    ENVIRONMENT,
    METRICS,
    SPEC,
    RunRecord,
    check_folder,
    read_record,
)


class Run(Classifier):
    """A finished (or still growing) run; its network has the weights of the best epoch.

    The best epoch is the one that the spec's `train.best` picks, the first of equals. `record` is what
    the folder says without the weights.
    """

    def __init__(self, record: RunRecord) -> None:
        data, known = record.data, record.spec.data.known()
        # Runs of before there were other data than digits do not say it.
        classes = data.get("classes") or (known.classes if known else ())
        names = tuple(map(str, classes)) if isinstance(classes, (list, tuple)) else ()
        digits = bool(data.get("digits", known is not None and known.digits))
        super().__init__(record.folder, record.plan, names, digits=digits)
        self.record, self.folder = record, record.folder
        self.history, self.environment = record.history, record.environment

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the curves, and the epochs that matter."""
        from cnnspec.report.notebook import run_html  # what reports on runs imports this module

        return run_html(self.record)

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights are used. Raises CheckpointError."""
        return int(self._weights[1].get("epoch", 0))

    @property
    def model(self) -> nn.Module:
        """The network with the best epoch's weights, in evaluation mode. Raises CheckpointError."""
        return self._weights[0]

    @cached_property
    def _weights(self) -> tuple[nn.Module, dict[str, Any]]:
        with torch.random.fork_rng([]):  # the initial weights are replaced: no draw should count
            model = self.plan.build()
        facts = checkpoint.read_weights(self.folder / BEST, model)
        return model.eval(), facts


def load_run(folder: str | Path) -> Run:
    """Return the run in a folder. Raises CheckpointError where it is none, or damaged."""
    folder = Path(folder)
    check_folder(folder)
    missing = [name for name in (SPEC, ENVIRONMENT, METRICS, BEST) if not (folder / name).is_file()]
    if missing:
        what, why = (
            "this is not a finished run",
            f"{', '.join(missing)} {'are' if missing[1:] else 'is'} missing",
        )
        fix = "Name a run folder that `cnnspec train` wrote; it is complete after its first epoch"
        raise CheckpointError(Problem(what, why, fix, Place(str(folder))))
    record = read_record(folder)
    if not record.history:
        fix = "Train for at least one epoch"
        raise CheckpointError(Problem("the file is empty", "", fix, Place(str(folder / METRICS))))
    return Run(record)
