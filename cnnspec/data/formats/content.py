"""What the formats have in common: files read whole, their size and hash checked; labels that are classes."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cnnspec.catalog import DataFile, DataSet
from cnnspec.data.find import path_of
from cnnspec.data.whole import MAX_BYTES, Measure
from cnnspec.errors import DataError, Place, Problem

CHUNK = 1 << 20
TURNED = 1024
"""Pictures that are turned at a time."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes, unpacked, of the size that is expected. `flaw` is what is wrong with its hash."""

    path: Path
    file: DataFile
    data: bytearray
    flaw: str
    fix: str

    def check_hash(self) -> None:
        """Raise DataError where the hash is known and is another."""
        if self.flaw:
            raise self.damaged(self.flaw)

    def damaged(self, why: str) -> DataError:
        """Return the error that the file is damaged."""
        return damaged(self.path, why, self.fix)


class Contents:
    """The files of a data set in a folder; `hashes` gets the SHA-256 of each that is read."""

    def __init__(self, data_set: DataSet, folder: Path) -> None:
        self.data_set, self.folder = data_set, folder
        self.hashes: dict[str, str] = {}
        self.fix = "Delete it, to have it downloaded again"
        if str(folder) in data_set.system:
            self.fix = "Reinstall the package that it comes from"

    def read(self, key: str) -> Content:
        """Return a file's content. Raises DataError where it cannot be read, or has another size."""
        file = self.data_set.files[key]
        path = path_of(self.folder, file.name)
        data = self._bytes(path, file)
        measure = Measure(file)
        measure.add(data)
        content = Content(path, file, data, measure.flaw, self.fix)
        if measure.is_too_large or measure.size < file.size:
            content.check_hash()
        self.hashes[file.name] = hashlib.sha256(data).hexdigest()
        return content

    def _bytes(self, path: Path, file: DataFile) -> bytearray:
        """Return a file's bytes, unpacked; never more than one byte beyond what is expected."""
        rest, data = (file.size or MAX_BYTES) + 1, bytearray()
        packed = path.name != file.name
        try:
            with gzip.open(path) if packed else path.open("rb") as stream:
                while chunk := stream.read(min(CHUNK, rest - len(data))):
                    data += chunk
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise damaged(path, f"it cannot be unpacked: {error}", self.fix) from None
        except OSError as error:
            why, fix = error.strerror or str(error), "Check its permissions"
            raise DataError(Problem("the file cannot be read", why, fix, Place(str(path)))) from None
        return data

    def labels(self, content: Content, values: Tensor) -> Tensor:
        """Return labels that count from 0, in int64. Raises DataError where one is not a class."""
        first = self.data_set.first_label
        last = first + len(self.data_set.classes) - 1
        values = values.long()
        wrong = (values < first) | (values > last)
        if wrong.any():
            index = int(wrong.nonzero()[0])
            told = f"label {int(values[index])} of picture {index} is not a class from {first} to {last}"
            raise content.damaged(told)
        return values - first

    def upright(self, images: Tensor) -> Tensor:
        """Return square pictures with rows first; they are turned in their own memory where they are not."""
        if self.data_set.by_columns:
            for some in images.split(TURNED):
                some.copy_(some.transpose(-1, -2).clone())
        return images


def damaged(path: Path, why: str, fix: str) -> DataError:
    """Return the error that names a damaged file."""
    return DataError(Problem("the file is damaged", why, fix, Place(str(path))))


def as_bytes(data: bytearray, offset: int = 0) -> Tensor:
    """Return bytes as a tensor that shares their memory."""
    return torch.frombuffer(data, dtype=torch.uint8, offset=offset)
