"""The surest mistakes of a test, compared with a search through all of it."""

import pytest
import torch
from torch import Tensor

from cnnspec.language.training import Loss
from cnnspec.report.mistakes import LIKELIEST, MOST, Watcher
from cnnspec.training.loss import Criterion, make
from cnnspec.training.split import Piece

COUNT, CLASSES = 400, 5


def criterion(name: str = "cross_entropy") -> Criterion:
    return make(Loss.model_validate(name), torch.device("cpu"))


@pytest.fixture(scope="module")
def test_set() -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, labels and outputs; some outputs are the same, so that there are ties."""
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(COUNT, CLASSES, generator=generator).mul(2).round()
    labels = torch.randint(CLASSES, (COUNT,), generator=generator)
    return torch.arange(COUNT, dtype=torch.uint8).view(-1, 1, 1, 1), labels, outputs


def watched(test_set: tuple[Tensor, Tensor, Tensor], size: int, loss: str = "cross_entropy") -> Watcher:
    watcher = Watcher(criterion(loss), chosen=123)
    inputs, labels, outputs = test_set
    for indices in torch.arange(COUNT).split(size):
        watcher(Piece(indices, inputs[indices], labels[indices]), outputs[indices])
    return watcher


@pytest.mark.parametrize("size", [1, 7, 64, COUNT])
def test_surest_mistakes(size: int, test_set: tuple[Tensor, Tensor, Tensor]) -> None:
    """Whatever pieces the data comes in, they are the wrong samples of highest probability, earlier ones first."""
    inputs, labels, outputs = test_set
    shares, taken = outputs.softmax(1), outputs.argmax(1)
    wrong = [i for i in range(COUNT) if taken[i] != labels[i]]
    expected = sorted(wrong, key=lambda i: (-float(shares[i, taken[i]]), i))[:MOST]
    found = watched(test_set, size).mistakes
    assert len(wrong) > MOST
    assert [one.index for one in found] == expected
    for one in found:
        assert torch.equal(one.inputs, inputs[one.index])
        assert (one.true.label, one.guesses[0].label) == (int(labels[one.index]), int(taken[one.index]))
        assert one.true.probability == pytest.approx(float(shares[one.index, one.true.label]))
        assert [guess.probability for guess in one.guesses] == pytest.approx(
            shares[one.index].sort(descending=True).values[:LIKELIEST].tolist()
        )


def test_probabilities_are_the_losss(test_set: tuple[Tensor, Tensor, Tensor]) -> None:
    """After log_softmax, whose loss is nll, the outputs are logarithms of probabilities already."""
    inputs, labels, outputs = test_set
    logarithms = (inputs, labels, outputs.log_softmax(1))
    assert [one.sureness for one in watched(logarithms, 50, "nll").mistakes] == pytest.approx(
        [one.sureness for one in watched(test_set, 50).mistakes]
    )


def test_no_more_is_kept_than_needed(test_set: tuple[Tensor, Tensor, Tensor]) -> None:
    """Kept pictures are copies: they do not hold the memory of the pieces that they came in."""
    watcher = watched(test_set, 100)
    assert len(watcher.mistakes) == MOST
    assert watcher.chosen
    for kept in (watcher.chosen[1], *(one.inputs for one in watcher.mistakes)):
        assert kept.untyped_storage().nbytes() == kept.numel()


def test_chosen_picture(test_set: tuple[Tensor, Tensor, Tensor]) -> None:
    """The picture of the number that was asked for is kept, or the next one if that was left out."""
    inputs, labels, outputs = test_set
    assert watched(test_set, 100).chosen == (123, inputs[123])
    watcher = Watcher(criterion(), chosen=7)
    places = torch.tensor([0, 3, 9, 11])
    watcher(Piece(places[:2], inputs[places[:2]], labels[places[:2]]), outputs[places[:2]])
    assert watcher.chosen is None
    watcher(Piece(places[2:], inputs[places[2:]], labels[places[2:]]), outputs[places[2:]])
    assert watcher.chosen == (9, inputs[9])


def test_no_mistakes(test_set: tuple[Tensor, Tensor, Tensor]) -> None:
    """Where all is right, there are none; outputs that are no numbers are mistakes, of probability 0."""
    inputs, _, outputs = test_set
    assert watched((inputs, outputs.argmax(1), outputs), 30).mistakes == []
    broken = watched((inputs, outputs.argmax(1), outputs * torch.nan), 30).mistakes
    assert {one.sureness for one in broken} == {0}
