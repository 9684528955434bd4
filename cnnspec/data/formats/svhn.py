"""SVHN's files, as MATLAB writes them: X (32, 32, 3, N) and y (N, 1), where the digit 0 has the label 10."""

import io
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cnnspec.data.formats.content import Content, Contents
from cnnspec.data.source import Pictures
from cnnspec.errors import DataError, Problem
from cnnspec.shape import times

MAGIC = b"MATLAB 5.0 MAT-file"
ZERO = 10
"""The label of the digit 0."""


def read(contents: Contents, part: str) -> Pictures:
    """Return a part of the data set. Raises DataError."""
    content = contents.read(part)
    content.check_hash()
    channels, height, width = contents.data_set.shape
    (count,) = content.file.shape
    found = _variables(content)
    images = _checked(content, found, "X", (height, width, channels, count))
    labels = _checked(content, found, "y", (count, 1))[:, 0].astype(np.int64)
    if not labels.all():
        index = int((labels == 0).nonzero()[0][0])
        raise content.damaged(f"label 0 of picture {index} is not from 1 to {ZERO}")
    labels[labels == ZERO] = 0
    pictures = torch.from_numpy(np.ascontiguousarray(images.transpose(3, 2, 0, 1)))
    return Pictures(pictures, contents.labels(content, torch.from_numpy(labels)))


def _variables(content: Content) -> dict[str, Any]:
    """Return the variables that a file holds. Raises DataError."""
    try:
        from scipy.io import loadmat
    except ImportError:
        what, why = "svhn cannot be read", "its files are MATLAB's, and the package scipy is not installed"
        raise DataError(Problem(what, why, "Install it: pip install 'cnnspec[svhn]'")) from None
    if not content.data.startswith(MAGIC):
        found = content.data[: len(MAGIC)].decode("ascii", "replace")
        raise content.damaged(f"it begins with '{found}' instead of '{MAGIC.decode()}'")
    try:
        variables: dict[str, Any] = loadmat(io.BytesIO(content.data), variable_names=("X", "y"))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  # on damaged bytes scipy raises whatever it comes to
        raise content.damaged(
            f"it is no whole file of MATLAB's: {str(error) or type(error).__name__}"
        ) from None
    return variables


def _checked(content: Content, variables: dict[str, Any], name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a variable that is an array of bytes of that shape. Raises DataError."""
    value = variables.get(name)
    if not isinstance(value, np.ndarray):
        raise content.damaged(f"it has no array {name}")
    if value.shape != shape:
        raise content.damaged(f"its array {name} is {times(value.shape)} instead of {times(shape)}")
    if value.dtype != np.uint8:
        raise content.damaged(f"its array {name} holds {value.dtype} instead of uint8")
    return value
