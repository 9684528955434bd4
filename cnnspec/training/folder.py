"""The run folder while it is written: made whole, or not left behind."""

import json
import os
import platform
import sys
from contextlib import suppress
from datetime import datetime
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

import torch

from cnnspec import __version__
from cnnspec.data import Loaded
from cnnspec.errors import CheckpointError, Place, Problem
from cnnspec.language.yaml_text import to_yaml
from cnnspec.spec import Spec
from cnnspec.training import checkpoint
from cnnspec.training.run import BEST, ENVIRONMENT, LAST, METRICS, SPEC


class RunFolder:
    """A folder that a run is written to; `discard` removes it where no epoch was finished."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.made: list[Path] = []
        self.begun = self.has_epoch = False

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
            if any(path.iterdir()):
                what, why = "the folder is not empty", "a run would be mixed with what is there"
                raise CheckpointError(Problem(what, why, "Choose another one with --out", Place(str(path))))
            probe = path / ".cnnspec"
            probe.touch()
            probe.unlink()
        except NotADirectoryError:
            what = "the run folder cannot be made; there is a file of that name"
            raise CheckpointError(
                Problem(what, "", "Choose another one with --out", Place(str(path)))
            ) from None
        except OSError as error:
            folder.discard()
            what, fix = "the run folder cannot be written", "Choose another one with --out"
            raise CheckpointError(
                Problem(what, error.strerror or str(error), fix, Place(str(path)))
            ) from None
        return folder

    def begin(self, spec: Spec, environment: dict[str, Any]) -> None:
        """Write what is known before training. Raises CheckpointError."""
        self.begun = True
        self._write(SPEC, to_yaml(spec.resolved()))
        self._write(ENVIRONMENT, json.dumps(environment, indent=2) + "\n")

    def add_epoch(self, row: dict[str, Any], state: checkpoint.State, *, best: bool) -> None:
        """Write an epoch's checkpoints, then its line of metrics. Raises CheckpointError."""
        checkpoint.write(self.path / LAST, state, row)
        if best:
            checkpoint.write(self.path / BEST, state, row)
        path = self.path / METRICS
        before = path.read_text("utf-8") if path.exists() else ""
        self._write(METRICS, before + json.dumps(row) + "\n")
        self.has_epoch = True

    def discard(self) -> None:
        """Remove the folder as far as it was made here, unless it holds a finished epoch."""
        if self.has_epoch:
            return
        # Before `begin` nothing in the folder is ours. What cannot be removed is left: it is in use.
        for name in (SPEC, ENVIRONMENT, METRICS, LAST, BEST) if self.begun else ():
            with suppress(OSError):
                (self.path / name).unlink()
        for path in reversed(self.made):
            with suppress(OSError):
                path.rmdir()

    def _write(self, name: str, text: str) -> None:
        checkpoint.write_whole(self.path / name, text.encode())


def describe_environment(loaded: Loaded, asked: str, device: str, seed: int) -> dict[str, Any]:
    """Return what a result depends on beside the spec: versions, machine, seed, data."""
    packages = ("torch", "torchvision", "numpy", "pydantic", "safetensors")
    versions = {"cnnspec": __version__, "python": platform.python_version()}
    versions |= {package: _version(package) for package in packages}
    data: dict[str, Any] = {"asked": asked, "used": loaded.data_set.name, "title": loaded.data_set.title}
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
        "threads": torch.get_num_threads(),
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
