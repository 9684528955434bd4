"""Mean and standard deviation of the training pictures, as the network gets them."""

import torch
from torch import Tensor

from cnnspec.data.prepare import to_input
from cnnspec.data.source import Pictures, Source, evenly
from cnnspec.shape import Shape

MOST = 10_000
"""Pictures on disk that are read for it, evenly chosen. From so many, the mean is known to about 0.002."""

CHUNK = 1024

Statistic = float | tuple[float, ...]


def statistics(source: Source, shape: Shape) -> tuple[Statistic, Statistic]:
    """Return mean and standard deviation of values from 0 to 1, of each channel if there are several.

    They are of all pictures in memory, or of at most 10,000 on disk, made to fit an input of that shape.
    Raises DataError where a picture cannot be read.
    """
    chosen = torch.tensor(evenly(len(source), len(source) if isinstance(source, Pictures) else MOST))
    channels = shape[0] if len(shape) == 3 else 1
    total, squares = torch.zeros(2, channels, dtype=torch.float64)
    count = 0
    for indices in chosen.split(CHUNK):
        values = _inputs(source, indices, shape)
        values = values.view(len(values), channels, -1).to(torch.float64)
        total += values.sum((0, 2))
        squares += values.square().sum((0, 2))
        count += values.numel() // channels
    mean = total / count
    std = (squares / count - mean.square()).clamp_(min=0).sqrt_()
    std[std == 0] = 255  # all of it has one colour: it stays as it is
    return _rounded(mean / 255), _rounded(std / 255)


def _inputs(source: Source, indices: Tensor, shape: Shape) -> Tensor:
    if isinstance(source, Pictures):
        return to_input(source.images[indices], shape)
    read = source.batch(indices, shape)
    return read.inputs[~read.damaged]


def _rounded(values: Tensor) -> Statistic:
    """Return values with four digits, as they are published for the well-known data sets."""
    rounded = tuple(float(f"{v:.4g}") for v in values.tolist())
    return rounded if len(rounded) > 1 else rounded[0]
