"""Training, and what comes after it: runs, evaluation, prediction."""

from cnnspec.training.reporter import Reporter, Reporters
from cnnspec.training.run import Prediction, Run, load_run
from cnnspec.training.start import DryRun, Result, dry_run, train
from cnnspec.training.stop import Stopped

__all__ = [
    "DryRun",
    "Prediction",
    "Reporter",
    "Reporters",
    "Result",
    "Run",
    "Stopped",
    "dry_run",
    "load_run",
    "train",
]
