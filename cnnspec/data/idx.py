"""The IDX format of MNIST's files, read with every check (http://yann.lecun.com/exdb/mnist/).

A file is a magic number (two zero bytes, 0x08 for unsigned bytes, the number of
dimensions), each dimension as a big-endian 32-bit integer, then the values.
"""

import gzip
import hashlib
import struct
import zlib
from pathlib import Path

import torch
from torch import Tensor

from cnnspec.catalog import DataFile
from cnnspec.errors import DataError, Place, Problem
from cnnspec.shape import times

UNSIGNED_BYTE = 0x08


def content(path: Path, expected: DataFile) -> bytes:
    """Return a file's bytes, unpacked; never more than one byte beyond what is expected."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as stream:
                return stream.read(expected.size + 1)
        with path.open("rb") as stream:
            return stream.read(expected.size + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged(path, f"it cannot be unpacked: {error}") from None
    except OSError as error:
        fix = "Check its permissions"
        raise DataError(
            Problem("the file cannot be read", error.strerror or "", fix, Place(str(path)))
        ) from None


def parse(data: bytes, expected: DataFile, path: Path) -> Tensor:
    """Return the values of an IDX file's bytes, having checked magic, size, shape, and hash."""
    rank = len(expected.shape)
    magic = bytes((0, 0, UNSIGNED_BYTE, rank))
    if len(data) != expected.size:
        found = f"{len(data):,}" if len(data) < expected.size else f"more than {expected.size:,}"
        raise damaged(path, f"it has {found} bytes instead of {expected.size:,}")
    if data[:4] != magic:
        raise damaged(path, f"it begins with {data[:4].hex(' ')} instead of {magic.hex(' ')}")
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    if shape != expected.shape:
        raise damaged(path, f"its header says {times(shape)} instead of {times(expected.shape)}")
    found = sha256(data)
    if expected.sha256 and found != expected.sha256:
        raise damaged(path, f"its SHA-256 begins with {found[:12]} instead of {expected.sha256[:12]}")
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=4 + 4 * rank).view(shape)


def check_labels(labels: Tensor, classes: int, path: Path) -> None:
    """Raise DataError where a label is not a class."""
    if int(labels.max()) >= classes:
        first = int((labels >= classes).nonzero()[0])
        raise damaged(
            path, f"label {int(labels[first])} of picture {first} is not a class from 0 to {classes - 1}"
        )


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def damaged(path: Path, why: str) -> DataError:
    """Return the error that names a damaged file."""
    return DataError(
        Problem("the file is damaged", why, "Delete it, to have it downloaded again", Place(str(path)))
    )
