"""The losses are torch's, add up over parts of a batch, and give probabilities."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cnnspec.data.mix import Mixed
from cnnspec.language.training import Loss
from cnnspec.training import loss as losses
from cnnspec.training.device import available

WEIGHTS = [0.5, 2.0, 1.0, 0.0, 3.0]
CPU = torch.device("cpu")

TORCH: list[tuple[dict[str, Any], Callable[[], nn.Module]]] = [
    ({"cross_entropy": {}}, nn.CrossEntropyLoss),
    ({"cross_entropy": {"label_smoothing": 0.2}}, lambda: nn.CrossEntropyLoss(label_smoothing=0.2)),
    ({"cross_entropy": {"class_weights": WEIGHTS}}, lambda: nn.CrossEntropyLoss(torch.tensor(WEIGHTS))),
    (
        {"cross_entropy": {"class_weights": WEIGHTS, "label_smoothing": 0.1}},
        lambda: nn.CrossEntropyLoss(torch.tensor(WEIGHTS), label_smoothing=0.1),
    ),
    ({"nll": {}}, nn.NLLLoss),
    ({"nll": {"class_weights": WEIGHTS}}, lambda: nn.NLLLoss(torch.tensor(WEIGHTS))),
    ({"focal": {"gamma": 0.0}}, nn.CrossEntropyLoss),
    (
        {"focal": {"gamma": 0.0, "class_weights": WEIGHTS}},
        lambda: nn.CrossEntropyLoss(torch.tensor(WEIGHTS)),
    ),
    ({"multi_margin": {"margin": 0.7}}, lambda: nn.MultiMarginLoss(margin=0.7)),
]
NAMES = [str(case[0]) for case in TORCH]


def made(options: dict[str, Any], device: torch.device = CPU) -> losses.Criterion:
    # As from a file, where lists are lists: the language makes tuples of them.
    name, given = next(iter(options.items()))
    return losses.make(
        Loss.model_validate({name: {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}}),
        device,
    )


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """Outputs of a network for 12 samples, of 5 classes, and the right classes."""
    draws = torch.Generator().manual_seed(0)
    return 2 * torch.randn(12, 5, generator=draws), torch.randint(0, 5, (12,), generator=draws)


def with_slope(value: Tensor, output: Tensor) -> tuple[Tensor, Tensor]:
    return value, torch.autograd.grad(value, output)[0]


@pytest.mark.parametrize(("options", "oracle"), TORCH, ids=NAMES)
def test_mean_is_that_of_torch(
    options: dict[str, Any], oracle: Callable[[], nn.Module], batch: tuple[Tensor, Tensor]
) -> None:
    """The total over the divisor is torch's mean, and so is its gradient."""
    output, target = batch[0].requires_grad_(), batch[1]
    criterion = made(options)
    mean = criterion.total(output, target) / criterion.divisor(target)
    torch.testing.assert_close(with_slope(mean, output), with_slope(oracle()(output, target), output))


@pytest.mark.parametrize("options", [case[0] for case in TORCH], ids=NAMES)
def test_parts_add_up(options: dict[str, Any], batch: tuple[Tensor, Tensor]) -> None:
    """A batch cut into unequal parts has the total and the divisor of the whole."""
    criterion, (output, target) = made(options), batch
    parts = [slice(0, 3), slice(3, 4), slice(4, 12)]
    total = sum((criterion.total(output[part], target[part]) for part in parts), torch.tensor(0.0))
    torch.testing.assert_close(total, criterion.total(output, target))
    divisors = [float(criterion.divisor(target[part])) for part in parts]
    assert sum(divisors) == pytest.approx(float(criterion.divisor(target)))


