"""The run folder while it is written: made whole, or not left behind."""

import json
import os
import platform
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cnnspec import __version__
from cnnspec.data import Loaded
from cnnspec.errors import CheckpointError, Place, Problem
from cnnspec.language.yaml_text import to_yaml
from cnnspec.spec import Spec
from cnnspec.training import checkpoint
from cnnspec.training.files import part_of, write_whole, writing_problem
from cnnspec.training.record import BEST, ENVIRONMENT, FILES, LAST, LOCK, METRICS, PREVIOUS, SPEC

GRACE = 0.2
"""Seconds that a lock is waited for: someone may only be looking who holds it, and does not take as long."""


class RunFolder:
    """A folder that a run is written to, by one process at a time.

    The last checkpoint and the one before it are there at every moment, so a process that
    dies can be followed by one that goes on. `RunFolder(path)` alone only reads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.made: list[Path] = []
        self.lock = FileLock(path / LOCK, thread_local=False)
        self.begun = self.worth_keeping = False
        self.last_is_good = True

    @classmethod
    def create(cls, out: str | Path | None, name: str) -> "RunFolder":
        """Make a new folder, or take an empty one; raises CheckpointError where that cannot be."""
        folder = cls(Path(out) if out is not None else _default(name))
        path = folder.path
        try:
            for parent in [*reversed(path.parents), path]:
                if not parent.exists():
                    parent.mkdir()
                    folder.made.append(parent)
            if not (path / LOCK).exists():
                _check_empty(path)
            folder._take()
            _check_empty(path)
        except NotADirectoryError:
            what, fix = (
                "the run folder cannot be made; there is a file of that name",
                "Choose another one with --out",
            )
            raise CheckpointError(Problem(what, "", fix, Place(str(path)))) from None
        except OSError as error:
            folder.discard()
            raise CheckpointError(writing_problem(path, error, "run folder")) from None
        except CheckpointError:
            folder.discard()
            raise
        return folder

    @classmethod
    def open(cls, path: str | Path) -> "RunFolder":
        """Take a run's folder to go on with it. Raises CheckpointError where that cannot be."""
        folder = cls(Path(path))
        if not (folder.path / SPEC).is_file():
            what, why = "there is no run to resume", f"{SPEC} is missing"
            fix = "Name a run folder that `cnnspec train` wrote, or start the run anew"
            raise CheckpointError(Problem(what, why, fix, Place(str(folder.path))))
        try:
            folder._take()
        except OSError as error:
            raise CheckpointError(writing_problem(folder.path, error, "run folder")) from None
        for name in FILES:
            with suppress(OSError):  # what a killed process left is in nobody's way
                part_of(folder.path / name).unlink(missing_ok=True)
        folder.worth_keeping = True  # the run is not ours to remove
        return folder

    def begin(self, spec: Spec, environment: dict[str, Any]) -> None:
        """Write what is known before training; with the spec, it is a run. Raises CheckpointError."""
        self.begun = True
        self._write(ENVIRONMENT, json.dumps(environment, indent=2) + "\n")
        self._write(SPEC, to_yaml(spec.resolved()))

    def save(self, state: checkpoint.State, facts: dict[str, Any]) -> None:
        """Write the last checkpoint, and keep the one before it. Raises CheckpointError."""
        keep = self.path / PREVIOUS if self.last_is_good else None
        checkpoint.write(self.path / LAST, state, facts, keep=keep)
        self.worth_keeping = self.last_is_good = True

    def save_best(self, state: checkpoint.State, facts: dict[str, Any]) -> None:
        """Write the checkpoint of the best epoch so far. Raises CheckpointError."""
        checkpoint.write(self.path / BEST, state, facts)

    def write_metrics(self, history: list[dict[str, Any]]) -> None:
        """Write a line for each epoch. Raises CheckpointError."""
        self._write(METRICS, "".join(json.dumps(row) + "\n" for row in history))

    def latest(self, state: checkpoint.State, notice: Callable[[str], None]) -> dict[str, Any] | None:
        """Put the last checkpoint back and return its facts; None if none was ever written.

        Instead of one that is damaged or missing, the one before it is taken, and `notice`
        is told. Raises CheckpointError where that one is no better.
        """
        last, previous = self.path / LAST, self.path / PREVIOUS
        if not any((self.path / name).exists() for name in (LAST, PREVIOUS, METRICS)):
            return None
        try:
            return self._complete(checkpoint.restore(last, state))
        except CheckpointError as error:
            if not previous.exists():
                raise
            problems = error.problems
        try:
            facts = self._complete(checkpoint.restore(previous, state))
        except CheckpointError as error:
            raise CheckpointError(*problems, *error.problems) from None
        self.last_is_good = False  # it must not take the place of the good one
        notice(f"{problems[0]} Training goes on from the one before it, {PREVIOUS}.")
        return facts

    def discard(self) -> None:
        """Remove the folder as far as it was made here, unless it holds a checkpoint; give it free."""
        if not self.worth_keeping:
            # Before `begin` nothing in the folder is ours. What cannot be removed is left: it is in use.
            for name in FILES if self.begun else ():
                with suppress(OSError):
                    (self.path / name).unlink()
        self.close()
        for path in () if self.worth_keeping else reversed(self.made):
            with suppress(OSError):
                path.rmdir()

    def close(self) -> None:
        """Give the folder free for other processes; the death of this one does so, too."""
        if self.lock.is_locked:
            with suppress(OSError):
                (self.path / LOCK).unlink()
            self.lock.release()

    def _take(self) -> None:
        try:
            self.lock.acquire(timeout=GRACE)
        except Timeout:
            what, why = "another process trains in this folder", f"it holds {LOCK}"
            fix = "Wait until it is done, or use another folder"
            raise CheckpointError(Problem(what, why, fix, Place(str(self.path)))) from None

    def _complete(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return facts of any format as those of today: of format 1, they were a row of metrics."""
        if "history" in facts:
            return facts
        path = self.path / METRICS
        try:
            lines = path.read_text("utf-8").splitlines() if path.exists() else []
            earlier = [row for row in map(json.loads, lines) if row["epoch"] < facts["epoch"]]
        except (OSError, ValueError, LookupError, TypeError) as error:
            problem = Problem("the metrics cannot be read", str(error), "Restore the file", Place(str(path)))
            raise CheckpointError(problem) from None
        return {"epoch": facts["epoch"], "step": 0, "history": [*earlier, facts]}

    def _write(self, name: str, text: str) -> None:
        write_whole(self.path / name, text.encode())


def _check_empty(path: Path) -> None:
    """Refuse a folder with anything in it but what a run leaves that was killed before it began."""
    names = {file.name for file in path.iterdir()}
    ours = {part_of(path / name).name for name in (ENVIRONMENT, SPEC)}
    if LOCK in names:
        ours |= {LOCK, ENVIRONMENT}
    if names - ours:
        what, why = "the folder is not empty", "a run would be mixed with what is there"
        raise CheckpointError(Problem(what, why, "Choose another one with --out", Place(str(path))))


def describe_environment(
    loaded: Loaded, asked: str, *, device: str, threads: int | str, seed: int, processes: int
) -> dict[str, Any]:
    """Return what a result depends on beside the spec: versions, machine, seed, data."""
    packages = ("torch", "torchvision", "numpy", "pydantic", "safetensors")
    versions = {"cnnspec": __version__, "python": platform.python_version()}
    versions |= {package: _version(package) for package in packages}
    data: dict[str, Any] = {"asked": asked, "used": loaded.data_set.name, "title": loaded.data_set.title}
    data |= {"classes": loaded.data_set.classes, "digits": loaded.data_set.digits}
    data |= {"source": loaded.source, "sha256": loaded.hashes}
    data |= {"train_size": len(loaded.train), "test_size": len(loaded.test)}
    if loaded.instead_of:
        data["instead_of"] = loaded.instead_of
    return {
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions,
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "device": device,
        "threads": threads,
        "processes": processes,
        "seed": seed,
        "command": sys.argv,
        "data": data,
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _default(name: str) -> Path:
    """Return ``runs/NAME-TIMESTAMP``, numbered where two runs start in the same second."""
    base = f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    names = (base if number == 1 else f"{base}-{number}" for number in count(1))
    return next(path for path in (Path("runs") / n for n in names) if not path.exists())
