"""Shards: many samples in few tar files, in WebDataset's format.

Their headers tell where each picture lies. So samples are read in any order, each once an epoch, by as
many processes and workers as there are, and a training goes on where it stopped: as with any files.
"""

import hashlib
from array import array
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cnnspec.data import shard_cache
from cnnspec.data.braces import expanded
from cnnspec.data.entries import Entries, Members, Names
from cnnspec.data.own import Complaints, Kind, Own, check_classes, described, for_test, refused
from cnnspec.data.shard import is_number
from cnnspec.data.source import Damaged, Files, typical_shape
from cnnspec.errors import DataError, Place, Problem, RuleError

TWICE = Kind("1 shard is named twice", "{} shards are named twice", "Name each once")
MIXED = Kind(
    "1 class is a name where others are numbers",
    "{} classes are names where others are numbers",
    "Use either numbers or names",
)
UNKNOWN = Kind(
    "1 class of the test part is missing in the training part",
    "{} classes of the test part are missing in the training part",
    "Add pictures of it to the training part",
)


def read(base: Path, train: str, test: str | None, *, test_share: float, damaged: Damaged = "error") -> Own:
    """Return the samples of shards below a folder, all checked; raises DataError with all that is wrong.

    Where there is no test part, of each class that share is for the test. The hash is of the shards' names,
    and of the names, places, sizes and classes of their samples.
    """
    shards, others = _named(base, train), _named(base, test) if test else []
    index = _Index(base)
    for name, times in Counter(shards + others).items():
        if times > 1:
            index.complaints.add(TWICE, name)
    for shard in shards:
        index.add(shard)
    count = len(index.names)
    for shard in others:
        index.add(shard)
    left_out = index.settle(damaged)
    classes, labels = index.classes(count)
    check_classes(base, classes, labels[:count], whole=not test)
    entries = index.entries()
    files = Files(entries, np.arange(len(entries)), labels, damaged)
    chosen = torch.arange(len(files)) >= count if test else for_test(index.names, labels, test_share)
    parts = files.select(~chosen), files.select(chosen)
    data_set = described("shards", base / train, classes, typical_shape(parts[0]), parts)
    return Own(data_set, *parts, {"shards": index.hash.hexdigest()}, left_out)


class _Index:
    """The samples of one shard after the other, in the order of their members, and their mistakes."""

    def __init__(self, base: Path) -> None:
        self.base, self.shards = base, list[str]()
        self.complaints = Complaints(str(base))
        self.names, self.words = Names(), dict[str, int]()
        self.shard, self.word = array("i"), array("i")
        self.offsets, self.sizes = array("q"), array("q")
        self.hash = hashlib.sha256()

    def add(self, name: str) -> None:
        """Add a shard's samples."""
        shard = shard_cache.read(self.base / name, name, self.complaints)
        self.hash.update(name.encode("utf-8", "surrogateescape") + shard.digest)
        self.names.take(*shard.names.arrays())
        self.offsets.extend(shard.offsets)
        self.sizes.extend(shard.sizes)
        self.shard.extend([len(self.shards)] * len(shard.names))
        mine = [self.words.setdefault(word, len(self.words)) for word in shard.words]
        self.word.extend(mine[label] for label in shard.labels)
        self.shards.append(name)

    def settle(self, damaged: Damaged) -> tuple[Problem, ...]:
        """Raise DataError with all that is wrong, or return what is left out as warnings."""
        names = [word for word in self.words if not is_number(word)]
        for name in names if len(names) < len(self.words) else ():
            self.complaints.add(MIXED, name)
        return self.complaints.settle(damaged)

    def classes(self, count: int) -> tuple[tuple[str, ...], Tensor]:
        """Return the classes of the first `count` samples, and all samples' labels; raises DataError."""
        words = list(self.words)
        learned = [words[i] for i in sorted(set(self.word[:count]))]
        if words and is_number(words[0]):
            highest = max(map(int, learned), default=0)
            if highest >= count:
                what = f"there are classes up to {highest:,}, and {count:,} training pictures"
                raise refused(self.base, what, "", "Count the classes from 0, without gaps")
            classes = tuple(map(str, range(highest + 1)))
            label = {word: int(word) for word in words if int(word) <= highest}
        else:
            classes = tuple(sorted(learned))
            label = {name: i for i, name in enumerate(classes)}
        complaints = Complaints(str(self.base))
        for word in words:
            if word not in label:
                complaints.add(UNKNOWN, word)
        complaints.settle()
        labels = np.array([label[word] for word in words], np.int64)[np.asarray(self.word)]
        return classes, torch.from_numpy(labels)

    def entries(self) -> Entries:
        """Return where the samples' pictures are."""
        where = Members(
            tuple(self.shards), np.asarray(self.shard), np.asarray(self.offsets), np.asarray(self.sizes)
        )
        return Entries(self.base, self.names, where)


def _named(base: Path, text: str) -> list[str]:
    """Return the names of the shards that a text stands for."""
    if text.startswith("pipe:") or "://" in text:
        fix = "Download them, or mount where they are"
        raise refused(base, "shards are read from files only", f"{text} is none", fix)
    try:
        return expanded(text)
    except RuleError as error:
        raise DataError(error.at(Place(str(base)), "")) from None
