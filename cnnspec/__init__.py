"""Convolutional networks written in YAML: checked, explained, built in PyTorch and trained.

``import cnnspec`` does not import torch; the first call that needs it does.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnspec.errors import CheckpointError, CnnspecError, DataError, Problem, SpecError
    from cnnspec.exporting import Exported, export_onnx, export_pt2, export_source, load_onnx
    from cnnspec.importing import Imported, from_module
    from cnnspec.model.weights import WeightsReport, load_weights
    from cnnspec.plan import Plan, Step
    from cnnspec.spec import Spec, load, loads
    from cnnspec.training import Result, Run, load_run, train

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "CnnspecError",
    "DataError",
    "Exported",
    "Imported",
    "Plan",
    "Problem",
    "Result",
    "Run",
    "Spec",
    "SpecError",
    "Step",
    "WeightsReport",
    "export_onnx",
    "export_pt2",
    "export_source",
    "from_module",
    "load",
    "load_onnx",
    "load_run",
    "load_weights",
    "loads",
    "train",
]

_MODULES = {
    "errors": ("CheckpointError", "CnnspecError", "DataError", "Problem", "SpecError"),
    "exporting": ("Exported", "export_onnx", "export_pt2", "export_source", "load_onnx"),
    "importing": ("Imported", "from_module"),
    "model.weights": ("WeightsReport", "load_weights"),
    "plan": ("Plan", "Step"),
    "spec": ("Spec", "load", "loads"),
    "training": ("Result", "Run", "load_run", "train"),
}
"""Where each public name is defined; a module is imported when its first name is used."""


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"cnnspec.{module}"), name)
    raise AttributeError(f"module 'cnnspec' has no attribute {name!r}")
