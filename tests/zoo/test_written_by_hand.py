"""Networks of the zoo that torchvision has not, beside the same written in PyTorch."""

from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import resnet50
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import SqueezeExcitation
from torchvision_zoo import SPECS, apart

import cnnspec

SEEN_BY_C3 = """
    X...XXX..XXXX.XX
    XX...XXX..XXXX.X
    XXX...XXX..X.XXX
    .XXX..XXXX..X.XX
    ..XXX..XXXX.XX.X
    ...XXX..XXXX.XXX
"""
"""Table I of the paper: which of S2's maps, a row each, the sixteen maps of C3 see."""


class Shrink(nn.Module):
    """Option A of He et al.: every second value, and zeros for the new channels."""

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, ::2, ::2]
        return torch.cat([x, torch.zeros_like(x)], 1)


class Level(nn.Module):
    """A level of U-Net with all levels below it; what it returns has its width."""

    def __init__(self, channels: int, width: int, below: int) -> None:
        super().__init__()
        self.before = self.two_convolutions(channels, width)
        self.below = Level(width, 2 * width, below - 1) if below else None
        if self.below:
            self.up = nn.ConvTranspose2d(2 * width, width, 2, 2)
            self.after = self.two_convolutions(2 * width, width)

    def two_convolutions(self, channels: int, width: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for inputs in (channels, width):
            layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        if not self.below:
            return x
        below = self.up(self.below(nn.functional.max_pool2d(x, 2)))
        after: Tensor = self.after(torch.cat([x, below], 1))
        return after


def spec(name: str, variant: str | None = None, **variables: Any) -> cnnspec.Spec:
    return cnnspec.load(SPECS / f"{name}.yaml", variant=variant, set=variables)


def test_resnet_of_cifar() -> None:
    """ResNet-20 has shortcuts without parameters: values left out, and channels of zeros."""
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    for channels, width in ((16, 16), (16, 32), (32, 64)):
        first = BasicBlock(channels, width, 2, Shrink()) if channels < width else BasicBlock(16, 16)
        layers += [first, BasicBlock(width, width), BasicBlock(width, width)]
    theirs = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    assert apart(spec("resnet_cifar", "resnet20"), theirs, size=32) < 1e-4


def test_se_resnet() -> None:
    """SE-ResNet-50 is ResNet-50 with the channels weighed before each sum."""
    torch.manual_seed(0)
    theirs = resnet50(weights=None)
    for block in theirs.modules():
        if isinstance(block, Bottleneck):
            channels = block.conv3.out_channels
            block.bn3 = nn.Sequential(block.bn3, SqueezeExcitation(channels, channels // 16))
    assert apart(spec("se_resnet", "se_resnet50"), theirs) < 1e-4


def test_unet() -> None:
    """U-Net puts what each level saw before what the levels below made of it."""
    torch.manual_seed(0)
    theirs = nn.Sequential(Level(3, 4, below=4), nn.Conv2d(4, 2, 1))
    assert apart(spec("unet", width=4), theirs) < 1e-4


def test_unet_has_the_known_size() -> None:
    """U-Net with padding and batch norm, for colours and two classes, has 31,037,698 parameters."""
    assert spec("unet").plan().params == 31_037_698


def test_lenet5_of_1998() -> None:
    """LeNet-5 has the paper's 60,000 parameters before its output, and C3 sees of S2 what table I says."""
    plan = spec("lenet5_1998").plan()
    assert plan.params - plan.layers[-1].params == 60_000
    model = plan.build()
    c3 = nn.Sequential(model.get_submodule("concat1"), model.get_submodule("concat2"))
    one_map_each = torch.eye(6)[:, :, None, None].expand(6, 6, 14, 14)
    seen = (c3(one_map_each) != c3(torch.zeros(1, 6, 14, 14))).any(dim=(2, 3))
    assert ["".join(".X"[int(see)] for see in row) for row in seen] == SEEN_BY_C3.split()
