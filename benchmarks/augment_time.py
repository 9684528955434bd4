"""What random changes of the pictures cost: epochs of LeNet-5 on MNIST with and without them, in turn."""

import argparse
import sys
from functools import partial
from typing import Any

import torch
import yaml
from common import LENET5, median, parser, report
from loops import train
from turns import Turn, race

import cnnspec

TARGET = 0.3
MOVES = {"shift": 2, "rotation": 10, "scale": 0.1, "shear": 5}
WHOLE = {"crop": 2, "flip": 0.5, "erasing": 0.25, "brightness": 0.2, "contrast": 0.2}
MIXES = {"mixup": 0.2, "cutmix": 1}
CHANGES: dict[str, dict[str, float] | None] = {
    "none": None,
    "shift": {"shift": 2},
    "affine": MOVES,
    "elastic": {"elastic": 0.5},
    **{name: {name: value} for name, value in (WHOLE | MIXES).items()},
    "mixup or cutmix": MIXES,
    "all by whole pixels": WHOLE | MIXES,
    "all": MOVES | {"elastic": 0.5} | WHOLE | MIXES,
}


def main() -> int:
    """Let all train in turn, and say whether each costs no more than the target."""
    options = parser(__doc__)
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = options.parse_args()
    contenders = {name: partial(_trainer, augment) for name, augment in CHANGES.items()}
    laps, _ = race(contenders, chosen, chosen.epochs)
    medians = {name: median([lap["seconds"] for lap in each]) for name, each in laps.items()}
    rows = [
        {
            "changes": name,
            **{f"epoch {number} s": lap["seconds"] for number, lap in enumerate(laps[name], start=1)},
            "median s": medians[name],
            "costs": medians[name] / medians["none"] - 1,
        }
        for name in laps
    ]
    reached = all(row["costs"] <= TARGET for row in rows)
    title = "An epoch of LeNet-5 on MNIST, test included, by random changes of its pictures"
    report(title, rows, chosen.json, threads=chosen.threads, target=TARGET, reached=reached)
    return 0 if reached else 1


def _trainer(augment: dict[str, float] | None, turn: Turn, options: argparse.Namespace) -> None:
    """Train with these changes."""
    plain: dict[str, Any] = cnnspec.load(LENET5).resolved()
    plain["data"] = plain["data"] | {"augment": augment}
    train(turn, options, cnnspec.loads(yaml.safe_dump(plain, sort_keys=False)))


if __name__ == "__main__":
    sys.exit(main())
