"""Data sets: found, checked, and prepared as tensors.

Importing the package does not import torch: where a data set lies is found out without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnspec.data.prepare import Normalizer, to_input
    from cnnspec.data.source import Pictures
    from cnnspec.data.store import Loaded, load_data

__all__ = ["Loaded", "Normalizer", "Pictures", "load_data", "to_input"]

_MODULES = {
    "prepare": ("Normalizer", "to_input"),
    "source": ("Pictures",),
    "store": ("Loaded", "load_data"),
}
"""Where each name is defined; a module is imported when its first name is used."""


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"cnnspec.data.{module}"), name)
    raise AttributeError(f"module 'cnnspec.data' has no attribute {name!r}")
