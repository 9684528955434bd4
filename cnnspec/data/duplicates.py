"""Pictures that are in the data more than once: found by their pixels in memory, by their bytes on disk."""

import hashlib
import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from cnnspec.data.source import Files, Pictures, Source

SECONDS = 10.0
"""Time that the search takes at most; what was compared until then is told."""

SAMPLE = 4096
"""Bytes from a file's middle that tell most files of the same size apart, so that few are read whole."""

BLOCK = 1 << 20

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Both:
    """The training pictures and after them the test pictures, counted through."""

    train: Source
    test: Source

    def __len__(self) -> int:
        return len(self.train) + len(self.test)

    @property
    def labels(self) -> Numbers:
        """The labels of all."""
        return np.concatenate([self.train.labels.numpy(), self.test.labels.numpy()])

    def part(self, number: int) -> tuple[Source, int]:
        """Return the part that a picture is in, and its index there."""
        within = number - len(self.train)
        return (self.train, number) if within < 0 else (self.test, within)

    def name(self, number: int) -> str:
        """Return a picture's name: that of its file, or its part and its index there."""
        part, index = self.part(number)
        if isinstance(part, Files):
            return part.name(index)
        return f"{'training' if part is self.train else 'test'} picture {index}"

    def sizes(self) -> Numbers:
        """Return the bytes of each picture on disk; 0 where it cannot be told."""
        return np.concatenate([_sizes(part) for part in (self.train, self.test) if isinstance(part, Files)])


@dataclass(frozen=True, slots=True)
class Repeated:
    """Groups of equal pictures, by their numbers; `compared` is how many were looked at in the time."""

    groups: list[Numbers]
    compared: int


def in_memory(both: Both) -> Repeated:
    """Return the groups of pictures with the same pixels."""
    assert isinstance(both.train, Pictures)
    assert isinstance(both.test, Pictures)
    until, digests = time.monotonic() + SECONDS, bytearray()
    for picture in chain(both.test.images.numpy(), both.train.images.numpy()):
        if time.monotonic() > until:
            break
        digests += hashlib.blake2b(picture.tobytes(), digest_size=8).digest()
    keys = np.frombuffer(bytes(digests), np.uint64)
    test_first = np.roll(np.arange(len(both)), len(both.test))
    return Repeated([np.sort(test_first[group]) for group in _equal(keys)], len(keys))


def on_disk(both: Both, sizes: Numbers) -> Repeated:
    """Return the groups of files with the same bytes; what cannot be read is left to whoever needs it.

    Of files of one size, a sample is compared first.
    """
    search, found = _Search(both, time.monotonic() + SECONDS), []
    for same_size in _equal(sizes):
        size = int(sizes[same_size[0]])
        middle = slice(max(0, size - SAMPLE) // 2, min(size, (size + SAMPLE) // 2))
        for alike in search.alike(same_size, middle):
            found += [alike] if size <= SAMPLE else search.alike(alike, slice(0, size))
    return Repeated(found, len(both) - search.skipped)


@dataclass(slots=True)
class _Search:
    """Compares files, as long as there is time; `skipped` counts those that there was none for."""

    both: Both
    until: float
    skipped: int = 0

    def alike(self, numbers: Numbers, span: slice) -> list[Numbers]:
        """Return those of the pictures whose files have the same bytes there, in groups."""
        keys, there = [], []
        for number in numbers.tolist():
            if time.monotonic() > self.until:
                self.skipped += 1
                continue
            key = _digest(*self.both.part(number), span)
            if key is not None:
                keys.append(key)
                there.append(number)
        return [np.array(there)[group] for group in _equal(np.array(keys, np.uint64))]


def _equal(keys: NDArray[np.generic]) -> Iterator[Numbers]:
    """Yield the places of keys that occur more than once, in groups of equal keys."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([ordered[:1] == ordered[:1], ordered[1:] != ordered[:-1]]))
    ends = np.append(starts[1:], len(keys))
    several = ends - starts > 1
    for start, end in zip(starts[several], ends[several], strict=True):
        yield order[start:end]


def _digest(files: Source, index: int, span: slice) -> int | None:
    """Return a number made of a picture's bytes there, or None where they cannot be read."""
    assert isinstance(files, Files)
    row, members = int(files.rows[index]), files.entries.members
    offset = 0 if members is None else int(members.offsets[row])
    hashed, left = hashlib.blake2b(digest_size=8), span.stop - span.start
    try:
        with io.FileIO(_path(files, row)) as stream:
            stream.seek(offset + span.start)
            while left > 0 and (block := stream.read(min(left, BLOCK))):
                hashed.update(block)
                left -= len(block)
    except OSError:
        return None
    return int.from_bytes(hashed.digest(), "little")


def _sizes(files: Files) -> Numbers:
    members = files.entries.members
    if members is not None:
        return members.sizes[files.rows]
    return np.fromiter((_size(_path(files, row)) for row in files.rows.tolist()), np.int64, len(files))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116  # see _path
    except OSError:
        return 0


def _path(files: Files, row: int) -> str:
    """Return the file that a picture is in as a text: of a million, Paths would take half of the time."""
    at = files.entries
    return f"{at.root}/{at.names[row] if at.members is None else at.members.tars[at.members.tar[row]]}"
