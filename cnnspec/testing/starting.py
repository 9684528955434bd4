"""The module of an announced layer is imported with every command; without torch, so that all start fast."""

import subprocess
import sys

from cnnspec.layers import Layer
from cnnspec.plugins.announced import announcements
from cnnspec.plugins.loading import top
from cnnspec.testing.expecting import expect

_IMPORT = "import sys; sys.path[:] = {path!r}; import {module}; sys.exit(9 * ('torch' in sys.modules))"


def is_announced(layer: type[Layer]) -> bool:
    """Tell whether an installed package announces layers, this one most likely among them."""
    return any(top(one.value) == top(layer.__module__) for one in announcements())


def check_start(layer: type[Layer]) -> None:
    """See that the module that defines a layer does not import torch, in a process of its own."""
    text = _IMPORT.format(path=sys.path, module=layer.__module__)
    done = subprocess.run([sys.executable, "-c", text], check=False)  # noqa: S603  # text of our own
    expect(
        done.returncode != 9, f"{layer.__module__} imports torch; `nn.imported` does that when it is needed"
    )
