"""A folder of 100,000 pictures: how much memory it takes to go through, and how many are decoded a second.

Each row is a process of its own, which looks through the folder (every file's head), and decodes an epoch
in random order, by itself or in so many worker processes, as the trainer does. Memory is by how much the
process, and the largest of its workers, grew over what it had when everything was imported.
"""

import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import parser, report
from PIL import Image

MIB = 1024**2
CLASSES = 100
DIFFERENT = 500
SIZE = (96, 128)
SHAPE = (3, 64, 64)
BATCH = 128
TARGET = 100
"""MiB that a process may grow by."""


def main() -> int:
    """Print a row for each number of workers and say whether memory stays bounded."""
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=100_000, help="pictures (100,000)")
    options.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--only", metavar="FOLDER", help="measure there, with the first of the workers")
    chosen = options.parse_args()
    if chosen.only:
        print(json.dumps(_measured(Path(chosen.only), chosen.workers[0])))
        return 0
    with tempfile.TemporaryDirectory() as root:
        write_pictures(Path(root), chosen.count)
        rows = [_child(root, workers) for workers in chosen.workers]
    most = max(row["process MiB"] + row["a worker MiB"] for row in rows)
    facts = {"target MiB": TARGET, "reached": most <= TARGET}
    report(f"{chosen.count:,} JPEGs of {SIZE[0]}×{SIZE[1]} as inputs of 3×64×64", rows, chosen.json, **facts)
    return 0 if most <= TARGET else 1


def write_pictures(root: Path, count: int) -> None:
    """Write pictures with something to see in them: coarse noise, as JPEGs of 2 KB."""
    rng = np.random.default_rng(0)
    encoded = []
    for _ in range(DIFFERENT):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8))
        stream = io.BytesIO()
        coarse.resize(SIZE[::-1], Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
        encoded.append(stream.getvalue())
    for label in range(CLASSES):
        (root / f"class{label:03}").mkdir(parents=True)
    for i in range(count):
        (root / f"class{i % CLASSES:03}" / f"picture{i:07}.jpg").write_bytes(encoded[i % DIFFERENT])


def _child(root: str, workers: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--only", root, "--workers", str(workers)]
    row: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return row


def _measured(root: Path, workers: int) -> dict[str, Any]:
    # Not at the top: Linux counts what the process that starts another has for the other one's peak, too.
    import torch

    from cnnspec.data import folder
    from cnnspec.data.source import Files
    from cnnspec.training.decoders import Decoders

    torch.set_num_threads(1)
    base = largest(resource.RUSAGE_SELF)
    started = time.perf_counter()
    train = folder.read(root, test_share=0.01).train
    indexed = time.perf_counter()
    if not isinstance(train, Files):
        raise TypeError(train)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    decoders = Decoders([train], SHAPE, workers)
    count = sum(len(read.inputs) for read in decoders.read(0, order.split(BATCH)))
    seconds = time.perf_counter() - indexed
    del decoders
    return {
        "workers": workers,
        "looked through s": round(indexed - started, 1),
        "epoch s": round(seconds, 1),
        "pictures a second": round(count / seconds),
        "process MiB": round((largest(resource.RUSAGE_SELF) - base) / MIB),
        "a worker MiB": max(0, round((largest(resource.RUSAGE_CHILDREN) - base) / MIB)),
    }


def largest(who: int) -> int:
    """Return the most bytes that a process had in memory."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(who).ru_maxrss * unit


if __name__ == "__main__":
    sys.exit(main())
