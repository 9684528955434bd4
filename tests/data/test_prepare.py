"""Pictures are made to fit a network's input, the same way for training and use."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from cnnspec.data import Normalizer, prepare, to_input
from cnnspec.language.data import Normalize


@pytest.mark.parametrize("size", [14, 20, 28, 32, 64])
def test_resize_is_torchvisions(size: int, digits: Tensor) -> None:
    """Resizing agrees with torchvision's, within one level of grey."""
    images = digits[:200]
    theirs = v2.Resize((size, size), antialias=True)(images)
    assert int((to_input(images, (1, size, size)).int() - theirs.int()).abs().max()) <= 1


@pytest.mark.parametrize("size", [28, 32, 40])
def test_mnist_is_prepared_as_ever(size: int, digits: Tensor) -> None:
    """MNIST's digits are resized to the very bits that torch's interpolation comes to."""
    images = digits[:200]
    exact = F.interpolate(images.float(), (size, size), mode="bilinear", antialias=True)
    assert torch.equal(to_input(images, (1, size, size)), exact.round().clamp(0, 255).byte())


@pytest.mark.parametrize("shape", [(3, 24, 24), (3, 48, 20), (3, 20, 48), (3, 33, 64)])
@pytest.mark.parametrize("held", [(3, 32, 32), (3, 31, 48), (3, 48, 31)])
def test_nothing_is_distorted(shape: tuple[int, int, int], held: tuple[int, int, int]) -> None:
    """The short side is made to fit and the middle of the long one is left, as with torchvision."""
    images = torch.randint(256, (5, *held), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    scale = max(shape[1] / held[1], shape[2] / held[2])
    whole = [max(target, int(side * scale + 1e-9)) for side, target in zip(held[1:], shape[1:], strict=True)]
    theirs = v2.CenterCrop(shape[1:])(v2.Resize(whole, antialias=True)(images))
    assert int((to_input(images, shape).int() - theirs.int()).abs().max()) <= 1


def test_grey_is_pils() -> None:
    """Colour becomes grey as in PIL, to the bit, and a set of a single channel is repeated."""
    levels = torch.randint(
        256, (1, 3, 300, 300), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    grey = torch.from_numpy(np.array(Image.fromarray(levels[0].permute(1, 2, 0).numpy()).convert("L")))
    assert torch.equal(to_input(levels, (1, 300, 300))[0, 0], grey)
    assert torch.equal(to_input(levels, (300, 300))[0], grey)
    assert torch.equal(to_input(levels, (3, 300, 300)), levels)


def test_many_pictures_go_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures that are resized a few at a time come out as those resized at once, in their order."""
    images = torch.randint(256, (7, 3, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    for shape in ((3, 12, 12), (1, 12, 12), (1, 20, 30)):
        at_once = to_input(images, shape)
        monkeypatch.setattr(prepare, "CHUNK", 3 * 20 * 30 * 2)
        assert torch.equal(to_input(images, shape), at_once)


def test_normalization_is_torchvisions(digits: Tensor) -> None:
    """A pixel becomes (pixel / 255 − mean) / std, in one step as in torchvision's two."""
    images = digits[:50]
    normalize = Normalizer(Normalize(mean=0.1307, std=0.3081), (1, 28, 28), torch.device("cpu"))
    theirs = v2.Normalize([0.1307], [0.3081])(v2.ToDtype(torch.float32, scale=True)(images))
    torch.testing.assert_close(normalize(images), theirs)


def test_normalization_per_channel(digits: Tensor) -> None:
    """Each channel has its own mean and standard deviation where they are listed."""
    images = to_input(digits[:5], (3, 28, 28))
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    normalize = Normalizer(Normalize(mean=mean, std=std), (3, 28, 28), torch.device("cpu"))
    theirs = v2.Normalize(list(mean), list(std))(v2.ToDtype(torch.float32, scale=True)(images))
    torch.testing.assert_close(normalize(images), theirs)


def test_colour_input_gets_equal_channels(digits: Tensor) -> None:
    """A network for colour gets the grey picture three times."""
    inputs = to_input(digits[:5], (3, 32, 32))
    assert inputs.shape == (5, 3, 32, 32)
    assert torch.equal(inputs[:, 0], inputs[:, 2])


def test_sequence_inputs(digits: Tensor) -> None:
    """A 1-D network gets the pixels row after row, or the rows as channels."""
    images = digits[:5]
    assert torch.equal(to_input(images, (1, 784))[:, 0], images.flatten(1))
    assert torch.equal(to_input(images, (28, 28)), images[:, 0])
    assert to_input(images, (16, 20)).shape == (5, 16, 20)
