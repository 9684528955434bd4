"""What is doubtful in the data: told before training, not guessed at from a strange result."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from cnnspec.catalog import DATA_SETS
from cnnspec.data import duplicates
from cnnspec.data.duplicates import Both, Numbers, Repeated
from cnnspec.data.own import EXAMPLES, LONGEST
from cnnspec.data.prepare import picture_size
from cnnspec.data.source import Files, Pictures
from cnnspec.data.store import Loaded
from cnnspec.errors import DataError, Place, Problem
from cnnspec.shape import Shape, times

FEW = 10
"""Training pictures that a class should have at least."""

TIMES = 10
"""How many times the pictures of any other class the most frequent one should have at most."""

OPENED = 500
"""Pictures on disk that are opened; half of them are those with the smallest files, as small ones have."""

SECONDS = 5.0
"""Time that opening them takes at most."""

CHUNK = 4096

_ENLARGED = "enlarged, they show no more than before"
_SMALLER = "Use a smaller input, or larger pictures"


def warnings(loaded: Loaded, shape: Shape) -> list[Problem]:
    """Return what is doubtful in data for a network whose input has that shape.

    A data set of the catalog that was held to its hashes is known; only the size of its pictures is
    looked at. Others are looked through, those on disk for a bounded time.
    """
    found = [] if _is_known(loaded) else [*_looked_through(loaded, shape)]
    if isinstance(loaded.train, Pictures):
        found += _small_in_memory(loaded.train, shape)
    return [replace(problem, place=Place(loaded.source), severity="warning") for problem in found]


def _looked_through(loaded: Loaded, shape: Shape) -> Iterator[Problem]:
    both = Both(loaded.train, loaded.test)
    yield from _rare(loaded.train.labels, loaded.data_set.classes)
    if isinstance(loaded.train, Pictures):
        yield from _repeated(both, duplicates.in_memory(both), loaded.data_set.classes)
        yield from _constant_in_memory(both)
    else:
        sizes = both.sizes()
        yield from _repeated(both, duplicates.on_disk(both, sizes), loaded.data_set.classes)
        yield from _of_opened(both, sizes, shape)


def _is_known(loaded: Loaded) -> bool:
    """Tell whether the data is a data set of the catalog that was held to its hashes."""
    data_set = loaded.data_set
    hashed = [bool(file.sha256 or file.md5) for file in data_set.files.values()]
    return bool(data_set.sample_of) or (data_set is DATA_SETS.get(data_set.name) and all(hashed))


def _rare(labels: Tensor, classes: tuple[str, ...]) -> Iterator[Problem]:
    """Tell of classes with few training pictures, as such or beside the most frequent class."""
    counts = torch.bincount(labels, minlength=len(classes)).tolist()
    most = max(counts)
    rare = sorted((n, label) for label, n in enumerate(counts) if n < FEW or n * TIMES < most)
    if not rare:
        return
    what = f"{_count(len(rare), 'class has', 'classes have')} few training pictures"
    told = _examples([f"{classes[label]} ({n:,})" for n, label in rare])
    why, fix = f"what is rarely seen is hardly learned: {told}", "Add some"
    if rare[0][0] * TIMES < most:
        why = f"{classes[counts.index(most)]} has {most:,}, and {why}"
        fix = "Add some, or give rare classes more weight with the loss's class_weights"
    yield Problem(what, why, fix)


def _repeated(both: Both, repeated: Repeated, classes: tuple[str, ...]) -> Iterator[Problem]:
    """Tell of test pictures that are among those for training, and of equal ones in different classes."""
    labels = both.labels
    shared: list[tuple[int, int]] = []
    contradictions: list[tuple[int, int]] = []
    for group in repeated.groups:
        tests = group >= len(both.train)
        if tests.any() and not tests.all():
            shared += [(number, int(group[~tests][0])) for number in group[tests].tolist()]
        others = group[labels[group] != labels[group[0]]]
        if len(others):
            contradictions.append((int(group[0]), int(others[0])))
    if shared:
        count = _count(len(shared), "test picture is", "test pictures are")
        told = _examples([f"{both.name(a)} is {both.name(b)}" for a, b in sorted(shared)])
        why = f"so the test tells less of new pictures than it seems to: {told}"
        fix = "Remove them from one of the two parts"
        yield Problem(f"{count} among the training pictures, too", why, fix)
    if contradictions:
        what = f"{_count(len(contradictions), 'picture is', 'pictures are')} in more than one class"
        told = _examples(
            [
                f"{both.name(a)} ({classes[labels[a]]}) is {both.name(b)} ({classes[labels[b]]})"
                for a, b in sorted(contradictions)
            ]
        )
        yield Problem(what, f"their labels cannot all be right: {told}", "Keep each in its own class only")
    if repeated.compared < len(both):
        what = f"only {repeated.compared:,} of {len(both):,} pictures were looked at for duplicates"
        yield Problem(what, f"all of them would take longer than {duplicates.SECONDS:g} seconds")


def _small_in_memory(pictures: Pictures, shape: Shape) -> Iterator[Problem]:
    """Tell where pictures, all of one size, are much smaller than the input."""
    size = tuple(pictures.images.shape[-2:])
    if _is_small(size, shape):
        what = f"the pictures are {times(size)}, and the input is {times(picture_size(shape))}"
        yield Problem(what, _ENLARGED, _SMALLER)


def _constant_in_memory(both: Both) -> Iterator[Problem]:
    """Tell of pictures that have one colour only."""
    chunks = [
        _are_constant(chunk)
        for part in (both.train, both.test)
        if isinstance(part, Pictures)
        for chunk in part.images.split(CHUNK)
    ]
    found = torch.cat(chunks).nonzero()[:, 0].tolist()
    yield from _constant(found, len(both), both)


def _of_opened(both: Both, sizes: Numbers, shape: Shape) -> Iterator[Problem]:
    """Tell of pictures on disk that are small or have one colour only, as far as they are opened.

    One that cannot be read is passed over: whether that is an error is told when it is needed.
    """
    until, opened = time.monotonic() + SECONDS, 0
    small: list[int] = []
    constant: list[int] = []
    for number in _chosen(sizes):
        if time.monotonic() > until:
            break
        files, index = both.part(number)
        assert isinstance(files, Files)
        try:
            size, picture = files.shape(index)[1:], files.read(index, shape)
        except DataError:
            continue
        opened += 1
        if _is_small(size, shape):
            small.append(number)
        if _are_constant(picture.unsqueeze(0) if len(shape) == 3 else picture.view(1, 1, -1)):
            constant.append(number)
    if small:
        what = f"{_share(len(small), opened, both, 'is', 'are')} much smaller than the input"
        why = f"it is {times(picture_size(shape))}; {_ENLARGED}: {_examples(map(both.name, small))}"
        yield Problem(what, why, _SMALLER)
    yield from _constant(constant, opened, both)


def _chosen(sizes: Numbers) -> list[int]:
    """Return the pictures to open: those with the smallest files, and some of the others, evenly chosen."""
    by_size, half = np.argsort(sizes, kind="stable"), OPENED // 2
    others = by_size[half:]
    evenly = others[:: max(1, -(-len(others) // half))]
    return sorted([*by_size[:half].tolist(), *evenly.tolist()])


def _is_small(size: Shape, shape: Shape) -> bool:
    return 2 * min(size) < min(picture_size(shape))


def _are_constant(images: Tensor) -> Tensor:
    """Tell of each picture (N, C, …) whether all its pixels are equal."""
    low, high = images.flatten(2).aminmax(dim=2)
    return (low == high).all(1)


def _constant(found: list[int], of: int, both: Both) -> Iterator[Problem]:
    if found:
        what = f"{_share(len(found), of, both, 'has', 'have')} one colour only"
        why = f"there is nothing to be seen: {_examples(map(both.name, found))}"
        yield Problem(what, why, "Remove them, or look for what made them so")


def _share(count: int, of: int, both: Both, verb: str, verbs: str) -> str:
    looked_at = " looked at" if of < len(both) else ""
    return f"{count:,} of {of:,} pictures{looked_at} {verb if count == 1 else verbs}"


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _examples(names: Iterable[str]) -> str:
    found = list(names)
    first = [name if len(name) <= LONGEST else f"…{name[-LONGEST:]}" for name in found[:EXAMPLES]]
    return ", ".join(first) + (f" and {len(found) - EXAMPLES:,} more" if len(found) > EXAMPLES else "")
