"""Arrays of pictures in one of NumPy's files .npz: x_train, y_train, perhaps x_test, y_test, classes."""

import hashlib
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from torch import Tensor

from cnnspec.data.own import Own, check_classes, described, for_test, refused
from cnnspec.data.source import Pictures
from cnnspec.errors import DataError, did_you_mean, one_of, shown
from cnnspec.machine import memory
from cnnspec.memory import in_units
from cnnspec.shape import times

Array = NDArray[Any]

CHUNK = 1 << 20


def read(path: Path, *, test_share: float) -> Own:
    """Return the pictures of a file, checked; raises DataError.

    Where there are no arrays x_test and y_test, of each class that share is for the test. The hash is of
    the file's bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = _Arrays(path, archive)
            train = arrays.pictures("train")
            test = arrays.pictures("test") if arrays.has("x_test") or arrays.has("y_test") else None
            names = arrays.get("classes") if arrays.has("classes") else None
    except FileNotFoundError:
        fix = "Check the name, which counts from the spec's own folder, or say with --data-root where it is"
        raise refused(path, "there is no such file", "", fix) from None
    except IsADirectoryError:
        raise refused(
            path, "this is a folder, not a file", "", "For a folder of pictures use `folder`"
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise refused(path, "the file is no whole .npz file", str(error), _SAVE) from None
    except OSError as error:
        raise refused(
            path, "the file cannot be read", error.strerror or str(error), "Check its permissions"
        ) from None
    classes = _classes(path, names, train, test)
    check_classes(path, classes, train.labels, whole=test is None)
    if test is None:
        chosen = for_test(map(str, range(len(train))), train.labels, test_share)
        train, test = train.select(~chosen), train.select(chosen)
    shape = tuple(train.images.shape[1:])
    other = tuple(test.images.shape[1:])
    if other != shape:
        what = f"the pictures of x_test are {times(other)}, those of x_train {times(shape)}"
        raise refused(path, what, "", "Make all pictures of one size")
    data_set = described("arrays", path, classes, shape, (train, test))
    return Own(data_set, train, test, {"arrays": _hash(path)})


_SAVE = "Write it with numpy.savez(file, x_train=…, y_train=…)"


class _Arrays:
    """The arrays of an open file. A header is checked before memory is taken for what it tells."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self.archive = path, archive
        self.members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}

    def has(self, name: str) -> bool:
        """Tell whether there is an array of that name."""
        return name in self.members

    def get(self, name: str) -> Array:
        """Return an array."""
        if name not in self.members:
            why = f"the file has {one_of(map(shown, self.members))}" if self.members else "the file is empty"
            fix = did_you_mean(name, self.members).replace("Did you mean", "Rename") or _SAVE
            raise refused(self.path, f"there is no array {name}", why, fix)
        info = self.members[name]
        try:
            with self.archive.open(info) as stream:
                shape, dtype = _header(stream)
                if dtype.hasobject:
                    why = "it holds Python objects, which could run anything when they are read"
                    raise refused(self.path, f"{name} is no array of numbers", why, _fix_ragged(name))
                size = dtype.itemsize * int(np.prod(shape, dtype=object))
                there = info.file_size - stream.tell()
                if size != there:
                    why = f"its header tells of {size:,} bytes, and there are {there:,}"
                    raise refused(self.path, f"{name} is damaged", why, _SAVE)
                available = memory()
                if available is not None and size > available // 2:
                    why = f"it takes {in_units(size)}, and this machine has {in_units(available)}"
                    fix = "Use `folder` or `shards`, which are read piece by piece"
                    raise refused(self.path, f"{name} does not fit into memory", why, fix)
            with self.archive.open(info) as stream:
                return np.asarray(npy.read_array(stream, allow_pickle=False))
        except (ValueError, SyntaxError, tokenize.TokenError) as error:  # all of them come from a header
            raise refused(self.path, f"{name} is damaged", str(error), _SAVE) from None

    def pictures(self, part: str) -> Pictures:
        """Return the pictures and labels of a part."""
        x, y = f"x_{part}", f"y_{part}"
        images, labels = self._images(x), self._labels(y)
        if len(images) != len(labels):
            what = f"{x} has {len(images):,} pictures, and {y} has {len(labels):,} labels"
            raise refused(self.path, what, "", "Give each picture one label")
        if not len(labels):
            raise refused(self.path, f"{x} is empty", "", "Put pictures into it")
        return Pictures(images, labels)

    def _images(self, name: str) -> Tensor:
        x = self.get(name)
        _refuse_shape(x, name, lambda what, why, fix: refused(self.path, what, why, fix))
        if x.dtype != np.uint8:
            what = f"{name} is of type {x.dtype}, and must be of uint8, from 0 to 255"
            raise refused(self.path, what, *_other_type(x, name))
        images = torch.from_numpy(x)
        return images.unsqueeze(1) if x.ndim == 3 else images.permute(0, 3, 1, 2).contiguous()

    def _labels(self, name: str) -> Tensor:
        y = self.get(name)
        if y.dtype.kind not in "iu":
            what = f"{name} is of type {y.dtype}, and must hold whole numbers, the classes counted from 0"
            fix = f"{name}.astype('int64')"
            if y.dtype.kind in "US":
                fix = f"classes, {name} = numpy.unique({name}, return_inverse=True), and save classes as well"
            raise refused(self.path, what, "", f"Use {fix}")
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1:
            why = f"it is {times(y.shape)}" if y.ndim else "it is a single number"
            fix = f"Of one column for each class make numbers: {name}.argmax(axis=1)"
            raise refused(
                self.path, f"{name} must have one label for each picture", why, fix if y.ndim == 2 else ""
            )
        if len(y) and (int(y.min()) < 0 or int(y.max()) >= 1 << 31):
            wrong = y[(y < 0) | (y >= 1 << 31)][0]
            raise refused(
                self.path, f"{name} has the label {wrong}", "classes are counted from 0", "Correct it"
            )
        return torch.from_numpy(y.astype(np.int64))


