"""Scores from a confusion matrix, whose rows are the true classes and whose columns the predicted ones."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class ClassScores:
    """How well a class is told from the others, each from 0 to 1; `support` is how many samples it has."""

    precision: float
    recall: float
    f1: float
    support: int


def accuracy(confusion: Tensor) -> float:
    """Return the share of samples that are predicted rightly."""
    return _share(int(confusion.trace()), int(confusion.sum()))


def per_class(confusion: Tensor) -> list[ClassScores]:
    """Return the scores of each class; a share of no samples is 0."""
    counts = zip(confusion.diag().tolist(), confusion.sum(0).tolist(), confusion.sum(1).tolist(), strict=True)
    return [
        ClassScores(
            _share(right, predicted), _share(right, actual), _share(2 * right, predicted + actual), actual
        )
        for right, predicted, actual in counts
    ]


def macro_f1(confusion: Tensor) -> float:
    """Return the mean F1 of the classes that occur, in the data or among the predictions."""
    occurs = (confusion.sum(0) + confusion.sum(1) > 0).tolist()
    scores = [score.f1 for score, counts in zip(per_class(confusion), occurs, strict=True) if counts]
    return sum(scores) / len(scores) if scores else 0.0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
