"""The IDX format of MNIST's files (http://yann.lecun.com/exdb/mnist/).

A file is a magic number (two zero bytes, the type of the values, the number of dimensions), each
dimension as a big-endian 32-bit integer, then the values. Types are 0x08 for unsigned bytes and
0x0c for integers of 32 bits, big-endian; QMNIST has eight such for a picture, the first of which is
its class.
"""

import struct

import numpy as np
import torch
from torch import Tensor

from cnnspec.data.formats.content import Content, Contents, as_bytes
from cnnspec.data.source import Pictures
from cnnspec.shape import times

BYTE, INT = 0x08, 0x0C


def read(contents: Contents, part: str) -> Pictures:
    """Return a part of a data set. Raises DataError."""
    images = values(contents.read(f"{part}_images")).unsqueeze(1)
    content = contents.read(f"{part}_labels")
    labels = values(content).view(len(images), -1)[:, 0]
    return Pictures(contents.upright(images), contents.labels(content, labels))


def values(content: Content) -> Tensor:
    """Return the values of a file, having checked magic, shape, and hash; its name says their type."""
    shape, data = content.file.shape, content.data
    kind = INT if content.file.name.endswith("-int") else BYTE
    magic, start = bytes((0, 0, kind, len(shape))), 4 + 4 * len(shape)
    if data[:4] != magic:
        raise content.damaged(f"it begins with {data[:4].hex(' ')} instead of {magic.hex(' ')}")
    found = struct.unpack(f">{len(shape)}I", data[4:start])
    if found != shape:
        raise content.damaged(f"its header says {times(found)} instead of {times(shape)}")
    content.check_hash()
    if kind == BYTE:
        return as_bytes(data, start).view(shape)
    return torch.from_numpy(np.frombuffer(data, ">i4", offset=start).astype(np.int64)).view(shape)
