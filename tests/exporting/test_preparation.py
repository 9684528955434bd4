"""The preparation of pictures in an exported file is that of training."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cnnspec.data import Normalizer, to_input
from cnnspec.exporting.preparation import Preparation, picture_channels
from cnnspec.language.data import Normalize
from cnnspec.shape import Shape, volume

SHAPES: list[Shape] = [(3, 24, 24), (1, 28, 28), (3, 16, 40), (3, 50, 20), (4, 9, 9), (1, 64), (10, 30)]
GRAY, COLOR = Normalize(mean=0.4, std=0.2), Normalize(mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
NEAR = 1e-3
"""How near to the middle between two levels a value may be rounded either way."""


def pictures(channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(256, (2, channels, height, width), generator=draw, dtype=torch.uint8)


def trained_on(images: Tensor, shape: Shape, statistics: Normalize) -> Tensor:
    return Normalizer(statistics, shape, torch.device("cpu"))(to_input(images, shape))


@given(st.sampled_from(SHAPES), st.integers(1, 90), st.integers(1, 90), st.integers(0, 99))
def test_any_size(shape: Shape, height: int, width: int, seed: int) -> None:
    """A picture of any size becomes what training makes of it; only where two levels are as near, the other one."""
    prepare = Preparation(shape, Normalize(mean=0.0, std=1 / 255))  # so that levels are seen as they are
    images = pictures(picture_channels(shape), height, width, seed)
    resized = prepare.resized(images).reshape(2, *shape)
    ours, theirs = prepare(images), to_input(images, shape).float()
    assert ours.shape == theirs.shape
    apart = (ours - theirs).abs()
    assert apart.max() < 1 + NEAR
    assert ((apart < NEAR) | ((resized - resized.floor() - 0.5).abs() < NEAR)).all()


@pytest.mark.parametrize("statistics", [GRAY, COLOR], ids=["one number", "one for each channel"])
def test_own_size(statistics: Normalize) -> None:
    """Pictures of the network's own size are normalized as for training, and not resized."""
    shape = (3, 30, 20)
    images = pictures(*shape)
    torch.testing.assert_close(
        Preparation(shape, statistics)(images), trained_on(images, shape, statistics), rtol=0, atol=1e-6
    )


def test_every_level() -> None:
    """Each of the 256 levels is told from its neighbours."""
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    levels = Preparation((1, 16, 16), Normalize(mean=0.0, std=1 / 255))(images)
    assert levels.round().flatten().tolist() == list(range(256))


def test_a_long_line() -> None:
    """A picture a thousand times as long as high is cropped to its middle before it grows."""
    images = torch.zeros(1, 1, 1, 60_000, dtype=torch.uint8)
    images[..., 29_990:30_010] = 200
    found = Preparation((1, 8, 8), Normalize(mean=0.0, std=1 / 255))(images)
    assert found.round().unique().tolist() == [200]


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_to_save(shape: Shape) -> None:
    """It has neither parameters nor saved buffers: the names in a file are those of the network."""
    prepare = Preparation(shape, GRAY)
    assert not prepare.state_dict()
    assert volume(prepare.size) * picture_channels(shape) == volume(shape)
