"""A folder of pictures: a folder a class, all together or in train/ and test/.

Classes and files come in the order of torchvision's ImageFolder, by name. Hidden files and folders
are passed over, and links are followed; since nothing is looked for below a class's folder, no loop of
links is.
"""

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cnnspec.data.entries import Entries, Names
from cnnspec.data.heads import ENDINGS, beginning, is_picture
from cnnspec.data.own import (
    EMPTY,
    NO_PICTURE,
    UNREADABLE,
    Complaints,
    Kind,
    Own,
    check_classes,
    described,
    for_test,
    refused,
)
from cnnspec.data.source import Damaged, Files, typical_shape

TRAIN = "train"
TESTS = ("test", "val", "valid", "validation")
"""Names of the folder with the test part; the first that is there."""

HEAD = 1024
"""Bytes of a file that its hash covers, beside its name and size."""

LITTER = ("Thumbs.db", "desktop.ini", "__MACOSX")
"""What systems leave in folders."""

NESTED = Kind(
    "1 folder is inside that of a class",
    "{} folders are inside those of classes",
    "Put all pictures of a class directly into its folder",
)
NO_FILE = Kind(
    "1 entry is not a file (a link that leads nowhere, or a device)",
    "{} entries are not files (links that lead nowhere, or devices)",
    "Remove such entries",
)
NO_PICTURES = Kind(
    "1 class has no pictures in its folder",
    "{} classes have no pictures in their folders",
    "Add some, or remove the folder",
)
NO_CLASS = Kind(
    "1 picture is in no class's folder", "{} pictures are in no class's folder", "Move them into one"
)
ONLY_TRAIN = Kind(
    "1 class of the training part is missing in the test part",
    "{} classes of the training part are missing in the test part",
    "Give both parts the same folders",
)
ONLY_TEST = Kind(
    "1 class of the test part is missing in the training part",
    "{} classes of the test part are missing in the training part",
    "Give both parts the same folders",
)


def read(path: Path, *, test_share: float, damaged: Damaged = "error") -> Own:
    """Return the pictures of a folder, every file's head checked; raises DataError with all that is wrong.

    Where there is no test part, of each class that share is for the test. The hash is of names, sizes
    and each file's first KiB.
    """
    scan = _Scan(path)
    train, test = _parts(path)
    classes = scan.part(train)
    count = len(scan.names)
    if test:
        _compare(classes, scan.part(test), scan.complaints)
    left_out = scan.complaints.settle(damaged)
    labels = torch.frombuffer(bytearray(scan.labels), dtype=torch.int32).long()
    check_classes(path, classes, labels[:count], whole=not test)
    entries = Entries(path, scan.names)
    files = Files(entries, np.arange(len(entries)), labels, damaged)
    chosen = _after(count, len(files)) if test else for_test(scan.names, labels, test_share)
    parts = files.select(~chosen), files.select(chosen)
    data_set = described("folder", path, classes, typical_shape(parts[0]), parts)
    return Own(data_set, *parts, {"folder": scan.hash.hexdigest()}, left_out)


class _Scan:
    """The files of one part after the other, in order, with their labels, and what is wrong with them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names, self.labels = Names(), bytearray()
        self.complaints = Complaints(str(path))
        self.hash = hashlib.sha256()

    def part(self, name: str) -> list[str]:
        """Look through a part, the folder itself if its name is empty, and return its classes."""
        folder = self.path / name
        classes = list[str]()
        for entry in _listed(folder):
            if _is_folder(entry):
                self._class(entry, "/".join(filter(None, (name, entry.name))), len(classes))
                classes.append(entry.name)
            elif entry.name.lower().endswith(ENDINGS):
                self.complaints.add(NO_CLASS, "/".join(filter(None, (name, entry.name))))
        if not classes:
            raise refused(
                folder,
                "there are no classes: the folder has no folders in it",
                "the pictures of each class are expected in a folder of their own",
                "Sort the pictures into folders, each named after its class",
            )
        return classes

    def _class(self, folder: os.DirEntry[str], name: str, label: int) -> None:
        before, seen = len(self.names), self.complaints.counts.copy()
        for entry in _listed(Path(folder.path)):
            file = f"{name}/{entry.name}"
            if _is_folder(entry):
                self.complaints.add(NESTED, file)
            elif self._is_good(entry, file):
                self.names.append(file)
                self.labels += label.to_bytes(4, "little")
        if len(self.names) == before and self.complaints.counts == seen:
            self.complaints.add(NO_PICTURES, name)

    def _is_good(self, entry: os.DirEntry[str], file: str) -> bool:
        """Tell whether an entry is a picture by its first bytes, which are added to the hash."""
        try:
            if not _is_file(entry):
                self.complaints.add(NO_FILE, file)
                return False
            with io.FileIO(entry.path) as stream:
                head, size = stream.read(HEAD), os.fstat(stream.fileno()).st_size
        except OSError as error:
            self.complaints.add(UNREADABLE, f"{file}: {error.strerror}")
            return False
        self.hash.update(b"%d/%d/" % (len(os.fsencode(file)), size) + os.fsencode(file) + head)
        if not head:
            self.complaints.add(EMPTY, file)
        elif not is_picture(head):
            self.complaints.add(NO_PICTURE, f"{file} begins with {beginning(head)}")
        else:
            return True
        return False


def _parts(path: Path) -> tuple[str, str]:
    """Return the names of the folders with the two parts, empty where there are none.

    A folder train/ is a class and no part where it has pictures only and nothing looks like a test part.
    """
    folders = {entry.name: entry for entry in _listed(path) if _is_folder(entry)}
    test = next((name for name in TESTS if name in folders), "")
    if TRAIN in folders and (test or any(map(_is_folder, _listed(path / TRAIN)))):
        return TRAIN, test
    if "test" in folders:
        raise refused(
            path, "there is a folder test/, but no folder train/", "", "Name the training part train/"
        )
    return "", ""


def _compare(train: list[str], test: list[str], complaints: Complaints) -> None:
    for kind, ours, theirs in ((ONLY_TRAIN, train, test), (ONLY_TEST, test, train)):
        for name in sorted(set(ours) - set(theirs)):
            complaints.add(kind, name)


def _after(count: int, total: int) -> Tensor:
    return torch.arange(total) >= count


def _listed(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder, by name, without what is hidden."""
    try:
        with os.scandir(folder) as entries:
            found = [e for e in entries if not e.name.startswith(".") and e.name not in LITTER]
    except FileNotFoundError:
        fix = "Check the name, which counts from the spec's own folder, or say with --data-root where it is"
        raise refused(folder, "there is no such folder", "", fix) from None
    except NotADirectoryError:
        fix = "Name the folder that has a folder of pictures for each class"
        raise refused(folder, "this is a file, not a folder", "", fix) from None
    except OSError as error:
        raise refused(
            folder, "the folder cannot be read", error.strerror or "", "Check its permissions"
        ) from None
    yield from sorted(found, key=lambda e: e.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links in a circle
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # as above
        return False
