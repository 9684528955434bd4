"""`cnnspec train specs/lenet5-fast.yaml` as a whole process beside the tutorial's loop over its 10 epochs.

Each seed is a process of its own, which must reach the accuracy that the tutorial's loop ends at. The
tutorial's loop runs once, after half of the seeds.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import ROOT, median, parser, report

SPEC = ROOT / "specs" / "lenet5-fast.yaml"
TUTORIAL = Path(__file__).with_name("tutorial.py")
TARGET, ACCURACY = 0.1, 98.97


def main() -> int:
    """Run all, and say whether the targets are reached."""
    options = parser(__doc__)
    options.add_argument("--spec", default=str(SPEC), help="what cnnspec trains")
    options.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    options.add_argument("--epochs", type=int, default=10, help="of the tutorial's loop")
    chosen = options.parse_args()
    half = (len(chosen.seeds) + 1) // 2
    rows = [_ours(chosen.spec, seed, chosen.data_root) for seed in chosen.seeds[:half]]
    tutorial = _tutorial(chosen.epochs, chosen.data_root)
    rows += [_ours(chosen.spec, seed, chosen.data_root) for seed in chosen.seeds[half:]]
    ratio = median([row["seconds"] for row in rows]) / tutorial["seconds"]
    reached = ratio <= TARGET and all(row["test accuracy %"] >= ACCURACY for row in rows)
    facts = {
        "targets": {"ratio": TARGET, "accuracy %": ACCURACY},
        "ratio of our median": round(ratio, 3),
        "ratio of our slowest": round(max(row["seconds"] for row in rows) / tutorial["seconds"], 3),
    }
    title = f"{Path(chosen.spec).name} beside the tutorial's {chosen.epochs} epochs, as whole processes"
    report(title, [*rows, tutorial], chosen.json, **facts, reached=reached)
    return 0 if reached else 1


def _ours(spec: str, seed: int, data_root: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("cnnspec")), "train", spec, "--seed", str(seed)]
        command += ["--format", "json", "--no-sample", "--out", folder, "--data-root", data_root]
        text, seconds = _timed(command)
    return {
        "process": f"cnnspec, seed {seed}",
        "seconds": seconds,
        "test accuracy %": round(100 * json.loads(text)["accuracy"], 2),
    }


def _tutorial(epochs: int, data_root: str) -> dict[str, Any]:
    command = [sys.executable, str(TUTORIAL), "--epochs", str(epochs), "--data-root", data_root]
    text, seconds = _timed(command)
    accuracy = round(100 * float(text.splitlines()[-1]), 2)
    return {"process": "tutorial", "seconds": seconds, "test accuracy %": accuracy}


def _timed(command: list[str]) -> tuple[str, float]:
    started = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout, round(time.perf_counter() - started, 2)


if __name__ == "__main__":
    sys.exit(main())
