"""Small pictures of a user's own, in files, folders and shards, for the tests of what reads them."""

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int = 0, size: tuple[int, int] = (8, 8), kind: str = "PNG", mode: str = "RGB") -> bytes:
    """Return a picture file's bytes, another one for each seed; size is height and width."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, kind)
    return stream.getvalue()


def make_folder(root: Path, counts: Mapping[str, int], **how: str) -> Path:
    """Write so many pictures for each class, named by its folder below the root."""
    for number, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (root / name / f"{i:03}.png").write_bytes(picture(1000 * number + i, **how))  # type: ignore[arg-type]
    return root


def make_tar(path: Path, members: Iterable[tuple[str, bytes]], form: int = tarfile.PAX_FORMAT) -> Path:
    """Write a tar file."""
    with tarfile.open(path, "w", format=form) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def samples(first: int, count: int, classes: int = 2) -> list[tuple[str, bytes]]:
    """Return the members of shards' samples: a picture and a class each."""
    members = []
    for i in range(first, first + count):
        members += [(f"{i:06}.png", picture(i)), (f"{i:06}.cls", str(i % classes).encode())]
    return members


def cut(path: Path, share: float) -> None:
    """Leave only that share of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
