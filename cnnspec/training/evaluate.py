"""How well a network does on pictures it has not learned from."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from cnnspec.errors import DataError, Problem
from cnnspec.shape import volume
from cnnspec.training import scores
from cnnspec.training.loss import Criterion
from cnnspec.training.processes import Processes
from cnnspec.training.split import Piece, Split

BATCH = 1000
"""Pictures that are tested at once, at most."""


class Prepare(Protocol):
    """Makes of pictures in uint8, on a device, what a network takes."""

    device: torch.device

    def __call__(self, pictures: Tensor, /) -> Tensor:
        """Return them as the network takes them."""
        ...


Watch = Callable[[Piece, Tensor], None]
"""Looks at samples and what the network's outputs are for them."""

VALUES = 1 << 22
"""Values of inputs that are tested at once, at most: large pictures take much memory within a network."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean loss, accuracy from 0 to 1, and pictures by class (row) and prediction (column).

    The loss is without label smoothing and class weights, so that runs can be compared.
    `top_k_accuracy` is the share of pictures whose class is among the k likeliest, if asked for. `damaged`
    pictures were left out; it is None where such a picture would be an error.
    """

    loss: float
    accuracy: float
    confusion: Tensor
    top_k_accuracy: float | None = None
    damaged: int | None = None

    @property
    def macro_f1(self) -> float:
        """The mean of the classes' F1 scores, from 0 to 1."""
        return scores.macro_f1(self.confusion)

    def metrics(self, split: str) -> dict[str, float]:
        """Return what a row of metrics says of this split."""
        found = {"loss": self.loss, "accuracy": self.accuracy, "macro_f1": self.macro_f1}
        if self.top_k_accuracy is not None:
            found["top_k_accuracy"] = self.top_k_accuracy
        if self.damaged is not None:
            found["damaged"] = self.damaged
        return {f"{split}_{name}": value for name, value in found.items()}


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    split: Split,
    normalize: Prepare,
    criterion: Criterion,
    classes: int,
    *,
    top_k: int | None = None,
    context: Callable[[], AbstractContextManager[None]] = nullcontext,
    processes: Processes | None = None,
    watch: Watch | None = None,
) -> Evaluation:
    """Return how the model does on a split; it is left in evaluation mode.

    The network computes within the `context`. Each of several processes takes a part of the data, and
    `watch` is shown that part with the network's outputs, some samples at once.
    """
    model.eval()
    processes = processes or Processes()
    device = normalize.device
    loss = torch.zeros((), dtype=torch.float64)
    among = torch.zeros((), dtype=torch.int64, device=device)
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    first, last = processes.part(0, len(split))
    size = min(BATCH, max(1, VALUES // volume(split.shape)))
    for piece in split.in_order(first, last, size):
        target = piece.labels.to(device)
        with context():
            output = model(normalize(piece.inputs.to(device)))
        loss += criterion.plain(output, target).cpu()
        confusion += torch.bincount(target * classes + output.argmax(1), minlength=classes * classes)
        if top_k is not None:
            among += (output.topk(top_k, 1).indices == target.unsqueeze(1)).sum()
        if watch is not None:
            watch(piece, output)
    table = processes.sum(confusion).view(classes, classes).cpu()
    count = int(table.sum())
    if not count:
        what, why = "nothing can be tested", f"none of the {len(split):,} pictures for it can be read"
        raise DataError(Problem(what, why, "Check the disk, and mend or replace them"))
    share = None if top_k is None else int(processes.sum(among)) / count
    damaged = len(split) - count if split.skips else None
    return Evaluation(float(processes.sum(loss)) / count, scores.accuracy(table), table, share, damaged)
