"""How well a network does on pictures it has not learned from."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnnspec.data import Normalizer
from cnnspec.training import scores
from cnnspec.training.batches import Split
from cnnspec.training.loss import Criterion
from cnnspec.training.processes import Processes

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean loss, accuracy from 0 to 1, and pictures by class (row) and prediction (column).

    The loss is without label smoothing and class weights, so that runs can be compared.
    `top_k_accuracy` is the share of pictures whose class is among the k likeliest, if asked for.
    """

    loss: float
    accuracy: float
    confusion: Tensor
    top_k_accuracy: float | None = None

    @property
    def macro_f1(self) -> float:
        """The mean of the classes' F1 scores, from 0 to 1."""
        return scores.macro_f1(self.confusion)

    def metrics(self, split: str) -> dict[str, float]:
        """Return what a row of metrics says of this split."""
        found = {"loss": self.loss, "accuracy": self.accuracy, "macro_f1": self.macro_f1}
        if self.top_k_accuracy is not None:
            found["top_k_accuracy"] = self.top_k_accuracy
        return {f"{split}_{name}": value for name, value in found.items()}


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    split: Split,
    normalize: Normalizer,
    criterion: Criterion,
    classes: int,
    *,
    top_k: int | None = None,
    context: Callable[[], AbstractContextManager[None]] = nullcontext,
    processes: Processes | None = None,
) -> Evaluation:
    """Return how the model does on a split; it is left in evaluation mode.

    The network computes within the `context`. Each of several processes takes a part of the data.
    """
    model.eval()
    processes = processes or Processes()
    device = normalize.device
    loss = torch.zeros((), dtype=torch.float64)
    among = torch.zeros((), dtype=torch.int64, device=device)
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    first, last = processes.part(0, len(split))
    for start in range(first, last, BATCH):
        chosen = slice(start, min(start + BATCH, last))
        target = split.labels[chosen].to(device)
        with context():
            output = model(normalize(split.inputs[chosen].to(device)))
        loss += criterion.plain(output, target).cpu()
        confusion += torch.bincount(target * classes + output.argmax(1), minlength=classes * classes)
        if top_k is not None:
            among += (output.topk(top_k, 1).indices == target.unsqueeze(1)).sum()
    table = processes.sum(confusion).view(classes, classes).cpu()
    share = None if top_k is None else int(processes.sum(among)) / len(split)
    return Evaluation(float(processes.sum(loss)) / len(split), scores.accuracy(table), table, share)