def _header(stream: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = npy.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = npy.read_array_header_2_0(stream)
    else:
        raise ValueError(f"its version {version} of NumPy's format is not read")
    return shape, dtype


def _refuse_shape(x: Array, name: str, error: Callable[[str, str, str], DataError]) -> None:
    """Raise the error of an array that is not (N, H, W) or (N, H, W, 1 or 3), with what to do."""
    if x.ndim == 3 or (x.ndim == 4 and x.shape[3] in (1, 3)):
        if 0 in x.shape[1:]:
            raise error(f"the pictures of {name} have no pixels", f"it is {times(x.shape)}", "")
        return
    what = f"{name} must be pictures × height × width, or with 1 or 3 channels after these"
    fix = ""
    if x.ndim == 4 and x.shape[1] in (1, 3):
        fix = f"Put the channels last: {name}.transpose(0, 2, 3, 1)"
    elif x.ndim == 4 and x.shape[3] == 4:
        fix = f"Leave transparency out: {name}[..., :3]"
    elif x.ndim == 2:
        fix = f"Give each picture its height and width: {name}.reshape(-1, height, width)"
    raise error(what, f"it is {times(x.shape)}" if x.ndim else "it is a single number", fix)


def _other_type(x: Array, name: str) -> tuple[str, str]:
    """Return what values of another type than uint8 there are, and how to make uint8 of them."""
    if x.dtype.kind == "b":
        return "", f"Use {name}.astype('uint8') * 255"
    if x.dtype.kind not in "iuf" or not x.size:
        return "", "Save the pixels as uint8"
    low, high = x.min(), x.max()
    if not np.isfinite(low + high):
        fix = "Replace what is not finite"
    elif low < 0:
        fix = "Undo what was done to the pixels: normalization is the spec's task"
    elif high <= 1 and x.dtype.kind == "f":
        fix = f"Use ({name} * 255).round().astype('uint8')"
    elif high <= 255:
        fix = f"Use {name}.round().astype('uint8')"
    else:
        fix = f"Scale it: ({name} * (255 / {high:g})).round().astype('uint8')"
    return f"it has values from {low:g} to {high:g}", fix


def _fix_ragged(name: str) -> str:
    return f"Make all pictures of one size, and {name} one array of uint8" if name[0] == "x" else _SAVE


def _classes(path: Path, names: Array | None, train: Pictures, test: Pictures | None) -> tuple[str, ...]:
    """Return the classes' names: those given, or their numbers."""
    highest = int(train.labels.max())
    if names is None:
        classes = tuple(map(str, range(highest + 1))) if highest < len(train) else ()
        count = highest + 1
    else:
        if names.ndim != 1 or names.dtype.kind != "U" or len(set(names.tolist())) != len(names):
            what = "classes must be a list of texts, a different one for each class"
            raise refused(path, what, "", "Save it with numpy.array([…], dtype='U')")
        classes = tuple(names.tolist())
        count = len(classes)
    for name, part in (("y_train", train), ("y_test", test)):
        wrong = part.labels >= count if part else torch.zeros(0)
        if wrong.any() and part:
            first = int(wrong.nonzero()[0])
            what = f"{name} has the label {int(part.labels[first])}, of picture {first}"
            why = f"the classes are 0 to {count - 1}" + (" as y_train has them" if names is None else "")
            raise refused(path, what, why, "Correct the label, or name all classes in an array classes")
    if not classes:
        what = f"y_train has labels up to {highest:,}, and {len(train):,} pictures"
        raise refused(
            path, what, "there cannot be more classes than pictures", "Count the classes from 0, without gaps"
        )
    return classes


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
