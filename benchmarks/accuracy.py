"""Test accuracy of specs/lenet5.yaml on MNIST after its 10 epochs, for several seeds."""

import json
import subprocess
import sys
import tempfile
from typing import Any

from common import LENET5, parser, report

TARGET = 0.988


def main() -> int:
    """Train once per seed, each as its own process, and say whether all reach the target."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    chosen = options.parse_args()
    rows = []
    for seed in chosen.seeds:
        result = _train(seed, chosen.data_root)
        seconds = sum(row["seconds"] for row in result["history"])
        rows.append(
            {
                "seed": seed,
                "test accuracy %": round(100 * result["accuracy"], 2),
                "best %": round(100 * result["best_accuracy"], 2),
                "test loss": round(result["history"][-1]["test_loss"], 4),
                "seconds": round(seconds, 1),
            }
        )
    reached = all(row["test accuracy %"] >= 100 * TARGET for row in rows)
    report(
        "LeNet-5 on MNIST, after 10 epochs",
        rows,
        chosen.json,
        target=f"{100 * TARGET} % each",
        reached=reached,
    )
    return 0 if reached else 1


def _train(seed: int, data_root: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cnnspec", "train", str(LENET5), "--format", "json", "--no-sample"]
        command += ["--seed", str(seed), "--out", folder, *(["--data-root", data_root] if data_root else [])]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


if __name__ == "__main__":
    sys.exit(main())