@pytest.mark.parametrize(
    ("options", "oracle"),
    [
        ({"cross_entropy": {"class_weights": WEIGHTS, "label_smoothing": 0.1}}, nn.CrossEntropyLoss),
        ({"nll": {"class_weights": WEIGHTS}}, nn.NLLLoss),
        ({"focal": {"gamma": 0.0, "class_weights": WEIGHTS}}, nn.CrossEntropyLoss),
        ({"multi_margin": {}}, nn.MultiMarginLoss),
    ],
    ids=["cross_entropy", "nll", "focal", "multi_margin"],
)
def test_plain_is_without_options(
    options: dict[str, Any], oracle: Callable[..., nn.Module], batch: tuple[Tensor, Tensor]
) -> None:
    """What a test says of the loss does not depend on label smoothing and class weights."""
    torch.testing.assert_close(made(options).plain(*batch), oracle(reduction="sum")(*batch))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_loss_is_its_formula(
    gamma: float, weights: list[float] | None, batch: tuple[Tensor, Tensor]
) -> None:
    """The focal loss is −w·(1 − p)^γ·log p of each sample, in 64 bits as in ours; so is its gradient."""
    output, target = batch[0].requires_grad_(), batch[1]
    options = {"gamma": gamma} | ({"class_weights": weights} if weights else {})
    ours = with_slope(made({"focal": options}).total(output, target), output)
    exact = batch[0].detach().double().requires_grad_()
    p = exact.softmax(1)[range(12), target]
    each = torch.tensor(weights or [1.0] * 5, dtype=torch.float64)[target]
    theirs = with_slope((-each * (1 - p) ** gamma * p.log()).sum(), exact)
    torch.testing.assert_close(ours, tuple(t.float() for t in theirs), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_of_what_is_certain(gamma: float) -> None:
    """A sample whose class is certain, right or wrong, has a finite loss and a finite gradient."""
    output = torch.tensor([[200.0, 0.0], [0.0, 200.0], [0.0, 0.0]], requires_grad=True)
    value, slope = with_slope(made({"focal": {"gamma": gamma}}).total(output, torch.zeros(3).long()), output)
    assert value.isfinite()
    assert slope.isfinite().all()
    assert slope[0].abs().max() < 1e-3
    assert slope[1, 0] == pytest.approx(-1, abs=1e-3)


MIXED: list[dict[str, Any]] = [
    {"cross_entropy": {}},
    {"cross_entropy": {"label_smoothing": 0.2}},
    {"cross_entropy": {"class_weights": WEIGHTS}},
    {"cross_entropy": {"class_weights": WEIGHTS, "label_smoothing": 0.1}},
    {"focal": {"gamma": 0.0, "class_weights": WEIGHTS}},
]


@pytest.fixture
def mixed(batch: tuple[Tensor, Tensor]) -> Mixed:
    """Partners of the samples, and shares from none to all."""
    return Mixed(batch[1].roll(1, 0), torch.linspace(0, 1, 12))


def soft(target: Tensor, mixed: Mixed) -> Tensor:
    """The classes' shares of each sample, written out."""
    found = torch.zeros(len(target), 5)
    for row, (own, other, share) in enumerate(zip(target, mixed.others, mixed.shares.tolist(), strict=True)):
        found[row, own] += share
        found[row, other] += 1 - share
    return found


@pytest.mark.parametrize("options", MIXED, ids=str)
def test_mixed_samples(options: dict[str, Any], batch: tuple[Tensor, Tensor], mixed: Mixed) -> None:
    """The loss of mixed samples is the cross-entropy with the classes' shares as its targets; so is its gradient."""
    output, target = batch[0].requires_grad_(), batch[1]
    criterion, shares = made(options), soft(batch[1], mixed)
    given = next(iter(options.values()))
    weights = torch.tensor(given.get("class_weights", [1.0] * 5))
    smoothing = given.get("label_smoothing", 0.0)
    by_hand = -(weights * (shares * (1 - smoothing) + smoothing / 5) * output.log_softmax(1)).sum()
    ours = with_slope(criterion.total(output, target, mixed), output)
    torch.testing.assert_close(ours, with_slope(by_hand, output))
    assert float(criterion.divisor(target, mixed)) == pytest.approx(float((shares * weights).sum()))


@pytest.mark.parametrize("options", [case[0] for case in TORCH], ids=NAMES)
def test_mixed_samples_of_any_loss(
    options: dict[str, Any], batch: tuple[Tensor, Tensor], mixed: Mixed
) -> None:
    """A mixed sample has the mean of the losses of its two classes, and adds up over parts as others do."""
    criterion, (output, target) = made(options), batch
    each = [
        share * float(criterion.total(o[None], own[None])) + (1 - share) * float(criterion.total(o[None], other[None]))
        for o, own, other, share in zip(output, target, mixed.others, mixed.shares.tolist(), strict=True)
    ]  # fmt: skip
    total = criterion.total(output, target, mixed)
    assert float(total) == pytest.approx(sum(each), rel=1e-4)
    pieces = [slice(first, None, 3) for first in range(3)]
    parts = [criterion.total(output[p], target[p], mixed.piece(p)) for p in pieces]
    torch.testing.assert_close(sum(parts, torch.tensor(0.0)), total)
    whole = Mixed(mixed.others, torch.ones(12))
    torch.testing.assert_close(criterion.total(output, target, whole), criterion.total(output, target))


def test_probabilities(batch: tuple[Tensor, Tensor]) -> None:
    """The outputs' softmax is the probabilities, whichever way the loss reads them."""
    expected = batch[0].softmax(1)
    for name in ("cross_entropy", "focal", "multi_margin"):
        torch.testing.assert_close(made({name: {}}).probabilities(batch[0]), expected)
    torch.testing.assert_close(made({"nll": {}}).probabilities(batch[0].log_softmax(1)), expected)


@pytest.mark.parametrize("device", available())
@pytest.mark.parametrize("options", [case[0] for case in TORCH], ids=NAMES)
def test_outputs_in_bfloat16(options: dict[str, Any], device: str, batch: tuple[Tensor, Tensor]) -> None:
    """Outputs in 16 bits are summed in 32, on every device of this machine."""
    half, target = batch[0].bfloat16(), batch[1]
    there = made(options, torch.device(device))
    total = there.total(half.to(device), target.to(device))
    assert total.dtype == torch.float32
    torch.testing.assert_close(total.cpu(), made(options).total(half.float(), target))
    assert there.plain(half.to(device), target.to(device)).dtype == torch.float32
    assert there.probabilities(half.to(device)).dtype == torch.float32
    assert float(there.divisor(target.to(device))) == float(made(options).divisor(target))
