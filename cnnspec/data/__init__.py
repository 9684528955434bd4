"""Data sets: found, checked, and prepared as tensors."""

from cnnspec.data.prepare import Normalizer, to_input
from cnnspec.data.store import Loaded, Pictures, load_data

__all__ = ["Loaded", "Normalizer", "Pictures", "load_data", "to_input"]
