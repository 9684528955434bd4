"""The scores are torchmetrics', computed from a confusion matrix."""

import pytest
import torch
from torch import Tensor
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_precision,
    multiclass_recall,
    multiclass_stat_scores,
)

from cnnspec.training import scores


def answers(classes: int, samples: int, seed: int, most: int) -> tuple[Tensor, Tensor]:
    """Return predicted and true classes, some of which never occur where `most` is less than `classes`."""
    draws = torch.Generator().manual_seed(seed)
    target = torch.randint(0, most, (samples,), generator=draws)
    guess = torch.randint(0, most, (samples,), generator=draws)
    return torch.where(torch.rand(samples, generator=draws) < 0.7, target, guess), target


@pytest.mark.parametrize(
    ("classes", "samples", "most"), [(10, 500, 10), (10, 40, 7), (3, 4, 3), (2, 30, 2), (26, 60, 26)]
)
@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_torchmetrics(classes: int, samples: int, most: int, seed: int) -> None:
    """Accuracy, macro F1 and every class's scores agree, also where classes do not occur."""
    pair = answers(classes, samples, seed, most)
    confusion = multiclass_confusion_matrix(*pair, classes)
    assert scores.accuracy(confusion) == pytest.approx(float(multiclass_accuracy(*pair, classes, "micro")))
    assert scores.macro_f1(confusion) == pytest.approx(float(multiclass_f1_score(*pair, classes, "macro")))
    ours = scores.per_class(confusion)
    theirs = [f(*pair, classes, "none") for f in (multiclass_precision, multiclass_recall)]
    f1 = multiclass_f1_score(*pair, classes, "none")
    assert [s.precision for s in ours] == pytest.approx(theirs[0].tolist())
    assert [s.recall for s in ours] == pytest.approx(theirs[1].tolist())
    assert [s.f1 for s in ours] == pytest.approx(f1.tolist())
    assert [s.support for s in ours] == multiclass_stat_scores(*pair, classes, "none")[:, 4].tolist()


def test_rows_are_true_classes() -> None:
    """A class that is never predicted has no recall, and the one predicted instead less precision."""
    first, second = scores.per_class(torch.tensor([[0, 3], [0, 3]]))
    assert first == scores.ClassScores(precision=0.0, recall=0.0, f1=0.0, support=3)
    assert second == scores.ClassScores(precision=0.5, recall=1.0, f1=2 / 3, support=3)


def test_no_samples() -> None:
    """Without samples every score is 0, and nothing fails."""
    empty = torch.zeros(4, 4, dtype=torch.int64)
    assert scores.accuracy(empty) == scores.macro_f1(empty) == 0
    assert scores.per_class(empty) == [scores.ClassScores(0.0, 0.0, 0.0, 0)] * 4
