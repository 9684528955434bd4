"""USPS's files, in libsvm's format, packed with bzip2.

A line is a picture: its label from 1 on, and ``NUMBER:VALUE`` for each of its 256 pixels, counted from 1,
with values from −1 to 1.
"""

import bz2
import io
import warnings

import numpy as np
import torch
from numpy.typing import NDArray

from cnnspec.data.formats.content import Content, Contents
from cnnspec.data.source import Pictures

LONGEST = 32
"""Characters that a pixel has at most."""


def read(contents: Contents, part: str) -> Pictures:
    """Return a part of the data set. Raises DataError."""
    content = contents.read(part)
    content.check_hash()
    count, pixels = content.file.shape
    text = _unpacked(content, count * pixels * LONGEST)
    lines, colons = len(text.splitlines()), text.count(b":")
    if (lines, colons) != (count, count * pixels):
        told = f"it has {lines:,} lines with {colons:,} pixels"
        raise content.damaged(f"{told} instead of {count:,} with {pixels} each")
    table = _numbers(text.replace(b":", b" "))
    if table.size != count * (1 + 2 * pixels):
        raise content.damaged("what stands in it is not all numbers")
    table = table.reshape(count, 1 + 2 * pixels)
    values = table[:, 2::2].astype(np.float32)
    labels = table[:, 0]
    for good, why in (
        ((table[:, 1::2] == np.arange(1, pixels + 1)).all(1), f"pixels are not numbered from 1 to {pixels}"),
        ((np.abs(values) <= 1).all(1), "pixels are not from −1 to 1"),
        (labels % 1 == 0, "the label is not a whole number"),
    ):
        if not good.all():
            raise content.damaged(f"in line {int(good.argmin()) + 1}, {why}")
    images = torch.from_numpy(((values + 1) / 2 * 255).astype(np.uint8))
    whole = torch.from_numpy(labels.astype(np.int64))
    return Pictures(images.view(count, *contents.data_set.shape), contents.labels(content, whole))


def _unpacked(content: Content, most: int) -> bytes:
    try:
        with bz2.open(io.BytesIO(content.data)) as stream:
            text = stream.read(most + 1)
    except (EOFError, OSError, ValueError) as error:
        raise content.damaged(f"it cannot be unpacked: {error}") from None
    if len(text) > most:
        raise content.damaged(f"it unpacks to more than {most:,} bytes")
    return text


def _numbers(text: bytes) -> NDArray[np.float64]:
    """Return the numbers of a text, or none at all where a word is no number."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "error", DeprecationWarning
        )  # what numpy says of such a word, before it is an error
        try:
            return np.fromstring(text, sep=" ")
        except (DeprecationWarning, ValueError):
            return np.empty(0)
