"""The order of a picture's axes in memory while a network is trained: channels first or last."""

import torch
from torch import Tensor, nn

NARROW = 8
"""With fewer filters, a network counts as narrow.

Measured on an AVX2 processor: LeNet-5's 6 are faster channels first, three networks of 10 and more
channels last. Between them it is a guess: kernels compute channels side by side, and AVX2 has room
for eight."""


def arrange(model: nn.Module, device: torch.device, rank: int, *, wanted: bool | None) -> torch.memory_format:
    """Give a model's weights the order that is wanted, or else the device's best; return that of inputs.

    Only 2-D pictures, of `rank` 3, have a choice. A GPU's convolutions are made for channels
    last. On a CPU, a step is faster with them, too, but for narrow networks such as LeNet-5:
    those have channels first, and only their convolutions of one channel, whose weights' gradient
    oneDNN computes several times faster channels last, compute so. Apple's MPS gains nothing.
    """
    if rank != 3:
        return torch.contiguous_format
    narrow = device.type == "cpu" and _narrowest(model) < NARROW
    if wanted or (wanted is None and device.type != "mps" and not narrow):
        model.to(memory_format=torch.channels_last)
        return torch.channels_last
    if wanted is None and narrow:
        _gray_channels_last(model)
    return torch.contiguous_format


def _narrowest(model: nn.Module) -> int:
    return min((c.out_channels for c in _convolutions(model)), default=0)


def _gray_channels_last(model: nn.Module) -> None:
    for convolution in _convolutions(model):
        if convolution.in_channels == 1:
            convolution.to(memory_format=torch.channels_last)
            convolution.register_forward_hook(_channels_first)


def _channels_first(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output.contiguous()


def _convolutions(model: nn.Module) -> list[nn.Conv2d]:
    return [module for module in model.modules() if isinstance(module, nn.Conv2d)]
