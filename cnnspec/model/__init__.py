"""Plan to torch.nn.Module."""

from cnnspec.model.build import build

__all__ = ["build"]
