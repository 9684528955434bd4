"""Convolutional networks written in YAML: checked, explained, built in PyTorch and trained.

``import cnnspec`` does not import torch; the first call that needs it does.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cnnspec.errors import CheckpointError, CnnspecError, DataError, Problem, SpecError
from cnnspec.plan import Plan, Step
from cnnspec.spec import Spec, load, loads

if TYPE_CHECKING:
    from cnnspec.training import Result, Run, load_run, train

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "CnnspecError",
    "DataError",
    "Plan",
    "Problem",
    "Result",
    "Run",
    "Spec",
    "SpecError",
    "Step",
    "load",
    "load_run",
    "loads",
    "train",
]

_WITH_TORCH = ("Result", "Run", "load_run", "train")


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        return getattr(import_module("cnnspec.training"), name)
    raise AttributeError(f"module 'cnnspec' has no attribute {name!r}")
