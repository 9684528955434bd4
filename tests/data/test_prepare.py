"""Pictures are made to fit a network's input, the same way for training and use."""

import pytest
import torch
from torchvision.transforms import v2

from cnnspec.data import Loaded, Normalizer, to_input
from cnnspec.language.data import Normalize


@pytest.mark.parametrize("size", [14, 20, 28, 32, 64])
def test_resize_is_torchvisions(size: int, sample: Loaded) -> None:
    """Resizing agrees with torchvision's, within one level of grey."""
    images = sample.test.images[:200]
    theirs = v2.Resize((size, size), antialias=True)(images)
    assert int((to_input(images, (1, size, size)).int() - theirs.int()).abs().max()) <= 1


def test_normalization_is_torchvisions(sample: Loaded) -> None:
    """A pixel becomes (pixel / 255 − mean) / std, in one step as in torchvision's two."""
    images = sample.test.images[:50]
    normalize = Normalizer(Normalize(mean=0.1307, std=0.3081), (1, 28, 28), torch.device("cpu"))
    theirs = v2.Normalize([0.1307], [0.3081])(v2.ToDtype(torch.float32, scale=True)(images))
    torch.testing.assert_close(normalize(images), theirs)


def test_normalization_per_channel(sample: Loaded) -> None:
    """Each channel has its own mean and standard deviation where they are listed."""
    images = to_input(sample.test.images[:5], (3, 28, 28))
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    normalize = Normalizer(Normalize(mean=mean, std=std), (3, 28, 28), torch.device("cpu"))
    theirs = v2.Normalize(list(mean), list(std))(v2.ToDtype(torch.float32, scale=True)(images))
    torch.testing.assert_close(normalize(images), theirs)


def test_colour_input_gets_equal_channels(sample: Loaded) -> None:
    """A network for colour gets the grey picture three times."""
    inputs = to_input(sample.test.images[:5], (3, 32, 32))
    assert inputs.shape == (5, 3, 32, 32)
    assert torch.equal(inputs[:, 0], inputs[:, 2])


def test_sequence_inputs(sample: Loaded) -> None:
    """A 1-D network gets the pixels row after row, or the rows as channels."""
    images = sample.test.images[:5]
    assert torch.equal(to_input(images, (1, 784))[:, 0], images.flatten(1))
    assert torch.equal(to_input(images, (28, 28)), images[:, 0])
    assert to_input(images, (16, 20)).shape == (5, 16, 20)
