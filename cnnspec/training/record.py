"""What a run folder says, read without torch: spec, metrics, environment, and how far the run has come."""

import json
import os
import stat
import sys
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NoReturn

from cnnspec import spec as specs
from cnnspec.errors import CheckpointError, Place, Problem, shown
from cnnspec.expansion import make_plan
from cnnspec.plan import Plan
from cnnspec.plugins.origins import check_loaded
from cnnspec.spec import Spec
from cnnspec.training.best import Row, best_row, is_enough

SPEC, METRICS, ENVIRONMENT = "spec.yaml", "metrics.jsonl", "environment.json"
BEST, LAST, PREVIOUS = "best.safetensors", "last.safetensors", "previous.safetensors"
LOCK = ".lock"
FILES = (SPEC, ENVIRONMENT, METRICS, LAST, PREVIOUS, BEST)
"""What a run folder may hold, beside a lock while it is written."""

MAX_BYTES = 1 << 26
"""Bytes of metrics and of an environment at most: a row has some hundred, a file's hash as many."""

State = Literal["finished", "stopped early", "running", "interrupted"]
"""Where a run is: early stopping may have ended it, and an interrupted one waits for ``train --resume``."""

_MEASURED = ("train_", "validation_", "test_", "epoch", "lr", "seconds")
"""How the names begin whose values are numbers; later versions may add others, of any kind."""

_MOST = 3.5e38
"""Of a loss at most: float32 has no greater number."""


@dataclass(frozen=True)
class RunRecord:
    """A run as its folder tells of it; `history` has a row of metrics for each epoch that is done."""

    folder: Path
    spec: Spec
    history: list[Row]
    environment: dict[str, Any]
    state: State

    @cached_property
    def plan(self) -> Plan:
        """The network's plan. Raises SpecError."""
        return make_plan(self.spec)

    @cached_property
    def best(self) -> Row | None:
        """The row of the best epoch, whose weights are used afterwards; None where none was tested."""
        return best_row(self.history, self.spec.train)

    @property
    def accuracy(self) -> float | None:
        """The test accuracy of the best epoch, from 0 to 1."""
        return self.best.get("test_accuracy") if self.best else None

    @property
    def seconds(self) -> float | None:
        """What the epochs took in all, training and tests; None before the first is done."""
        return sum(row.get("seconds", 0.0) for row in self.history) if self.history else None

    @property
    def started(self) -> datetime | None:
        """When the run began, with its time zone."""
        try:
            return datetime.fromisoformat(self.environment["started"]).astimezone()
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            return None

    @property
    def data(self) -> dict[str, Any]:
        """What its environment says of the data."""
        data = self.environment.get("data")
        return data if isinstance(data, dict) else {}

    @property
    def asked(self) -> str:
        """The data set that was asked for; a sample of it may have been used."""
        asked = self.data.get("asked")
        return asked if isinstance(asked, str) else self.spec.data.name

    @property
    def sample_of(self) -> str:
        """The data set that the one used is only a sample of; empty where it is none."""
        known = self.spec.data.known()
        return known.sample_of if known else ""

    def check_weights(self) -> None:
        """Raise CheckpointError where the weights are missing that the run is used, or goes on, with."""
        missing = [BEST] if self.best and not _is_file(self.folder / BEST) else []
        going_on = self.history and self.state == "interrupted"
        if going_on and not any(_is_file(self.folder / name) for name in (LAST, PREVIOUS)):
            missing.append(LAST)
        if missing:
            raise _incomplete(self.folder, missing)


def read_record(folder: str | Path) -> RunRecord:
    """Return what a run folder says; the weights are not read.

    Raises CheckpointError where the folder holds no run or a damaged one, and SpecError where its spec is.
    """
    folder = Path(folder)
    check_folder(folder)
    missing = [name for name in (SPEC, ENVIRONMENT) if not _is_file(folder / name)]
    if missing:
        raise _incomplete(folder, missing)
    running = is_held(folder / LOCK)  # before all else: what ends meanwhile would seem to be interrupted
    environment = read_json(folder / ENVIRONMENT)
    check_loaded(environment, Place(str(folder)))
    spec = specs.load(folder / SPEC)
    history = read_history(folder / METRICS) if os.path.lexists(folder / METRICS) else []
    state: State = "interrupted"
    if running:
        state = "running"
    elif len(history) >= spec.train.epochs:
        state = "finished"
    elif is_enough(history, spec.train):
        state = "stopped early"
    return RunRecord(folder, spec, history, environment, state)


