"""Training, and what comes after it: runs, evaluation, prediction.

Importing the package does not import torch: a run's folder is read without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnspec.training.classifier import Classifier, Prediction
    from cnnspec.training.find import find_runs
    from cnnspec.training.record import RunRecord, read_record
    from cnnspec.training.reporter import Reporter, Reporters
    from cnnspec.training.run import Run, load_run
    from cnnspec.training.start import DryRun, Result, dry_run, train
    from cnnspec.training.stop import Stopped

__all__ = [
    "Classifier",
    "DryRun",
    "Prediction",
    "Reporter",
    "Reporters",
    "Result",
    "Run",
    "RunRecord",
    "Stopped",
    "dry_run",
    "find_runs",
    "load_run",
    "read_record",
    "train",
]

_MODULES = {
    "classifier": ("Classifier", "Prediction"),
    "find": ("find_runs",),
    "record": ("RunRecord", "read_record"),
    "reporter": ("Reporter", "Reporters"),
    "run": ("Run", "load_run"),
    "start": ("DryRun", "Result", "dry_run", "train"),
    "stop": ("Stopped",),
}
"""Where each name is defined; a module is imported when its first name is used."""


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"cnnspec.training.{module}"), name)
    raise AttributeError(f"module 'cnnspec.training' has no attribute {name!r}")
