"""Training from a folder that does not fit into memory: bounded memory, and the time beside one that does.

An epoch with a tenth of the pictures and with all of them, decoded from disk by worker processes, and one
with all of them held in memory. Each is a process of its own; memory is the most that it, and the
largest of its workers, had in all. `all s` is the time from the start to the end of the training, and
`epoch s` that of the epoch with its test, for which those in memory have been decoded before.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import parser, report
from folder_memory import MIB, SHAPE, largest, write_pictures

import cnnspec

SPEC = """
input: [3, 64, 64]
layers:
  - conv: {filters: 16, kernel: 5, stride: 2}
  - relu
  - maxpool: 2
  - conv: {filters: 32, kernel: 3}
  - relu
  - maxpool: 2
  - flatten
  - fc: 100
train: {epochs: 1, batch_size: 128}
"""
TARGET = 100
"""MiB that ten times the pictures may take more."""


def main() -> int:
    """Print a row for each training and say whether memory stays bounded."""
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=100_000, help="pictures (100,000)")
    options.add_argument(
        "--only", nargs=2, metavar=("FOLDER", "WHERE"), help="train there, from memory or disk"
    )
    chosen = options.parse_args()
    if chosen.only:
        print(json.dumps(_trained(Path(chosen.only[0]), held=chosen.only[1] == "memory")))
        return 0
    with tempfile.TemporaryDirectory() as root:
        few, all_of_them = Path(root, "few"), Path(root, "all")
        write_pictures(few, chosen.count // 10)
        write_pictures(all_of_them, chosen.count)
        rows = [_child(*where) for where in ((few, "disk"), (all_of_them, "disk"), (all_of_them, "memory"))]
    more = rows[1]["process MiB"] - rows[0]["process MiB"]
    facts = {"more for all MiB": more, "target MiB": TARGET, "reached": more <= TARGET}
    height, width = SHAPE[1:]
    report(
        f"An epoch of a small network on JPEGs as inputs of 3×{height}×{width}", rows, chosen.json, **facts
    )
    return 0 if more <= TARGET else 1


def _child(folder: Path, where: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--only", str(folder), where]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    row: dict[str, Any] = json.loads(done.stdout)
    return {"from": where} | row


def _trained(folder: Path, *, held: bool) -> dict[str, Any]:
    # Not at the top: Linux counts what the process that starts another has for the other one's peak, too.
    import yaml

    from cnnspec.training import split

    if not held:
        split.SHARE = 1 << 40  # as if hardly any memory were free
    plain = yaml.safe_load(SPEC) | {"data": {"folder": str(folder), "test_share": 0.05}}
    if held:
        plain["train"]["data_on_device"] = True
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        result = cnnspec.train(cnnspec.loads(yaml.safe_dump(plain)), out=Path(out, "run"), threads=1)
        seconds = time.perf_counter() - started
    return {
        "pictures": sum(1 for _ in folder.glob("*/*")),
        "all s": round(seconds, 1),
        "epoch s": round(result.history[-1]["seconds"], 1),
        "process MiB": round(largest(resource.RUSAGE_SELF) / MIB),
        "a worker MiB": round(largest(resource.RUSAGE_CHILDREN) / MIB),
    }


if __name__ == "__main__":
    sys.exit(main())
