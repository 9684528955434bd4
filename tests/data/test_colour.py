"""Brightness and contrast are torchvision's, a factor for each picture, within their limits."""

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as peer

from cnnspec.data.colour import Toned
from cnnspec.language.augment import Augment
from cnnspec.training.device import available

CPU = torch.device("cpu")
BOTH = Augment(brightness=0.5, contrast=0.8)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(channels: int, least: float = 0, most: float = 255) -> Tensor:
    return least + (most - least) * torch.rand(6, channels, 12, 9, generator=generator())


@pytest.mark.parametrize("device", available())
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["brightness", "contrast"])
def test_as_torchvision(name: str, channels: int, device: str) -> None:
    """Each change is torchvision's, also where values are cut off at black and white."""
    pictures, factors = noise(channels), torch.linspace(0, 2, 6)
    column = ["brightness", "contrast"].index(name)
    drawn = torch.ones(6, 2)
    drawn[:, column] = factors
    toned = Toned(BOTH, (channels, 12, 9), torch.device(device))
    changed = toned.apply(pictures.to(device), drawn.to(device)).cpu()
    change = getattr(peer, f"adjust_{name}")
    expected = [change(p / 255, factor) * 255 for p, factor in zip(pictures, factors.tolist(), strict=True)]
    torch.testing.assert_close(changed, torch.stack(expected), atol=0.02, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_both_as_torchvision(channels: int) -> None:
    """Both together are one after the other, where nothing is cut off in between."""
    pictures, toned = noise(channels, 60, 150), Toned(BOTH, (channels, 12, 9), CPU)
    drawn = toned.draw(6, generator())
    expected = [
        peer.adjust_contrast(peer.adjust_brightness(p / 255, one), other) * 255
        for p, (one, other) in zip(pictures, drawn.tolist(), strict=True)
    ]
    torch.testing.assert_close(toned.apply(pictures, drawn), torch.stack(expected), atol=0.02, rtol=0)


def test_contrast_leaves_the_mean() -> None:
    """Contrast changes no picture's mean, if nothing is cut off; of more channels than colours, all count alike."""
    pictures = noise(4, 100, 140)
    toned = Toned(Augment(contrast=1.0), (4, 12, 9), CPU)
    changed = toned.apply(pictures, toned.draw(6, generator()))
    torch.testing.assert_close(changed.mean((1, 2, 3)), pictures.mean((1, 2, 3)), atol=1e-3, rtol=0)
    assert not torch.allclose(changed, pictures, atol=1)


def test_limits() -> None:
    """Factors are uniform from one limit to the other, around 1, and the two do not hang together."""
    drawn = Toned(BOTH, (1, 4, 4), CPU).draw(20_000, generator())
    for factors, limit in zip(drawn.T, [0.5, 0.8], strict=True):
        assert float(factors.min()) == pytest.approx(1 - limit, abs=0.01)
        assert float(factors.max()) == pytest.approx(1 + limit, abs=0.01)
        assert float(factors.mean()) == pytest.approx(1, abs=0.01)
        assert float(factors.std()) == pytest.approx(limit / 3**0.5, rel=0.02)
    assert abs(float(torch.corrcoef(drawn.T)[0, 1])) < 0.03
    alone = Toned(Augment(brightness=0.5), (1, 4, 4), CPU).draw(100, generator())
    assert alone[:, 1].tolist() == [1.0] * 100
