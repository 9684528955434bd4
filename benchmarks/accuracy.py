"""Test accuracy of a spec after its training, seed by seed; by default of specs/lenet5.yaml.

Every seed must reach the target, or with `--mean` the mean of all.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import LENET5, parser, report


def main() -> int:
    """Train once per seed, each as its own process, and say whether the target is reached."""
    options = parser(__doc__)
    options.add_argument("--spec", default=str(LENET5), help="what is trained")
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--target", type=float, default=98.8, metavar="%")
    options.add_argument("--mean", action="store_true", help="the target is one for the mean")
    options.add_argument("--seconds", type=float, metavar="S", help="longest time a process may take")
    options.add_argument("--epochs", type=int, help="for a short run: other epochs than the spec's")
    options.add_argument("--threads", default="auto", help="a number, or auto (the default)")
    chosen = options.parse_args()
    more = ["--threads", chosen.threads, *(["--data-root", chosen.data_root] if chosen.data_root else [])]
    more += ["--epochs", str(chosen.epochs)] if chosen.epochs else []
    rows = [_row(chosen.spec, seed, more) for seed in chosen.seeds]
    figures = [row["test accuracy %"] for row in rows]
    mean = round(statistics.fmean(figures), 3)
    reached = (mean if chosen.mean else min(figures)) >= chosen.target and (
        chosen.seconds is None or max(row["seconds"] for row in rows) < chosen.seconds
    )
    facts = {
        "mean %": mean,
        "standard deviation": round(statistics.stdev(figures), 3) if len(figures) > 1 else None,
        "lowest and highest %": [min(figures), max(figures)],
        "target": f"{chosen.target:g} % {'on average' if chosen.mean else 'each'}",
        "seconds of a process at most": chosen.seconds,
    }
    report(f"{Path(chosen.spec).stem}: test accuracy", rows, chosen.json, **facts, reached=reached)
    return 0 if reached else 1


def _row(spec: str, seed: int, more: list[str]) -> dict[str, Any]:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cnnspec", "train", spec, "--format", "json", "--no-sample", *more]
        command += ["--seed", str(seed), "--out", folder]
        result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {
        "seed": seed,
        "epochs": len(result["history"]),
        "test accuracy %": round(100 * result["accuracy"], 2),
        "best %": round(100 * result["best_accuracy"], 2),
        "test loss": round(result["history"][-1]["test_loss"], 4),
        "seconds": round(time.perf_counter() - started, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