def check_folder(folder: Path) -> None:
    """Raise CheckpointError where there is no such folder."""
    what, why = "there is no such folder", ""
    try:
        if stat.S_ISDIR(folder.stat().st_mode):
            return
        what = "this is a file"
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        what, why = "the folder cannot be read", getattr(error, "strerror", None) or str(error)
    raise CheckpointError(
        Problem(what, why, "Name a run folder that `cnnspec train` wrote", Place(str(folder)))
    )


def is_held(lock: Path) -> bool:
    """Tell whether a process holds a lock file now; its death gives it free, and leaves the file.

    For an instant, the lock is shared with whoever looks, too. That takes no right to write, and
    `RunFolder` waits for as long.
    """
    if sys.platform == "win32":
        return _is_held_on_windows(lock)
    import fcntl

    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # held; or there are no locks here, and the file itself says that one works here
        return True
    finally:
        os.close(descriptor)
    return False


def read_history(path: Path) -> list[Row]:
    """Return the rows of a file of metrics, none if it is empty. Raises CheckpointError."""
    rows = []
    for number, line in enumerate(_read(path).splitlines(), start=1):
        place = Place(str(path), number, 1, line)
        row = _parse(line, place)
        wrong = [name for name in ("epoch", "train_loss") if name not in row]
        wrong += [
            name for name, value in row.items() if name.startswith(_MEASURED) and not _fits(name, value)
        ]
        if wrong:
            why = f"{shown(wrong[0])} is {shown(row[wrong[0]]) if wrong[0] in row else 'missing'}"
            raise CheckpointError(Problem("this is no line of metrics", why, "Restore the file", place))
        rows.append(row)
    return rows


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file of a run. Raises CheckpointError."""
    return _parse(_read(path), Place(str(path)))


def _is_held_on_windows(lock: Path) -> bool:
    from filelock import FileLock, Timeout

    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def _incomplete(folder: Path, missing: list[str]) -> CheckpointError:
    """Return the error that files are missing in a run folder."""
    why = f"{', '.join(missing)} {'are' if missing[1:] else 'is'} missing"
    fix = "Name a run folder that `cnnspec train` wrote"
    return CheckpointError(Problem("this is not a whole run", why, fix, Place(str(folder))))


def _is_file(path: Path) -> bool:
    """Tell whether there is a file to be read: no pipe, which would have us wait, and no device."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _fits(name: str, value: Any) -> bool:
    """Tell whether a value can be that of a metric; NaN never is, and training never writes it."""
    if isinstance(value, bool) or not isinstance(value, int if name == "epoch" else (int, float)):
        return False
    least, most = -_MOST, _MOST
    if name.endswith(("_accuracy", "_f1")):
        least, most = 0, 1
    elif name in ("epoch", "seconds"):
        least, most = int(name == "epoch"), 1e9
    return least <= value <= most


def _read(path: Path) -> str:
    """Return the text of a file; raises CheckpointError where it is none, or too large."""
    what, fix = "the file cannot be read", "Check its name and permissions"
    try:
        if path.exists() and not _is_file(path):
            raise CheckpointError(Problem("this is not a file", "", "Restore it", Place(str(path))))
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise CheckpointError(Problem(what, error.strerror or str(error), fix, Place(str(path)))) from None
    if len(data) > MAX_BYTES:
        what, why = f"the file is larger than {MAX_BYTES >> 20} MiB", "no run writes so much"
        raise CheckpointError(Problem(what, why, "Restore it", Place(str(path))))
    return data.decode("utf-8", "replace")


def _parse(text: str, place: Place) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        what, fix = "this is not valid JSON", "Restore the file"
        raise CheckpointError(Problem(what, str(error), fix, place)) from None
    if not isinstance(value, dict):
        raise CheckpointError(Problem("this is not a JSON object", "", "Restore the file", place))
    return value


def _refuse(constant: str) -> NoReturn:
    """Refuse what Python takes for a number, and JSON does not."""
    raise ValueError(f"there is no {constant} in JSON")
