"""A network as a file of `torch.export`, loaded and run before it gets its name.

`torch.export.load` unpickles parts of such a file, so one from elsewhere may run any code: here, only a file
that was just written is loaded.
"""

from pathlib import Path

import torch

from cnnspec.exporting.network import Network
from cnnspec.exporting.program import Program
from cnnspec.exporting.quiet import quiet
from cnnspec.exporting.verify import Agreement, verify
from cnnspec.training.files import whole


def write(network: Network, program: Program, path: Path) -> Agreement:
    """Write a network's program to a file, and return how its outputs compare with the network's.

    Raises CnnspecError, and then leaves no file, where torch cannot follow the network, the outputs are not
    the same, or the file cannot be written.
    """
    with whole(path) as stream:
        with quiet():
            torch.export.save(program.exported(), stream, extra_files=network.facts)
            stream.seek(0)
            loaded = torch.export.load(stream)
        return verify(loaded.module(), program, network.plan.name, path)
