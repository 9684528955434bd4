"""Small files in the real formats of all data sets, and the data sets declared so small."""

import bz2
import functools
import hashlib
import io
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from cnnspec.catalog import DATA_SETS, DataFile, DataSet
from cnnspec.shape import volume

COUNTS = {"train": 40, "test": 14}
NAMED = [d.name for d in DATA_SETS.values() if d.files]
"""The data sets that have files."""

Files = dict[str, bytes]


def small(name: str, *, hashed: bool = True) -> tuple[DataSet, Files]:
    """Return a data set as the catalog has it but with few pictures, and its files by their keys."""
    data_set, files = _small(name, hashed)
    return data_set, files.copy()


@functools.cache
def _small(name: str, hashed: bool) -> tuple[DataSet, Files]:
    full = DATA_SETS[name]
    draw = np.random.default_rng(len(name))
    files = {key: WRITERS[full.format](full, key, draw) for key in full.files}
    declared = {key: _declared(full.files[key], key, data, hashed=hashed) for key, data in files.items()}
    return replace(full, files=declared, system=()), files


def write(root: Path, data_set: DataSet, files: Files) -> Path:
    """Write the files of a data set where torchvision has them below a root, and return their folder."""
    folder = root / data_set.folder
    folder.mkdir(parents=True, exist_ok=True)
    for key, data in files.items():
        (folder / data_set.files[key].name).write_bytes(data)
    return folder


def count(key: str) -> int:
    """Return how many pictures the file of that key has."""
    return 9 if key[-1].isdigit() else COUNTS[key.partition("_")[0]]


def _declared(file: DataFile, key: str, data: bytes, *, hashed: bool) -> DataFile:
    shape = (count(key), *file.shape[1:]) if file.shape else ()
    size = len(data) if file.size else 0
    md5 = hashlib.md5(data).hexdigest() if hashed and file.md5 else ""  # noqa: S324  # what is published
    sha256 = hashlib.sha256(data).hexdigest() if hashed and file.sha256 else ""
    return replace(file, shape=shape, size=size, md5=md5, sha256=sha256)


def _labels(full: DataSet, key: str, draw: np.random.Generator) -> NDArray[np.int64]:
    """Return labels as they stand in the files; the first and the last class are among them."""
    labels = draw.integers(0, len(full.classes), count(key))
    labels[:2] = 0, len(full.classes) - 1
    return labels + full.first_label


def _pixels(full: DataSet, key: str, draw: np.random.Generator) -> NDArray[np.uint8]:
    return draw.integers(0, 256, (count(key), *full.shape), np.uint8)


