"""An ONNX model, run by ONNX Runtime on the CPU, in the guise of a torch module."""

from pathlib import Path
from typing import Any

import onnxruntime
import torch
from torch import Tensor, nn

from cnnspec.errors import CheckpointError, Place, Problem
from cnnspec.exporting.program import first_line

FATAL = 4
"""What ONNX Runtime calls messages of which the process dies; all others are raised as errors, too."""


Signature = tuple[str, tuple[int | None, ...]]
"""The type and the shape of a sample, without the sizes that may be any: ``("uint8", (3, None, None))``."""


class Session(nn.Module):
    """Computes what an ONNX model of one input and one output does.

    It has no parameters, and computes on the CPU wherever its inputs are. Raises CheckpointError where the
    model cannot be loaded or run, or is of another kind.
    """

    def __init__(self, data: bytes, path: Path) -> None:
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = FATAL
        options.intra_op_num_threads = torch.get_num_threads()
        # Else the bytes decide, and those of ONNX Runtime's own format are not those that were looked at.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        self._path = path
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001  # its errors have no class of their own in common
            raise self._failed("load", first_line(error)) from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise self._failed(
                "use", f"it has {len(inputs)} inputs and {len(outputs)} outputs, not one of each"
            )
        self._input, self._output = inputs[0], outputs[0]

    @property
    def takes(self) -> Signature:
        """What a sample of the input is; the type is ONNX's, such as ``float`` and ``uint8``."""
        return _signature(self._input)

    @property
    def gives(self) -> Signature:
        """What the output for a sample is."""
        return _signature(self._output)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch of samples."""
        try:
            (found,) = self._session.run([self._output.name], {self._input.name: x.cpu().numpy()})
        except Exception as error:  # noqa: BLE001  # as above
            raise self._failed("run", first_line(error)) from None
        if found.shape != (len(x), *self.gives[1]):
            raise self._failed("use", "it gives another shape than it says")
        return torch.from_numpy(found).to(x.device)

    def _failed(self, to_do: str, why: str) -> CheckpointError:
        what, fix = f"ONNX Runtime cannot {to_do} the file", "Export it again with `cnnspec export`"
        return CheckpointError(Problem(what, why, fix, Place(str(self._path))))


def _signature(end: Any) -> Signature:
    kind = end.type.removeprefix("tensor(").removesuffix(")")
    return kind, tuple(side if isinstance(side, int) else None for side in end.shape[1:])
