"""CIFAR's files, pickled batches of pictures, read without unpickling: nothing in them can run.

A batch is a dictionary: `data` has a picture in each row, all of its red, then of its green, then of its
blue, and `labels` (in CIFAR-100 `fine_labels`) are their classes. Another file has the classes' names.
"""

from typing import Any

import torch

from cnnspec.data.formats import pickled
from cnnspec.data.formats.content import Content, Contents, as_bytes
from cnnspec.data.source import Pictures
from cnnspec.shape import times

LABELS = ("labels", "fine_labels")
NAMES = ("label_names", "fine_label_names")


def read(contents: Contents, part: str) -> Pictures:
    """Return a part of a data set. Raises DataError."""
    _check_names(contents)
    batches = [_batch(contents, key) for key in contents.data_set.files if key.startswith(part)]
    images, labels = (torch.cat(of) if of[1:] else of[0] for of in zip(*batches, strict=True))
    return Pictures(images.contiguous().view(len(images), *contents.data_set.shape), labels)


def _batch(contents: Contents, key: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the rows of a batch, and their labels."""
    content = contents.read(key)
    batch, shape = _dictionary(content), content.file.shape
    rows = pickled.array(batch.get("data"))
    if rows is None:
        raise content.damaged("it has no array 'data'")
    if rows.shape != shape or len(rows.data) != shape[0] * shape[1]:
        found = f"{times(rows.shape)} with {len(rows.data):,} bytes"
        raise content.damaged(f"its array 'data' is {found} instead of {times(shape)}")
    labels = _found(content, batch, LABELS, int)
    if len(labels) != shape[0]:
        raise content.damaged(f"it has {len(labels):,} labels for {shape[0]:,} pictures")
    pictures = as_bytes(bytearray(rows.data))
    pictures = pictures.view(shape[::-1]).T if rows.by_columns else pictures.view(shape)
    return pictures, contents.labels(content, torch.tensor(labels))


def _check_names(contents: Contents) -> None:
    content = contents.read("names")
    names = _found(content, _dictionary(content), NAMES, str)
    for number, (found, name) in enumerate(zip(names, contents.data_set.classes, strict=False)):
        if found != name:
            raise content.damaged(f"it calls class {number} '{found}' instead of '{name}'")
    if len(names) != len(contents.data_set.classes):
        raise content.damaged(f"it names {len(names)} classes instead of {len(contents.data_set.classes)}")


def _dictionary(content: Content) -> dict[Any, Any]:
    """Return what is pickled in a file, its hash checked before."""
    content.check_hash()
    try:
        value = pickled.value(content.data)
    except pickled.UnreadableError as error:
        raise content.damaged(str(error)) from None
    if not isinstance(value, dict):
        raise content.damaged("it holds no dictionary")
    return value


def _found(content: Content, batch: dict[Any, Any], keys: tuple[str, ...], kind: type) -> list[Any]:
    """Return the list that stands under one of the keys."""
    key = next((key for key in keys if key in batch), keys[0])
    value = batch.get(key)
    if not isinstance(value, list) or any(type(item) is not kind for item in value):
        raise content.damaged(f"it has no list '{key}' of {kind.__name__}")
    return value
