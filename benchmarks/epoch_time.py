"""An epoch of LeNet-5 on MNIST: cnnspec's trainer beside the usual hand-written loop, in turn.

The hand-written loop is the one of most tutorials: torchvision's MNIST with Resize, ToTensor
and Normalize for every picture in every epoch, a DataLoader with batches of 64 and no
workers, Adam, and `loss.item()` at each step. Both train the same network by the same
recipe, test included, in this process with the same number of threads. cnnspec's data is
prepared once, before its first epoch; that time is given too.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from common import LENET5, median, parser, report
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

import cnnspec
from cnnspec.training import Reporter

TARGET = 0.6


class Tutorial:
    """The usual loop."""

    def __init__(self, root: str) -> None:
        steps = [
            transforms.Resize((32, 32)),
            transforms.ToTensor(),
            transforms.Normalize((0.1307,), (0.3081,)),
        ]
        sets = [datasets.MNIST(root, train=t, transform=transforms.Compose(steps)) for t in (True, False)]
        self.train = DataLoader(sets[0], batch_size=64, shuffle=True)
        self.test = DataLoader(sets[1], batch_size=1000)
        self.model = cnnspec.load(LENET5).plan().build()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001)
        self.criterion = nn.CrossEntropyLoss()

    def epoch(self) -> float:
        """Train and test once, and return the seconds it took."""
        started = time.perf_counter()
        self.model.train()
        running = 0.0
        for images, labels in self.train:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(images), labels)
            loss.backward()
            self.optimizer.step()
            running += loss.item()
        self.model.eval()
        with torch.no_grad():
            correct = sum(int((self.model(x).argmax(1) == y).sum()) for x, y in self.test)
        print(f"  tutorial: accuracy {correct / 10_000:.4f}", file=sys.stderr)
        return time.perf_counter() - started


class Turns(Reporter):
    """Lets the other loop run one epoch after each of ours."""

    def __init__(self, other: Tutorial) -> None:
        self.other = other
        self.rows: list[dict[str, Any]] = []
        self.started = time.perf_counter()
        self.prepared = 0.0

    def step(self, epoch: int, done: int, loss_sum: torch.Tensor) -> None:  # noqa: ARG002  # the base class's
        """Note when the first batch is done: until then the data was being prepared."""
        if epoch == 1 and not self.prepared:
            self.prepared = time.perf_counter() - self.started

    def epoch(self, row: dict[str, Any]) -> None:
        """Note our time, and take the other's."""
        print(f"  cnnspec: accuracy {row['test_accuracy']:.4f}", file=sys.stderr)
        theirs = self.other.epoch()
        ours = row["seconds"]
        self.rows.append(
            {
                "epoch": row["epoch"],
                "tutorial s": theirs,
                "cnnspec s": ours,
                "cnnspec / tutorial": ours / theirs,
            }
        )


def main() -> int:
    """Run both loops in turn and say whether the target is reached."""
    options = parser(__doc__)
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    turns = Turns(Tutorial(chosen.data_root))
    with tempfile.TemporaryDirectory() as folder:
        spec = cnnspec.load(LENET5)
        arguments: dict[str, Any] = {"epochs": chosen.epochs, "data_root": chosen.data_root, "sample": False}
        turns.started = time.perf_counter()
        cnnspec.train(spec, out=Path(folder), device="cpu", reporter=turns, **arguments)
    ratio = median([row["cnnspec / tutorial"] for row in turns.rows])
    facts = {"threads": chosen.threads, "prepared once, s": round(turns.prepared, 2)}
    title = "An epoch of LeNet-5 on MNIST, test included"
    report(
        title, turns.rows, chosen.json, **facts, median_ratio=ratio, target=TARGET, reached=ratio <= TARGET
    )
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
