"""Networks in which every weight tells, so that none can be mistaken for another."""

import torch
from torch import nn

from cnnspec.shape import Shape


def shake(model: nn.Module, shape: Shape) -> None:
    """Draw weights and statistics at random, so that the outputs depend on each of them.

    A fresh network has shifts of 0, scales of 1 or nearly 0, and the same statistics everywhere.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1)
            elif parameter.squeeze().dim() <= 1:
                parameter.uniform_(0.5, 1.5)
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
                module.momentum = 1.0  # one batch is enough for statistics that keep the signal alive
        model.train()(torch.randn(4, *shape))
