"""Whoever watches a test sees every sample that is tested, once, with its number and the network's output."""

import pytest
import torch
from torch import Tensor, nn

from cnnspec.data import Normalizer
from cnnspec.language.data import Normalize
from cnnspec.language.training import Loss
from cnnspec.training.evaluate import evaluate
from cnnspec.training.loss import make
from cnnspec.training.split import Piece, Split

COUNT = 2500


@pytest.mark.parametrize(
    "damaged", [[], [0, 7, 999, 1000, 2499], list(range(1000, 2000))], ids=["none", "some", "a batch"]
)
def test_watch(damaged: list[int]) -> None:
    """Damaged pictures are left out, also a whole batch of them, and the others keep their numbers."""
    torch.manual_seed(0)
    inputs = torch.randint(256, (COUNT, 1, 2, 2), dtype=torch.uint8)
    labels = torch.randint(3, (COUNT,))
    flags = torch.zeros(COUNT, dtype=torch.bool)
    flags[damaged] = True
    split = Split(inputs, labels, skips=True, damaged=flags)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    normalize = Normalizer(Normalize(mean=0.5, std=0.5), (1, 2, 2), torch.device("cpu"))
    seen: list[tuple[Piece, Tensor]] = []
    criterion = make(Loss.model_validate("cross_entropy"), torch.device("cpu"))
    result = evaluate(model, split, normalize, criterion, 3, watch=lambda *one: seen.append(one))
    indices, outputs = (torch.cat(parts) for parts in ([p.indices for p, _ in seen], [o for _, o in seen]))
    assert indices.tolist() == [i for i in range(COUNT) if i not in set(damaged)]
    assert torch.equal(torch.cat([piece.inputs for piece, _ in seen]), inputs[indices])
    assert torch.equal(torch.cat([piece.labels for piece, _ in seen]), labels[indices])
    assert torch.allclose(outputs, model(normalize(inputs[indices])), atol=1e-6)
    assert int(result.confusion.trace()) == int((outputs.argmax(1) == labels[indices]).sum())
    assert result.damaged == len(damaged)
