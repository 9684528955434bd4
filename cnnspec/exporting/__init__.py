"""Networks for other programs: as source, and in files for ONNX and torch.export, which are run before use.

Importing the package does not import torch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnspec.exporting.packages import READING, WRITING, require
from cnnspec.exporting.source import export_source

if TYPE_CHECKING:
    from cnnspec.exporting.network import Network
    from cnnspec.exporting.onnx_file import OnnxFile
    from cnnspec.exporting.program import Program
    from cnnspec.exporting.verify import Agreement
    from cnnspec.spec import Spec
    from cnnspec.training import Run

__all__ = ["Exported", "export_onnx", "export_pt2", "export_source", "load_onnx"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written to a file, and how its outputs compare with the network's."""

    path: Path
    network: "Network"
    program: "Program"
    agreement: "Agreement"


def export_onnx(source: "Spec | Run", path: str | Path, *, preprocess: bool = False) -> Exported:
    """Write the network of a run, or of a spec as its training would begin, to an ONNX file.

    The file takes batches of any size: what the network sees in float32, or with `preprocess` pictures in
    uint8 (N, C, H, W) of any height and width, which it resizes, crops and normalizes as for training. It is
    run by ONNX Runtime and compared with the network before it gets its name. Raises CnnspecError, and then
    leaves no file.
    """
    require(WRITING)
    from cnnspec.exporting.onnx import write

    return _export(source, Path(path), preprocess, write)


def export_pt2(source: "Spec | Run", path: str | Path, *, preprocess: bool = False) -> Exported:
    """Write a network as `export_onnx` does, to a file for `torch.export.load`."""
    from cnnspec.exporting.pt2 import write

    return _export(source, Path(path), preprocess, write)


def load_onnx(path: str | Path) -> "OnnxFile":
    """Return the network in an ONNX file that was exported from a run; it predicts and evaluates as the run.

    Raises CnnspecError where the file is another one, or damaged.
    """
    require(READING)
    from cnnspec.exporting.onnx_file import load

    return load(Path(path))


def _export(
    source: "Spec | Run",
    path: Path,
    preprocess: bool,
    write: "Callable[[Network, Program, Path], Agreement]",
) -> Exported:
    from cnnspec.exporting.network import Network
    from cnnspec.exporting.program import Program

    network = Network.of(source, path.parent)
    program = Program.of(network, preprocess=preprocess)
    return Exported(path, network, program, write(network, program, path))
