"""A run on a few small pictures, trained in a second, for the tests of what tells about runs."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import cnnspec

CLASSES, SIDE = 3, 8
TRAIN, TEST, WRONG = 30, 20, 4
"""Pictures of each class to learn from and to test on, and how many of the latter have another class's label."""

SPEC = """
name: tiny
description: A network for tests.
input: [1, 8, 8]
layers:
  - conv: {filters: 4, kernel: 3}
  - relu
  - flatten
  - fc: 3
data: {arrays: %s}
train: {epochs: 3, batch_size: 30, optimizer: {adam: {lr: 0.01}}}
"""


def write_pictures(path: Path, seed: int = 0) -> Path:
    """Write pictures whose class is where their bright square is; some labels of the test are wrong."""
    draw = np.random.default_rng(seed)
    (x_train, y_train), (x_test, y_test) = (_pictures(draw, count) for count in (TRAIN, TEST))
    y_test[:WRONG] = 1
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


def _pictures(draw: np.random.Generator, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    labels = np.repeat(np.arange(CLASSES), count)
    pictures = draw.integers(0, 60, (len(labels), SIDE, SIDE), dtype=np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        picture[label * 2 : label * 2 + 3, label * 2 : label * 2 + 3] = 255
    return pictures, labels


def train_tiny(folder: Path, seed: int = 0, **options: float) -> Path:
    """Write the pictures beside the folder, train on them, and return the run's folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    data = write_pictures(folder.parent / "pictures.npz")
    spec = cnnspec.loads(SPEC % data)
    cnnspec.train(spec, out=folder, seed=seed, device="cpu", threads=1, **options)  # type: ignore[arg-type]
    return folder
