"""The training data in batches: in an order that follows from seed and epoch, from any step on.

The data is held on the device, where batches are drawn, or on the host, or on disk. Then each batch
is copied while the device computes the one before it.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from cnnspec.training import draws
from cnnspec.training.split import OnDisk, Split

Part = Callable[[int, int], tuple[int, int]]
"""From where a batch of all processes starts and ends to the same of this process's part of it."""


class Batch(NamedTuple):
    """A step's samples: `inputs` and `labels` are this process's part, which begins at `start` of `total`.

    `damaged` of this process's pictures could not be read, and others of their classes stand in for them.
    """

    step: int
    inputs: Tensor
    labels: Tensor
    all_labels: Tensor
    start: int
    total: int
    damaged: int = 0


class Drawn(NamedTuple):
    """Inputs of a batch, and how many of them only stand in for damaged pictures."""

    inputs: Tensor
    damaged: int = 0


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
        self.split, self.resident = split, resident
        self.bounds = bounds(len(split), size, least)
        self._labels = split.labels.to(device)
        self._source: _Resident | _Streamed = (
            _Resident(split.to(device)) if resident else _Streamed(split, device)
        )

    def __len__(self) -> int:
        return len(self.bounds)

    def epoch(self, number: int, first: int = 0) -> Iterator[Batch]:
        """Yield an epoch's batches, from step `first` on; steps count from 0."""
        indices = order(self.seed, number, len(self._labels))
        labels = self._labels.index_select(0, indices.to(self.device))
        parts = [self.part(*b) if self.part else b for b in self.bounds]
        drawn = self._source.draw([indices[slice(*part)] for part in parts[first:]])
        for step in range(first, len(parts)):
            (start, end), (own_start, own_end) = self.bounds[step], parts[step]
            own = labels[own_start:own_end]
            whole = labels[start:end] if self.part else own
            inputs, damaged = next(drawn)
            yield Batch(step, inputs, own, whole, own_start - start, end - start, damaged)


class _Resident:
    """Inputs on the device: it draws its batches itself."""

    def __init__(self, split: Split) -> None:
        self.split = split

    def draw(self, wanted: list[Tensor]) -> Iterator[Drawn]:
        assert isinstance(self.split.inputs, Tensor)
        inputs = self.split.inputs
        # A third of the time of gathering a whole epoch, and of its memory next to nothing.
        there = torch.cat([torch.empty(0, dtype=torch.int64), *wanted]).to(inputs.device)
        for indices, chosen in zip(wanted, there.split([*map(len, wanted)]), strict=True):
            yield Drawn(inputs.index_select(0, chosen), _damaged(self.split, indices))


class _Streamed:
    """Inputs on the host or on disk: each batch is under way while the one before it is computed with.

    A GPU copies from pinned memory beside its computation, on a stream of its own. On
    the CPU the same code runs, and its copies are none.
    """

    def __init__(self, split: Split, device: torch.device) -> None:
        self.split, self.device = split, device
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def draw(self, wanted: list[Tensor]) -> Iterator[Drawn]:
        under_way = map(self._send, self._read(wanted))
        ahead = next(under_way, None)
        while ahead is not None:
            batch = self._receive(ahead)
            ahead = next(under_way, None)
            yield batch

    def _read(self, wanted: list[Tensor]) -> Iterator[Drawn]:
        """Yield the batches on the host."""
        inputs = self.split.inputs
        if isinstance(inputs, OnDisk):
            for read in inputs.read(wanted):
                there = read.inputs if self.stream is None else read.inputs.pin_memory()
                yield Drawn(there, int(read.damaged.sum()))
            return
        for indices in wanted:
            # torch keeps pinned memory for the next batch, but not before the copy from it is done.
            shape = (len(indices), *inputs.shape[1:])
            host = torch.empty(shape, dtype=inputs.dtype, pin_memory=self.stream is not None)
            torch.index_select(inputs, 0, indices, out=host)
            yield Drawn(host, _damaged(self.split, indices))

    def _send(self, batch: Drawn) -> Drawn:
        with torch.cuda.stream(self.stream):
            return batch._replace(inputs=batch.inputs.to(self.device, non_blocking=True))

    def _receive(self, batch: Drawn) -> Drawn:
        if self.stream is not None:
            computing = torch.cuda.current_stream(self.device)
            computing.wait_stream(self.stream)
            batch.inputs.record_stream(computing)
        return batch


def _damaged(split: Split, indices: Tensor) -> int:
    """Return how many of these inputs in memory stand in for damaged pictures."""
    return 0 if split.damaged is None else int(split.damaged[indices].sum())


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