def idx_file(values: NDArray[Any]) -> bytes:
    """Return unsigned bytes or integers in IDX."""
    kind = 8 if values.dtype == np.uint8 else 12
    header = bytes((0, 0, kind, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


def _idx(full: DataSet, key: str, draw: np.random.Generator) -> bytes:
    if key.endswith("images"):
        return idx_file(_pixels(full, key, draw)[:, 0])
    labels = _labels(full, key, draw)
    if full.files[key].name.endswith("-ubyte"):
        return idx_file(labels.astype(np.uint8))
    more = draw.integers(-5, 1 << 30, (len(labels), full.files[key].shape[1] - 1))
    return idx_file(np.column_stack([labels, more]).astype(np.int32))


def cifar_batch(full: DataSet, key: str, draw: np.random.Generator) -> dict[str, Any]:
    """Return what is pickled in a batch, in CIFAR's order."""
    labels = _labels(full, key, draw).tolist()
    rows = _pixels(full, key, draw).reshape(len(labels), -1)
    names = [f"{full.classes[label]}_s_{i:06}.png" for i, label in enumerate(labels)]
    if full.name == "cifar10":
        return {"batch_label": "training batch", "labels": labels, "data": rows, "filenames": names}
    coarse = [label // 5 for label in labels]
    return {
        "filenames": names,
        "batch_label": "x",
        "fine_labels": labels,
        "coarse_labels": coarse,
        "data": rows,
    }


COARSE = (
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables",
    "household_electrical_devices", "household_furniture", "insects", "large_carnivores",
    "large_man-made_outdoor_things", "large_natural_outdoor_scenes", "large_omnivores_and_herbivores",
    "medium_mammals", "non-insect_invertebrates", "people", "reptiles", "small_mammals", "trees",
    "vehicles_1", "vehicles_2",
)  # fmt: skip
"""The kinds that CIFAR-100 sorts its classes into."""


def cifar_names(full: DataSet) -> bytes:
    """Return the file with the classes' names, byte for byte the real one."""
    if full.name == "cifar100":
        return python2_pickle({"fine_label_names": list(full.classes), "coarse_label_names": list(COARSE)})
    return python2_pickle({"num_cases_per_batch": 10_000, "label_names": list(full.classes), "num_vis": 3072})


def _cifar(full: DataSet, key: str, draw: np.random.Generator) -> bytes:
    return cifar_names(full) if key == "names" else python2_pickle(cifar_batch(full, key, draw))


def python2_pickle(value: Any) -> bytes:
    """Return plain values and arrays of bytes as Python 2's cPickle writes them, in protocol 2."""
    kept = 0

    def keep() -> bytes:
        nonlocal kept
        kept += 1
        return b"q" + bytes([kept]) if kept < 256 else b"r" + struct.pack("<I", kept)

    def text(data: bytes) -> bytes:
        return (b"U" + bytes([len(data)]) if len(data) < 256 else b"T" + struct.pack("<i", len(data))) + data

    def number(value: int) -> bytes:
        if 0 <= value < 1 << 16:
            return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)
        return b"J" + struct.pack("<i", value)

    def array(values: NDArray[np.uint8]) -> bytes:
        by_columns = not values.flags.c_contiguous
        made = b"cnumpy.core.multiarray\n_reconstruct\n" + keep() + b"cnumpy\nndarray\n" + keep()
        made += number(0) + b"\x85" + keep() + b"U\x01b\x87" + keep() + b"R" + keep()
        shape = b"".join(map(number, values.shape)) + b"\x86" + keep()
        kind = b"cnumpy\ndtype\n" + keep() + b"U\x02u1K\0K\1\x87" + keep() + b"R" + keep()
        kind += b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
        data = text(values.tobytes("A"))
        return made + b"(K\1" + shape + kind + (b"\x88" if by_columns else b"\x89") + data + b"tb"

    def one(value: Any) -> bytes:
        if isinstance(value, dict):
            begin = b"}" + keep() + b"("
            return begin + b"".join(one(key) + one(item) for key, item in value.items()) + b"u"
        if isinstance(value, list):
            begin = b"]" + keep()
            parts = [value[i : i + 1000] for i in range(0, len(value), 1000)]
            return begin + b"".join(b"(" + b"".join(map(one, part)) + b"e" for part in parts)
        if isinstance(value, str):
            return text(value.encode("latin-1")) + keep()
        return array(value) if isinstance(value, np.ndarray) else number(value)

    return b"\x80\x02" + one(value) + b"."


def mat_file(**variables: NDArray[Any]) -> bytes:
    """Return arrays as MATLAB writes them."""
    stream = io.BytesIO()
    savemat(stream, variables, do_compression=True)
    return stream.getvalue()


def _svhn(full: DataSet, key: str, draw: np.random.Generator) -> bytes:
    labels = _labels(full, key, draw).astype(np.uint8)
    labels[labels == 0] = 10
    return mat_file(X=_pixels(full, key, draw).transpose(2, 3, 1, 0), y=labels[:, None])


def _stl10(full: DataSet, key: str, draw: np.random.Generator) -> bytes:
    if key.endswith("labels"):
        return _labels(full, key, draw).astype(np.uint8).tobytes()
    return _pixels(full, key, draw).transpose(0, 1, 3, 2).tobytes()


def usps_lines(full: DataSet, key: str, draw: np.random.Generator) -> list[str]:
    """Return the lines of a file in libsvm's format, with values as USPS has them."""
    values = np.round(draw.uniform(-1, 1, (count(key), volume(full.shape))), 3)
    values[:, :20] = -1
    values[0, -1] = 1
    return [
        " ".join([str(label), *(f"{i}:{value:g}" for i, value in enumerate(row, start=1))]) + " \n"
        for label, row in zip(_labels(full, key, draw), values, strict=True)
    ]


def _usps(full: DataSet, key: str, draw: np.random.Generator) -> bytes:
    return bz2.compress("".join(usps_lines(full, key, draw)).encode())


WRITERS: dict[str, Callable[[DataSet, str, np.random.Generator], bytes]] = {
    "idx": _idx,
    "cifar": _cifar,
    "svhn": _svhn,
    "stl10": _stl10,
    "usps": _usps,
}
