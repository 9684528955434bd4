"""The training data in batches: in an order that follows from seed and epoch, from any step on.

The data is held on the device, where batches are drawn, or on the host. Then each batch
is copied while the device computes the one before it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from cnnspec.data import Pictures, to_input
from cnnspec.shape import Shape
from cnnspec.training import draws

Part = Callable[[int, int], tuple[int, int]]
"""From where a batch of all processes starts and ends to the same of this process's part of it."""


@dataclass(frozen=True, slots=True)
class Split:
    """One part of the data, prepared for the network: uint8 inputs (N, …) and int64 labels (N,)."""

    inputs: Tensor
    labels: Tensor

    @classmethod
    def of(cls, pictures: Pictures, shape: Shape) -> "Split":
        """Return pictures as inputs of that shape, with their labels."""
        return cls(to_input(pictures.images, shape), pictures.labels)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def bytes(self) -> int:
        """What inputs and labels take on a device."""
        return self.inputs.numel() * self.inputs.element_size() + self.labels.nbytes

    def to(self, device: torch.device) -> "Split":
        """Return the same on that device."""
        return Split(self.inputs.to(device), self.labels.to(device))


class Batch(NamedTuple):
    """A step's samples: `inputs` and `labels` are this process's part, which begins at `start` of `total`."""

    step: int
    inputs: Tensor
    labels: Tensor
    all_labels: Tensor
    start: int
    total: int


class Batches:
    """The batches of a split, epoch after epoch.

    `resident` data is held on the device. `part` says which samples of a batch are this
    process's, and no batch has fewer than `least` samples, or `size` if that is less.
    """

    def __init__(
        self,
        split: Split,
        size: int,
        seed: int,
        device: torch.device,
        *,
        resident: bool = True,
        part: Part | None = None,
        least: int = 2,
    ) -> None:
        self.seed, self.device, self.part = seed, device, part
        self.count, self.resident = len(split), resident
        self.bounds = bounds(len(split), size, least)
        self._labels = split.labels.to(device)
        self._source: _Resident | _Streamed = (
            _Resident(split.inputs.to(device)) if resident else _Streamed(split.inputs, device)
        )

    def __len__(self) -> int:
        return len(self.bounds)

    def epoch(self, number: int, first: int = 0) -> Iterator[Batch]:
        """Yield an epoch's batches, from step `first` on; steps count from 0."""
        indices = order(self.seed, number, len(self._labels))
        labels = self._labels.index_select(0, indices.to(self.device))
        parts = [self.part(*b) if self.part else b for b in self.bounds]
        inputs = self._source.draw(indices, parts[first:])
        for step in range(first, len(parts)):
            (start, end), (own_start, own_end) = self.bounds[step], parts[step]
            own = labels[own_start:own_end]
            whole = labels[start:end] if self.part else own
            yield Batch(step, next(inputs), own, whole, own_start - start, end - start)


class _Resident:
    """Inputs on the device: it draws its batches itself."""

    def __init__(self, inputs: Tensor) -> None:
        self.inputs = inputs

    def draw(self, indices: Tensor, parts: list[tuple[int, int]]) -> Iterator[Tensor]:
        # A third of the time of gathering a whole epoch, and of its memory next to nothing.
        there = indices.to(self.inputs.device)
        for start, end in parts:
            yield self.inputs.index_select(0, there[start:end])


class _Streamed:
    """Inputs on the host: each batch is under way to the device while the one before it is computed with.

    A GPU copies from pinned memory beside its computation, on a stream of its own. On
    the CPU the same code runs, and its copies are none.
    """

    def __init__(self, inputs: Tensor, device: torch.device) -> None:
        self.inputs, self.device = inputs, device
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def draw(self, indices: Tensor, parts: list[tuple[int, int]]) -> Iterator[Tensor]:
        under_way = (self._send(indices, part) for part in parts)
        ahead = next(under_way, None)
        while ahead is not None:
            batch = self._receive(ahead)
            ahead = next(under_way, None)
            yield batch

    def _send(self, indices: Tensor, part: tuple[int, int]) -> Tensor:
        chosen = indices[slice(*part)]
        # torch keeps pinned memory for the next batch, but not before the copy from it is done.
        shape = (len(chosen), *self.inputs.shape[1:])
        host = torch.empty(shape, dtype=self.inputs.dtype, pin_memory=self.stream is not None)
        torch.index_select(self.inputs, 0, chosen, out=host)
        with torch.cuda.stream(self.stream):
            return host.to(self.device, non_blocking=True)

    def _receive(self, batch: Tensor) -> Tensor:
        if self.stream is not None:
            computing = torch.cuda.current_stream(self.device)
            computing.wait_stream(self.stream)
            batch.record_stream(computing)
        return batch


def bounds(count: int, size: int, least: int = 2) -> list[tuple[int, int]]:
    """Return where batches start and end; a last one of fewer than `least` samples joins the one before it.

    Batch norm cannot learn from one sample of a flat layer, and each process must have one.
    """
    found = [(start, min(start + size, count)) for start in range(0, count, size)]
    if len(found) > 1 and found[-1][1] - found[-1][0] < min(least, size):
        found[-2:] = [(found[-2][0], count)]
    return found


def order(seed: int, epoch: int, count: int) -> Tensor:
    """Return the order of the samples in an epoch, the same on every machine."""
    generator = torch.Generator().manual_seed(draws.seed_for(seed, draws.ORDER, epoch))
    return torch.randperm(count, generator=generator)


def fits(size: int, device: torch.device) -> bool:
    """Tell whether data of so many bytes is best held on the device: the CPU's is there already.

    A GPU holds it where it takes at most half of what is free; the network needs the rest.
    """
    return device.type != "cuda" or size <= torch.cuda.mem_get_info(device)[0] // 2
