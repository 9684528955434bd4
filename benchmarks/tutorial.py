"""The training loop of most tutorials, and nothing of cnnspec: what the trainer is measured beside.

torchvision's MNIST with Resize, ToTensor and Normalize for every picture in every epoch, a DataLoader
with batches of 64 and no workers, Adam, and `loss.item()` at each step.
"""

import argparse
import os
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def network() -> nn.Sequential:
    """Return the network of specs/lenet5.yaml."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


class Tutorial:
    """The loop, with what it needs."""

    def __init__(self, root: str) -> None:
        steps = [
            transforms.Resize((32, 32)),
            transforms.ToTensor(),
            transforms.Normalize((0.1307,), (0.3081,)),
        ]
        sets = [datasets.MNIST(root, train=t, transform=transforms.Compose(steps)) for t in (True, False)]
        self.train: DataLoader[Any] = DataLoader(sets[0], batch_size=64, shuffle=True)
        self.test: DataLoader[Any] = DataLoader(sets[1], batch_size=1000)
        self.model = network()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001)
        self.criterion = nn.CrossEntropyLoss()

    def epoch(self) -> float:
        """Train and test once, and return the accuracy."""
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
        return correct / len(self.test.dataset)  # type: ignore[arg-type]  # MNIST has a length


def main() -> None:
    """Train, and print the accuracy after each epoch."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--data-root", default=os.environ.get("CNNSPEC_DATA", ""))
    chosen = options.parse_args()
    tutorial = Tutorial(chosen.data_root)
    for _ in range(chosen.epochs):
        print(f"{tutorial.epoch():.4f}", flush=True)


if __name__ == "__main__":
    main()
