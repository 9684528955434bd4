"""Mean and standard deviation of the training pictures, as the network gets them."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from cnnspec.data.prepare import to_input
from cnnspec.data.source import Decoded, Pictures, Source, evenly
from cnnspec.shape import Shape, volume

MOST = 10_000
"""Pictures on disk that are read for it, evenly chosen. From so many, the mean is known to about 0.002."""

VALUES = 1 << 20
"""Values that are summed up at once."""

Statistic = float | tuple[float, ...]

Read = Callable[[Sequence[Tensor]], Iterator[Decoded]]
"""Reads pictures on disk in batches, which are given as indices."""


def statistics(source: Source, shape: Shape, read: Read | None = None) -> tuple[Statistic, Statistic]:
    """Return mean and standard deviation of values from 0 to 1, of each channel if there are several.

    They are of all pictures in memory, or of at most 10,000 on disk, made to fit an input of that shape.
    Those on disk are read by `read`, if given. Raises DataError where one cannot be read.
    """
    chosen = torch.tensor(evenly(len(source), len(source) if isinstance(source, Pictures) else MOST))
    channels = shape[0] if len(shape) == 3 else 1
    total, squares = torch.zeros(2, channels, dtype=torch.float64)
    count = 0
    for inputs in _inputs(source, chosen.split(max(1, VALUES // volume(shape))), shape, read):
        values = inputs.reshape(len(inputs), channels, -1).to(torch.float64)
        total += values.sum((0, 2))
        squares += values.square().sum((0, 2))
        count += values.numel() // channels
    mean = total / count
    std = (squares / count - mean.square()).clamp_(min=0).sqrt_()
    std[std == 0] = 255  # all of it has one colour: it stays as it is
    return _rounded(mean / 255), _rounded(std / 255)


def _inputs(source: Source, batches: Sequence[Tensor], shape: Shape, read: Read | None) -> Iterator[Tensor]:
    if isinstance(source, Pictures):
        yield from (to_input(source.images[indices], shape) for indices in batches)
        return
    one_by_one = (source.batch(indices, shape) for indices in batches)
    for found in read(batches) if read else one_by_one:
        yield found.inputs[~found.damaged]


def _rounded(values: Tensor) -> Statistic:
    """Return values with four digits, as they are published for the well-known data sets."""
    rounded = tuple(float(f"{v:.4g}") for v in values.tolist())
    return rounded if len(rounded) > 1 else rounded[0]
