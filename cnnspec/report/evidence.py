"""All that a report tells of one run; what cannot be had is left out, and said."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cnnspec.data import Loaded, load_data
from cnnspec.data.grid import as_pictures
from cnnspec.errors import CheckpointError, DataError, Place, Problem
from cnnspec.language.data import Data
from cnnspec.report.filters import FirstLayer, first_layer
from cnnspec.report.outcome import Outcome, examine
from cnnspec.report.pictures import Picture, picture
from cnnspec.training.record import RunRecord
from cnnspec.training.run import Run


@dataclass(frozen=True, slots=True)
class Chosen:
    """The picture whose feature maps are shown, and what it is called."""

    name: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run, and what is found of its network: None for what the problems in `missing` are the reason of."""

    record: RunRecord
    classes: tuple[str, ...] = ()
    tested: Outcome | None = None
    first: FirstLayer | None = None
    chosen: Chosen | None = None
    missing: tuple[Problem, ...] = ()


class Gatherer:
    """Finds out what there is to tell of runs, one after the other.

    The networks are tested on the `device`, and the data may be in the folder `root`. The picture for
    the feature maps is a file, or the number of a test picture. `notice` is told what takes time.
    """

    def __init__(
        self,
        device: torch.device,
        root: str | Path | None = None,
        chosen: Path | int = 0,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        self.device, self.chosen = device, chosen
        self._data = _Source(root, notice)

    def gather(self, record: RunRecord) -> Evidence:
        """Return what is found of a run's network.

        Where weights or data cannot be had, that is left out. Raises DataError where the picture that
        was asked for cannot be read, or is none of the test pictures.
        """
        if record.best is None:
            what, place = "there are no weights to test", Place(str(record.folder))
            return Evidence(record, missing=(Problem(what, "no epoch was tested yet", "", place),))
        run = Run(record)
        try:
            model = run.model
        except CheckpointError as error:
            return Evidence(record, run.classes, missing=error.problems)
        inputs = run.read(self.chosen)[0] if isinstance(self.chosen, Path) else None
        tested, name, missing = None, str(self.chosen), self._data.find(run.plan.spec.data)
        if self._data.loaded:
            number = 0 if isinstance(self.chosen, Path) else _checked(self.chosen, self._data.loaded)
            try:
                tested = examine(run, self._data.loaded, self.device, number)
            except DataError as error:
                missing = error.problems
        if tested and inputs is None:
            name, inputs = f"test picture {tested.chosen[0]}", tested.chosen[1]
        chosen, seen = None, None
        if inputs is not None:
            chosen = _chosen(name, inputs, run)
            seen = run.normalizer(torch.device("cpu"))(inputs.unsqueeze(0))
        first = first_layer(run.plan, model, seen)
        return Evidence(record, run.classes, tested, first, chosen, missing)


class _Source:
    """Loads data, and keeps what it has until other data is asked for; so it does what it could not load."""

    def __init__(self, root: str | Path | None, notice: Callable[[str], None] | None) -> None:
        self._root, self._notice = root, notice
        self._data: Data | None = None
        self._problems: tuple[Problem, ...] = ()
        self.loaded: Loaded | None = None

    def find(self, data: Data) -> tuple[Problem, ...]:
        """Load what a spec learns from, if it can be had; else return why not."""
        if data == self._data:
            return self._problems
        self._data, self._problems, self.loaded = data, (), None
        try:
            self.loaded = load_data(data, self._root, sample=False, fetch=False, notice=self._notice)
        except DataError as error:
            self._problems = error.problems
        return self._problems


def _chosen(name: str, inputs: Tensor, run: Run) -> Chosen:
    return Chosen(name, picture(as_pictures(inputs.unsqueeze(0), run.plan.input_shape)[0]))


def _checked(number: int, loaded: Loaded) -> int:
    """Return the number of a test picture. Raises DataError where there is no such one."""
    if number < len(loaded.test):
        return number
    what = f"there is no test picture {number:,}"
    why = f"{loaded.data_set.name} has {len(loaded.test):,}, counted from 0"
    raise DataError(Problem(what, why, f"Use a number up to {len(loaded.test) - 1:,}"))
