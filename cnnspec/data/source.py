"""Where pictures come from while a network learns: memory, or files decoded when they are needed."""

import io
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cnnspec.data.entries import Entries
from cnnspec.data.picture import opened
from cnnspec.data.prepare import fit_picture
from cnnspec.errors import DataError, Place, Problem
from cnnspec.shape import Shape, volume

Damaged = Literal["error", "skip"]
"""What a picture that cannot be read is: an error, or left out and counted."""

TRIES = 100
"""Pictures that may be tried in the place of one that cannot be read."""

GRAY = ("1", "F", "I", "I;16", "I;16B", "L", "LA")
"""PIL's modes without colour."""

LOOKED_AT = 100
"""Pictures that are opened to tell which shape is typical."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Pictures (N, C, H, W) in memory as uint8 with their labels (N,) as int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, indices: Tensor) -> "Pictures":
        """Return those pictures, in that order; `indices` are numbers, or a truth value for each."""
        return Pictures(self.images[indices], self.labels[indices])

    def bytes_as(self, shape: Shape) -> int:
        """Return what they take in memory as inputs of that shape, with their labels."""
        return len(self) * volume(shape) + self.labels.nbytes


class Decoded(NamedTuple):
    """A batch as it was read: inputs (n, *shape) in uint8, and whether each stands in for a damaged one."""

    inputs: Tensor
    damaged: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Files:
    """Pictures on disk with their labels (N,) as int64: the entries of these `rows`.

    Where `damaged` is ``skip``, the picture before it of the same class stands in for one that cannot
    be read. So labels and the balance of the classes stay, and who reads which part of a batch, or in
    how many processes, makes no difference.
    """

    entries: Entries
    rows: NDArray[np.int64]
    labels: Tensor
    damaged: Damaged = "error"

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, indices: Tensor) -> "Files":
        """Return those pictures, in that order; `indices` are numbers, or a truth value for each."""
        return Files(self.entries, self.rows[indices.numpy()], self.labels[indices], self.damaged)

    def bytes_as(self, shape: Shape) -> int:
        """Return what they take in memory as inputs of that shape, with their labels."""
        return len(self) * volume(shape) + self.labels.nbytes

    def name(self, index: int) -> str:
        """Return a picture's name, as a person finds it."""
        return self.entries[int(self.rows[index])].name

    def shape(self, index: int) -> Shape:
        """Return the shape that a picture has by its header; raises DataError."""
        with self._opened(index) as image:
            return (1 if image.mode in GRAY else 3, image.height, image.width)

    def read(self, index: int, shape: Shape) -> Tensor:
        """Return a picture made to fit an input, in uint8; raises DataError."""
        with self._opened(index) as image:
            return fit_picture(image, shape)

    def batch(self, indices: Tensor, shape: Shape) -> Decoded:
        """Return those pictures made to fit an input; raises DataError."""
        found = Decoded(
            torch.empty((len(indices), *shape), dtype=torch.uint8),
            torch.zeros(len(indices), dtype=torch.bool),
        )
        for place, index in enumerate(indices.tolist()):
            try:
                picture = self.read(index, shape)
            except DataError as error:
                if self.damaged == "error":
                    raise _with_a_way_out(error) from None
                picture = self._stand_in(index, shape)
                found.damaged[place] = True
            found.inputs[place] = picture
        return found

    def _opened(self, index: int) -> AbstractContextManager[Image.Image]:
        """Return a picture to be decoded; whatever is wrong with it is raised as DataError."""
        entry = self.entries[int(self.rows[index])]
        if entry.size is None:
            return opened(entry.path)
        place = str(self.entries.root / entry.name)
        try:
            with entry.path.open("rb", buffering=0) as stream:
                stream.seek(entry.offset)
                return opened(io.BytesIO(stream.read(entry.size)), place)
        except OSError as error:
            what = "the shard cannot be read any more"
            raise DataError(Problem(what, error.strerror or "", "Check the disk", Place(place))) from None

    def _stand_in(self, index: int, shape: Shape) -> Tensor:
        """Return the nearest picture before this one that has its class and can be read."""
        alike = (self.labels == self.labels[index]).nonzero()[:, 0]
        own = int(torch.searchsorted(alike, index))
        problems: tuple[Problem, ...] = ()
        for back in range(1, min(TRIES, len(alike))):
            try:
                return self.read(int(alike[own - back]), shape)
            except DataError as error:
                problems = error.problems
        what = f"{self.name(index)} cannot be read, nor can any of the pictures of its class before it"
        place = Place(str(self.entries.root))
        raise DataError(Problem(what, "", "Check the disk, and mend or replace them", place), *problems)


Source = Pictures | Files


class Reader:
    """Files for the workers of a DataLoader, which are given a whole batch's indices at a time.

    An exception of ours does not survive the way from a worker, so a reader returns the problems, and
    `checked` raises them where they arrive.
    """

    def __init__(self, files: Files, shape: Shape) -> None:
        self.files, self.shape = files, shape

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, indices: Tensor) -> Decoded | list[Problem]:
        try:
            return self.files.batch(indices, self.shape)
        except DataError as error:
            return list(error.problems)


def _with_a_way_out(error: DataError) -> DataError:
    way = "or leave out such pictures with `damaged: skip`"
    return DataError(*(replace(p, fix=f"{p.fix}, {way}") for p in error.problems))


def checked(answer: Decoded | list[Problem]) -> Decoded:
    """Return what a reader has read, or raise its problems as DataError."""
    if isinstance(answer, Decoded):
        return answer
    raise DataError(*answer)


def typical_shape(files: Files) -> Shape:
    """Return the median height and width, and 1 channel where all are gray, of evenly chosen pictures.

    Pictures that cannot be opened are passed over: whether they are an error is told when they are read.
    """
    shapes = []
    for index in evenly(len(files), LOOKED_AT):
        try:
            shapes.append(files.shape(index))
        except DataError as error:
            unreadable = error
    if not shapes:
        raise unreadable
    channels, heights, widths = zip(*shapes, strict=True)
    return (max(channels), int(np.median(heights)), int(np.median(widths)))


def evenly(count: int, most: int) -> list[int]:
    """Return at most so many numbers below `count`, as far from each other as can be."""
    chosen = min(count, most)
    return [i * count // chosen for i in range(chosen)]
