"""How well a network does on pictures it has not learned from."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor, nn

from cnnspec.data import Normalizer

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean cross-entropy, accuracy from 0 to 1, and pictures by class (row) and prediction (column)."""

    loss: float
    accuracy: float
    confusion: Tensor


@torch.inference_mode()
def evaluate(
    model: nn.Module, inputs: Tensor, labels: Tensor, normalize: Normalizer, classes: int
) -> Evaluation:
    """Return how the model does on prepared uint8 `inputs` (N, …); it is left in evaluation mode."""
    model.eval()
    loss = torch.zeros((), device=inputs.device)
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=inputs.device)
    for start in range(0, len(labels), BATCH):
        target = labels[start : start + BATCH]
        output = model(normalize(inputs[start : start + BATCH]))
        loss += F.cross_entropy(output, target, reduction="sum")
        confusion += torch.bincount(target * classes + output.argmax(1), minlength=classes * classes)
    table = confusion.view(classes, classes).cpu()
    return Evaluation(float(loss) / len(labels), float(table.trace()) / len(labels), table)
