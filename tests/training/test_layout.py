"""A network's pictures have the order in memory that is asked for, or that is fastest."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from cnnspec.training.layout import arrange

CPU, CUDA, MPS = (torch.device(name) for name in ("cpu", "cuda", "mps"))


def network(filters: int, channels: int = 1) -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(channels, filters, 3), nn.BatchNorm2d(filters), nn.Conv2d(filters, 9, 3))


def is_last(tensor: Any) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()


@pytest.mark.parametrize(
    ("device", "wanted", "rank", "filters", "last"),
    [
        (CPU, None, 3, 8, True),
        (CPU, None, 3, 7, False),
        (CPU, True, 3, 7, True),
        (CUDA, None, 3, 7, True),
        (MPS, None, 3, 8, False),
        (CPU, False, 3, 8, False),
        (CUDA, False, 3, 8, False),
        (MPS, True, 3, 8, True),
        (CPU, None, 2, 8, False),
        (CUDA, True, 4, 8, False),
    ],
)
def test_order(device: torch.device, wanted: bool | None, rank: int, filters: int, last: bool) -> None:
    """Channels are last where that is fastest, or asked for, and only for 2-D pictures; the weights follow."""
    model = network(filters)
    layout = arrange(model, device, rank, wanted=wanted)
    assert layout == (torch.channels_last if last else torch.contiguous_format)
    assert is_last(model[2].weight) is last


@pytest.mark.parametrize(
    ("channels", "wanted", "moved"),
    [
        (1, None, True),
        (3, None, False),
        (1, False, False),
        (3, False, False),
        (1, True, True),
        (3, True, True),
    ],
)
def test_a_narrow_network_computes_the_same(channels: int, wanted: bool | None, moved: bool) -> None:
    """Of a narrow network only the convolution of gray pictures is arranged anew; outputs and gradients stay."""
    plain = network(6, channels)
    arranged = copy.deepcopy(plain)
    layout = arrange(arranged, CPU, 3, wanted=wanted)
    arranged = copy.deepcopy(arranged)  # as the average of weights does
    one, other = plain[0], arranged[0]
    x = torch.randn(4, channels, 9, 9)
    expected, found = one(x), other(x.contiguous(memory_format=layout))
    assert is_last(found) is bool(wanted)
    assert (one.weight.stride() != other.weight.stride()) is moved
    expected.square().sum().backward()
    found.square().sum().backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(other.weight.grad, one.weight.grad, rtol=1e-4, atol=1e-4)
