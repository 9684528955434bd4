"""One part of the data as the network's inputs: held in memory, or decoded from files when it is needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from cnnspec import machine
from cnnspec.data import to_input
from cnnspec.data.source import Decoded, Files, Pictures, Source
from cnnspec.shape import Shape, volume
from cnnspec.training.decoders import AHEAD, Decoders

SHARE = 4
"""Files are decoded once and held in memory where they take one in so many of the bytes that are free."""

UNKNOWN = 1 << 32
"""Bytes that are taken to be free where the system does not say."""

CHUNK = 256
"""Pictures that are read at once into memory."""


class Piece(NamedTuple):
    """Some samples of a part of the data: their numbers in it (n,), uint8 inputs (n, …), labels (n,)."""

    indices: Tensor
    inputs: Tensor
    labels: Tensor


@dataclass(frozen=True, slots=True)
class OnDisk:
    """The inputs of a part of the data that is decoded from files, by processes that other parts share."""

    decoders: Decoders
    part: int
    shape: Shape

    def read(self, batches: Sequence[Tensor]) -> Iterator[Decoded]:
        """Yield batches of inputs, given as indices. Raises DataError."""
        return self.decoders.read(self.part, batches)


@dataclass(frozen=True, slots=True)
class Split:
    """One part of the data, prepared for the network: uint8 inputs (N, …) and int64 labels (N,).

    Where pictures that cannot be read are left out, `skips` is true; of inputs in memory, `damaged`
    tells for each whether it only stands in for such a picture.
    """

    inputs: Tensor | OnDisk
    labels: Tensor
    skips: bool = False
    damaged: Tensor | None = None

    @classmethod
    def of(cls, pictures: Pictures, shape: Shape) -> "Split":
        """Return pictures in memory as inputs of that shape, with their labels."""
        return cls(to_input(pictures.images, shape), pictures.labels)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> Shape:
        """The shape of an input."""
        return tuple(self.inputs.shape[1:]) if isinstance(self.inputs, Tensor) else self.inputs.shape

    @property
    def bytes(self) -> int:
        """What inputs and labels take on a device; of inputs on disk, only the labels do."""
        inputs = self.inputs if isinstance(self.inputs, Tensor) else self.labels[:0]
        return inputs.numel() * inputs.element_size() + self.labels.nbytes

    def close(self) -> None:
        """End what reads from disk."""
        if isinstance(self.inputs, OnDisk):
            self.inputs.decoders.close()

    def to(self, device: torch.device) -> "Split":
        """Return the same on that device; what is on disk stays there."""
        if not isinstance(self.inputs, Tensor):
            return self
        return replace(self, inputs=self.inputs.to(device), labels=self.labels.to(device))

    def in_order(self, first: int, last: int, size: int) -> Iterator[Piece]:
        """Yield the samples from `first` to `last`, `size` at once, without damaged pictures."""
        bounds = [(start, min(start + size, last)) for start in range(first, last, size)]
        for (start, end), (inputs, damaged) in zip(bounds, self._read(bounds), strict=True):
            piece = Piece(torch.arange(start, end), inputs, self.labels[start:end])
            if damaged is None or not damaged.any():
                yield piece
            elif not damaged.all():
                yield Piece(piece.indices[~damaged], piece.inputs[~damaged], piece.labels[~damaged])

    def _read(self, bounds: list[tuple[int, int]]) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield the inputs within bounds, and which of them are damaged."""
        if isinstance(self.inputs, OnDisk):
            yield from self.inputs.read([torch.arange(*bound) for bound in bounds])
            return
        for start, end in bounds:
            yield self.inputs[start:end], None if self.damaged is None else self.damaged[start:end]


def splits(sources: Sequence[Source], shape: Shape, *, hold: bool, workers: int) -> list[Split]:
    """Return the parts of the data as inputs of that shape; `hold` says that files are read into memory now.

    Raises DataError where that fails.
    """
    files = [source for source in sources if isinstance(source, Files)]
    decoders = Decoders(files, shape, workers) if files else None
    found = []
    for source in sources:
        if not isinstance(source, Files):
            found.append(Split.of(source, shape))
            continue
        assert decoders
        on_disk = OnDisk(decoders, files.index(source), shape)
        split = Split(on_disk, source.labels, skips=source.damaged == "skip")
        found.append(_held(split, on_disk) if hold else split)
    if decoders and hold:
        decoders.close()
    return found


def _held(split: Split, on_disk: OnDisk) -> Split:
    """Return the part with its inputs in memory."""
    inputs = torch.empty((len(split), *on_disk.shape), dtype=torch.uint8)
    damaged = torch.zeros(len(split), dtype=torch.bool)
    chunks = torch.arange(len(split)).split(CHUNK)
    for chunk, read in zip(chunks, on_disk.read(chunks), strict=True):
        place = slice(int(chunk[0]), int(chunk[-1]) + 1)
        inputs[place], damaged[place] = read
    return replace(split, inputs=inputs, damaged=damaged if split.skips else None)


def is_held(sources: Sequence[Source], shape: Shape, *, wanted: bool | None, processes: int = 1) -> bool:
    """Tell whether the data is best held in memory, where each of `processes` on this machine holds it.

    What is there already is; what is in files if it is `wanted`, or takes at most a quarter of what is free.
    """
    files = [source for source in sources if isinstance(source, Files)]
    if not files or wanted:
        return True
    free = machine.free() or UNKNOWN
    return bytes_as(files, shape) * processes <= free // SHARE


def bytes_as(sources: Sequence[Source], shape: Shape) -> int:
    """Return what the data takes in memory as inputs of that shape."""
    return sum(source.bytes_as(shape) for source in sources)


def bytes_ahead(batch: int, shape: Shape, workers: int) -> int:
    """Return what batches take in memory that are decoded ahead."""
    return max(1, workers * AHEAD) * batch * volume(shape)
