"""The parts of a network that stay as they are: no gradients, no steps, and no new statistics."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from cnnspec.language.training import Train


def freeze(model: nn.Module, options: Train) -> None:
    """Ask for no gradients of what the section `train` freezes; optimizers leave it out then."""
    for name, parameter in model.named_parameters():
        if options.is_frozen(name):
            parameter.requires_grad_(False)  # torch has no name for it


def keep_statistics(model: nn.Module, options: Train) -> None:
    """Put the batch norms in what is frozen into evaluation mode; a model's `train()` takes them out of it.

    They normalize by the statistics that they have, and these do not move. Dropout goes on.
    """
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm) and options.is_frozen(name):
            module.eval()
