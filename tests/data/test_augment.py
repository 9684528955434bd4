"""Augmentation changes each picture in its own way, as the generator says, whoever computes which part of a batch."""

import pytest
import torch
from torch import Tensor

from cnnspec.data.augment import Augmenter
from cnnspec.language.augment import Augment
from cnnspec.training.device import available

CPU = torch.device("cpu")
ALL = Augment(
    shift=2.0, rotation=20.0, scale=0.2, shear=15.0, elastic=1.0, crop=2, flip=0.5, erasing=0.5, brightness=0.2,
    contrast=0.3, mixup=0.4, cutmix=1.0,
)  # fmt: skip
EACH = [
    Augment(shift=3.0),
    Augment(shift=2.5),
    Augment(rotation=30.0),
    Augment(scale=0.3),
    Augment(shear=20.0),
    Augment(elastic=1.5),
    Augment(crop=3),
    Augment(flip=0.5),
    Augment(erasing=0.9),
    Augment(brightness=0.5),
    Augment(contrast=0.5),
    Augment(mixup=0.5),
    Augment(cutmix=1.0),
    Augment(mixup=1.0, cutmix=1.0),
    ALL,
]
NAMES = ["+".join(options.model_dump(exclude_defaults=True)) for options in EACH]


def generator(seed: int = 0, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


@pytest.fixture(scope="module")
def pictures(digits: Tensor) -> Tensor:
    """Real digits as pixel values, 28×28."""
    return digits[::50].float()


def many(pictures: Tensor) -> Tensor:
    """Each of two digits eight times, in turn: a partner is another digit."""
    return pictures[[0, 10] * 8]


@pytest.mark.parametrize("device", available())
@pytest.mark.parametrize("options", EACH, ids=NAMES)
def test_follows_from_the_generator(pictures: Tensor, options: Augment, device: str) -> None:
    """The changes follow from the generator alone, differ from picture to picture, and from draw to draw."""
    augment = Augmenter(options, (1, 28, 28), torch.device(device))
    same, labels = many(pictures).to(device), torch.arange(16, device=device)
    before, source = same.clone(), generator(7, device)
    (first, mixed), (second, _) = augment(same, labels, source), augment(same, labels, source)
    again, as_before = augment(same, labels, generator(7, device))
    assert torch.equal(first, again)
    assert torch.equal(same, before)
    assert not torch.equal(first, second)
    assert len({bytes(p.cpu().to(torch.int16).numpy()) for p in first}) > (2 if options.flip == 0.5 else 8)
    assert (mixed is not None) == options.mixes
    if mixed and as_before:
        assert torch.equal(mixed.shares, as_before.shares)
        assert len(set(mixed.shares.tolist())) > 8


@pytest.mark.parametrize("options", EACH, ids=NAMES)
def test_parts_are_those_of_the_whole(pictures: Tensor, options: Augment) -> None:
    """A part of a batch is changed as it is when the whole batch is, so that processes can share it.

    Only a partner is one of the same part, so the first of each is mixed with another one.
    """
    augment, labels = Augmenter(options, (1, 28, 28), CPU), torch.arange(len(pictures))
    whole, whole_mixed = augment(pictures, labels, generator())
    for start, end in [(0, 7), (7, 8), (8, len(pictures))]:
        own = slice(start, end)
        part, mixed = augment(pictures[own], labels[own], generator(), total=len(pictures), start=start)
        first = 1 if options.mixes else 0
        torch.testing.assert_close(part[first:], whole[own][first:], atol=0.01, rtol=0)
        if mixed and whole_mixed:
            assert torch.equal(mixed.shares, whole_mixed.shares[own])
            assert mixed.others.tolist() == [end - 1, *range(start, end - 1)]


def test_nothing_asked(pictures: Tensor) -> None:
    """Without a change that is allowed, pictures stay as they are, to the bit."""
    changed, mixed = Augmenter(Augment(), (1, 28, 28), CPU)(
        pictures, torch.arange(len(pictures)), generator()
    )
    assert torch.equal(changed, pictures)
    assert mixed is None


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 28), (4, 9, 5), (1, 1, 1)])
def test_stays_a_picture(shape: tuple[int, int, int]) -> None:
    """Whatever the size and the channels, all changes together leave a picture: its shape, and values from 0 to 255."""
    noise = torch.rand(64, *shape, generator=generator()) * 255
    changed, _ = Augmenter(ALL, shape, CPU)(noise, torch.arange(64), generator())
    assert changed.shape == noise.shape
    assert (changed.dtype, float(changed.min())) == (torch.float32, 0)
    assert float(changed.max()) <= 255.01


@pytest.mark.parametrize("shape", [(1, 784), (28, 28)])
def test_sequences(pictures: Tensor, shape: tuple[int, int]) -> None:
    """The values of a sequence change as those of the picture that it was."""
    options, labels = Augment(brightness=0.3, contrast=0.5, mixup=1.0), torch.arange(len(pictures))
    expected, _ = Augmenter(options, (1, 28, 28), CPU)(pictures, labels, generator())
    changed, _ = Augmenter(options, shape, CPU)(pictures.view(-1, *shape), labels, generator())
    torch.testing.assert_close(changed, expected.view(-1, *shape), atol=0.01, rtol=0)
