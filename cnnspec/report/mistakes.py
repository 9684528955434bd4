"""What is worth a look among the pictures that a network is tested on: its surest mistakes."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from cnnspec.training.loss import Criterion
from cnnspec.training.split import Piece

MOST = 50
"""Mistakes that are kept; of the others, only their number is known."""

LIKELIEST = 3
"""Classes of which a mistake tells the probability, beside that of the right one."""


class Guess(NamedTuple):
    """A class, by its number, and the probability that the network gives it."""

    label: int
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Mistake:
    """A picture that is taken for another class than its own.

    `index` is its number among those to test on, and `inputs` is what the network got, in uint8. The
    `guesses` are the likeliest classes, beginning with the one that it is taken for.
    """

    index: int
    inputs: Tensor
    true: Guess
    guesses: tuple[Guess, ...]

    @property
    def sureness(self) -> float:
        """The probability of the class that it is taken for."""
        return self.guesses[0].probability


class Watcher:
    """Watches a test: keeps the surest mistakes, and one picture, the first readable one from `chosen` on.

    Whatever there is to test, it holds no more than `MOST` pictures beside that.
    """

    def __init__(self, criterion: Criterion, chosen: int = 0) -> None:
        self._criterion = criterion
        self._wanted = chosen
        self.mistakes: list[Mistake] = []
        self.chosen: tuple[int, Tensor] | None = None

    def __call__(self, piece: Piece, output: Tensor) -> None:
        """Take in some samples with the network's outputs for them."""
        if self.chosen is None and int(piece.indices[-1]) >= self._wanted:
            place = int((piece.indices >= self._wanted).nonzero()[0])
            self.chosen = int(piece.indices[place]), piece.inputs[place].cpu().clone()
        shares, taken = self._criterion.probabilities(output).cpu().nan_to_num(0), output.argmax(1).cpu()
        sureness = shares.gather(1, taken.unsqueeze(1))[:, 0]
        wrong = (taken != piece.labels.cpu()).nonzero()[:, 0]
        surest = wrong[sureness[wrong].argsort(descending=True, stable=True)[:MOST]]
        found = [_mistake(piece, place, shares[place], int(taken[place])) for place in surest.tolist()]
        # The sort is stable: of equals, the first stays.
        self.mistakes = sorted([*self.mistakes, *found], key=lambda one: -one.sureness)[:MOST]


def _mistake(piece: Piece, place: int, shares: Tensor, taken: int) -> Mistake:
    true = int(piece.labels[place])
    others = [label for label in shares.argsort(descending=True, stable=True).tolist() if label != taken]
    labels = [taken, *others][:LIKELIEST]
    return Mistake(
        int(piece.indices[place]),
        piece.inputs[place].cpu().clone(),
        Guess(true, float(shares[true])),
        tuple(Guess(label, float(shares[label])) for label in labels),
    )
