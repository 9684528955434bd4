"""Other people's layers: found where their package is installed, or named by the user; never by a spec."""

from cnnspec.plugins.loading import load_installed, origin, use

__all__ = ["load_installed", "origin", "use"]
