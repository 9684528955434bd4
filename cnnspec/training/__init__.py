"""Training, and what comes after it: runs, evaluation, prediction."""

from cnnspec.training.loop import Result, train
from cnnspec.training.report import Reporter
from cnnspec.training.run import Prediction, Run, load_run

__all__ = ["Prediction", "Reporter", "Result", "Run", "load_run", "train"]
