"""What all the user's own data has in common: what reading it gives, its test part, its mistakes."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from cnnspec.catalog import DataSet
from cnnspec.data.source import Damaged, Source
from cnnspec.errors import DataError, Place, Problem
from cnnspec.shape import Shape

EXAMPLES = 3
"""Files that a message names as examples."""

LONGEST = 120
"""Characters of a file's name that a message shows."""


class Own(NamedTuple):
    """The user's own data, checked, in its two parts.

    The data set's statistics are 0 and 1: they come from the pictures as the network gets them.
    `hashes` tell whether data is the same as before, `left_out` tells which pictures are left out.
    """

    data_set: DataSet
    train: Source
    test: Source
    hashes: dict[str, str]
    left_out: tuple[Problem, ...] = ()


class Kind(NamedTuple):
    """A kind of mistake: what one file is, what many are, and how to mend it.

    Where a picture is `skippable`, the user may have it left out.
    """

    one: str
    many: str
    fix: str
    skippable: bool = False


EMPTY = Kind(
    "1 picture is empty (0 bytes)",
    "{} pictures are empty (0 bytes)",
    "Replace or delete such files, or leave them out with `damaged: skip`",
    skippable=True,
)
NO_PICTURE = Kind(
    "1 file does not begin as a BMP, GIF, JPEG, PNG, PPM, TIFF or WebP picture does",
    "{} files do not begin as a BMP, GIF, JPEG, PNG, PPM, TIFF or WebP picture does",
    "Convert or delete such files, or leave them out with `damaged: skip`",
    skippable=True,
)
UNREADABLE = Kind("1 file cannot be read", "{} files cannot be read", "Check their permissions")


@dataclass(slots=True)
class Complaints:
    """What is wrong with data at a place, gathered: each kind of mistake is told once, with examples."""

    place: str
    counts: dict[Kind, int] = field(default_factory=dict)
    examples: dict[Kind, list[str]] = field(default_factory=dict)

    def add(self, kind: Kind, example: str) -> None:
        """Note one more mistake of that kind."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= EXAMPLES:
            cut = example if len(example) <= LONGEST else f"…{example[-LONGEST:]}"
            self.examples.setdefault(kind, []).append(cut)

    def settle(self, damaged: Damaged = "error") -> tuple[Problem, ...]:
        """Raise DataError with all that is wrong, or return what is left out as warnings."""
        wrong = [kind for kind in self.counts if damaged == "error" or not kind.skippable]
        if wrong:
            raise DataError(*(self._problem(kind, kind.fix) for kind in wrong))
        out = "Such files are left out, as the spec says"
        return tuple(self._problem(kind, out, warning=True) for kind in self.counts)

    def _problem(self, kind: Kind, fix: str, *, warning: bool = False) -> Problem:
        count = self.counts[kind]
        what = kind.one if count == 1 else kind.many.format(f"{count:,}")
        why = ", ".join(self.examples[kind])
        if count > EXAMPLES:
            why += f" and {count - EXAMPLES:,} more"
        return Problem(what, why, fix, Place(self.place), "warning" if warning else "error")


def refused(path: Path, what: str, why: str = "", fix: str = "") -> DataError:
    """Return the error that data at a path cannot be used."""
    return DataError(Problem(what, why, fix, Place(str(path))))


def for_test(names: Iterable[str], labels: Tensor, share: float) -> Tensor:
    """Return which samples are for the test: of each class that share, at least one and never all.

    The draw of a sample follows from its name alone, so what is added to or removed from a class moves at
    most one other sample of it, and none of the others'.
    """
    drawn = np.fromiter((_draw(name) for name in names), np.uint64, len(labels))
    classes = labels.numpy()
    counts = np.bincount(classes)
    order = np.lexsort((drawn, classes))
    rank = np.empty(len(classes), np.int64)
    rank[order] = np.arange(len(classes)) - np.repeat(counts.cumsum() - counts, counts)
    wanted = np.clip(np.floor(counts * share + 0.5), 1, counts - 1)
    return torch.from_numpy(rank < wanted[classes])


def check_classes(path: Path, classes: Sequence[str], train: Tensor, *, whole: bool) -> None:
    """Raise DataError unless there are classes to tell apart, and each has enough pictures to learn from.

    Where `train` is the `whole` of the data, one more of each class is needed for the test.
    """
    if not classes:
        raise refused(path, "no picture of it can be read", "", "Replace them")
    if len(classes) < 2:
        raise refused(
            path, f"there is only one class, {classes[0]}", "a network learns to tell classes apart"
        )
    missing = Kind(
        "1 class has no training picture",
        "{} classes have no training picture",
        "Give each class some; labels count from 0, without gaps",
    )
    single = Kind(
        "1 class has only one picture, and none for the test",
        "{} classes have only one picture, and none for the test",
        "Add more, or give the test a part of its own",
    )
    complaints = Complaints(str(path))
    if len(classes) > len(train):
        complaints.add(missing, f"there are {len(classes):,} classes, and {len(train):,} pictures")
        complaints.settle()
    for label, count in enumerate(torch.bincount(train, minlength=len(classes)).tolist()):
        if count <= (1 if whole else 0):
            complaints.add(single if count else missing, classes[label])
    complaints.settle()


def described(
    kind: str, path: Path, classes: Sequence[str], shape: Shape, parts: tuple[Source, Source]
) -> DataSet:
    """Return what is known of the user's own data as a data set."""
    name = path.absolute().name or kind
    train, test = map(len, parts)
    return DataSet(
        name=name,
        title=f"{name}: {train:,} + {test:,} pictures of {len(classes):,} classes",
        classes=tuple(classes),
        shape=shape,
        mean=0.0,
        std=1.0,
        format=kind,
        folder=str(path),
    )


def _draw(name: str) -> int:
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest)
