"""Mixup and CutMix are those of their papers, in shares that follow a Beta distribution."""

import math

import pytest
import torch
from torch import Tensor
from torchvision.transforms import v2

from cnnspec.data.boxes import Boxes
from cnnspec.data.mix import Mixed, Mixer, symmetric_beta
from cnnspec.language.augment import Augment
from cnnspec.training.device import available

CPU = torch.device("cpu")
SIZE = (20, 28)
LABELS = torch.tensor([3, 1, 4, 1, 5, 9])


def generator(seed: int = 0, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


@pytest.fixture
def pictures() -> Tensor:
    return torch.rand(6, 3, *SIZE, generator=generator()) * 255


def soft(mixed: Mixed) -> Tensor:
    """The classes' shares of each sample."""
    one_hot = torch.eye(10)
    return (
        mixed.shares.unsqueeze(1) * one_hot[LABELS] + (1 - mixed.shares).unsqueeze(1) * one_hot[mixed.others]
    )


@pytest.mark.parametrize("device", available())
def test_mixup_as_torchvision(pictures: Tensor, device: str) -> None:
    """Pictures and labels in a share are those of torchvision's MixUp; each sample has its own share."""
    mixer = Mixer(Augment(mixup=0.8), SIZE, torch.device(device))
    drawn = mixer.draw(6, generator(device=device))
    changed, mixed = mixer.apply(pictures.to(device), LABELS.to(device), drawn)
    mixed = Mixed(*(t.cpu() for t in mixed))
    theirs = v2.MixUp(num_classes=10)
    for number, share in enumerate(drawn[:, 0].tolist()):
        params = {"lam": share, "labels": LABELS, "batch_size": 6}
        torch.testing.assert_close(changed[number].cpu(), theirs.transform(pictures, params)[number])
        torch.testing.assert_close(soft(mixed)[number], theirs.transform(LABELS, params)[number])
    assert len(set(mixed.shares.tolist())) == 6


@pytest.mark.parametrize("device", available())
def test_cutmix_as_torchvision(pictures: Tensor, device: str) -> None:
    """With the same rectangle, pictures and labels are those of torchvision's CutMix."""
    mixer = Mixer(Augment(cutmix=1.0), SIZE, torch.device(device))
    drawn = mixer.draw(6, generator(device=device))
    changed, mixed = mixer.apply(pictures.to(device), LABELS.to(device), drawn)
    mixed = Mixed(*(t.cpu() for t in mixed))
    theirs = v2.CutMix(num_classes=10)
    for number, row in enumerate(drawn[:, 2:].int().tolist()):
        top, left, bottom, right = row
        share = 1 - (right - left) * (bottom - top) / (SIZE[0] * SIZE[1])
        params = {"box": (left, top, right, bottom), "lam_adjusted": share, "labels": LABELS, "batch_size": 6}
        assert torch.equal(changed[number].cpu(), theirs.transform(pictures, params)[number])
        torch.testing.assert_close(soft(mixed)[number], theirs.transform(LABELS, params)[number])


def test_cutmix_rectangles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rectangles have the sides that torchvision works out for a share, and their middles anywhere."""
    monkeypatch.setattr("cnnspec.data.mix.symmetric_beta", lambda *_: torch.full((20_000, 1), 0.4))
    drawn = Mixer(Augment(cutmix=1.0), SIZE, CPU).draw(20_000, generator())
    first, last = drawn[:, 2:4], drawn[:, 4:]
    half = torch.tensor([int(0.5 * math.sqrt(0.4) * side) for side in SIZE])
    inner = ((first > 0) & (last < torch.tensor(SIZE))).all(1)
    assert bool((last - first)[inner].eq(2 * half).all())
    assert bool((first >= 0).all() and (last <= torch.tensor(SIZE)).all())
    middle = torch.where(first > 0, first + half, last - half)
    for axis, side in enumerate(SIZE):
        counts = torch.bincount(middle[:, axis].int(), minlength=side)
        assert len(counts) == side
        assert counts.min() > 0.8 * 20_000 / side
    hidden = Boxes(SIZE, CPU).inside(first, last).flatten(1).mean(1)
    torch.testing.assert_close(drawn[:, 0], 1 - hidden)


def test_one_of_both(pictures: Tensor) -> None:
    """With both, about half of the samples are blended and the others cut, none is both."""
    mixer = Mixer(Augment(mixup=1.0, cutmix=1.0), SIZE, CPU)
    drawn = mixer.draw(4_000, generator())
    cut = drawn[:, 1] == 0
    assert float(cut.float().mean()) == pytest.approx(0.5, abs=0.03)
    assert torch.equal(drawn[~cut, 2:4], drawn[~cut, 4:])
    torch.testing.assert_close(drawn[~cut, 0], 1 - drawn[~cut, 1])
    changed, mixed = mixer.apply(pictures, LABELS, drawn[:6])
    partners = pictures.roll(1, 0)
    for number in range(6):
        whole = mixed.shares[number] * pictures[number] + (1 - mixed.shares[number]) * partners[number]
        parts = (changed[number] == pictures[number]) | (changed[number] == partners[number])
        assert bool(parts.all()) if cut[number] else torch.allclose(changed[number], whole, atol=1e-3)
    assert 0 < int(cut[:6].sum()) < 6


def test_each_has_its_alpha() -> None:
    """With both, the shares of blended samples follow the one alpha, and those of cut ones the other."""
    drawn = Mixer(Augment(mixup=0.1, cutmix=30.0), SIZE, CPU).draw(4_000, generator())
    cut = drawn[:, 4] > drawn[:, 2]
    assert float(drawn[~cut, 0].var()) == pytest.approx(1 / (4 * 1.2), rel=0.1)
    area = (1 - drawn[cut, 0])[(drawn[cut, 2:4] > 0).all(1) & (drawn[cut, 4:] < torch.tensor(SIZE)).all(1)]
    assert float(area.mean()) == pytest.approx(0.45, abs=0.05)
    assert float(area.std()) < 0.1


def test_alone(pictures: Tensor) -> None:
    """A picture that is alone in its part is its own partner, and stays what it is."""
    mixer = Mixer(Augment(mixup=1.0, cutmix=1.0), SIZE, CPU)
    changed, mixed = mixer.apply(pictures[:1], LABELS[:1], mixer.draw(1, generator()))
    torch.testing.assert_close(changed, pictures[:1])
    assert torch.equal(mixed.others, LABELS[:1])


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5, 1.0, 2.0, 30.0])
def test_beta(alpha: float) -> None:
    """Draws follow the distribution of torch's own Beta, by moments and by the distance of their distributions."""
    count = 20_000
    ours = symmetric_beta(torch.tensor(alpha), *torch.rand(2, count, generator=generator()))
    assert float(ours.min()) >= 0
    assert float(ours.max()) <= 1
    assert float(ours.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(ours.var()) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.04)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = torch.distributions.Beta(alpha, alpha).sample((count,))
    # Rounded, since many draws of a small alpha differ from 0 and 1 by less than what float32 can tell.
    one, other = (draws.round(decimals=4).sort().values for draws in (ours, theirs))
    below = (torch.searchsorted(draws, torch.cat([one, other]), right=True) for draws in (one, other))
    distance = (next(below) - next(below)).abs().max() / count
    assert float(distance) < 1.95 * math.sqrt(2 / count)  # Kolmogorov and Smirnov, 0.1 %


@pytest.mark.parametrize("alpha", [1e-30, 1e-3, 1e6, 1e30])
def test_beta_of_any_alpha(alpha: float) -> None:
    """However small or large alpha is, draws are numbers from 0 to 1: all or nothing, or halves."""
    drawn = symmetric_beta(torch.tensor(alpha), *torch.rand(2, 10_000, generator=generator()))
    assert bool(((drawn >= 0) & (drawn <= 1)).all())
    expected = (drawn - 0.5).abs().mean()
    assert float(expected) == pytest.approx(0.5 if alpha < 1 else 0, abs=2e-3)


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-24])
@pytest.mark.parametrize("turn", [0.0, 0.25, 0.5, 0.75, 1 - 2**-24])
def test_beta_of_the_last_uniform_numbers(uniform: float, turn: float) -> None:
    """The smallest and the largest number that can be drawn give a share, too."""
    for alpha in (0.01, 0.2, 1.0, 100.0):
        assert (
            0
            <= float(symmetric_beta(torch.tensor(alpha), torch.tensor([uniform]), torch.tensor([turn])))
            <= 1
        )
