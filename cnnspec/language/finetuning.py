"""What training begins with, and which parts of a network learn: `weights`, `freeze` and `lr_scale`."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from cnnspec.errors import did_you_mean, shown
from cnnspec.layers.fields import is_number, refuse

TORCHVISION = "torchvision"
"""The source of weights that has a name; all others are files."""

_WORD, _SCHEME = "[A-Za-z0-9_]+", "[A-Za-z][A-Za-z0-9+.-]+"  # one letter is a drive of Windows
_PUBLISHED = re.compile(rf"{TORCHVISION}:(?:({_WORD}):)?({_WORD})")
_SOURCE = re.compile(rf"({_SCHEME}):.*", re.DOTALL)
_LIKE_A_NAME = re.compile(r"IMAGENET\w*|DEFAULT", re.IGNORECASE)
_PICKLED = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".tar", ".zip")
_OTHERS = (".h5", ".hdf5", ".keras", ".onnx", ".npz", ".npy", ".gguf")

_WRITE = f"Write `{TORCHVISION}:NAME`, a file such as `weights.safetensors`, or the folder of a run"


class Published(NamedTuple):
    """Weights that torchvision publishes: `network` is torchvision's name, empty for that of the spec."""

    network: str
    name: str


def published(weights: str) -> Published | None:
    """Return which of torchvision's weights are meant; None where it is a file or folder."""
    found = _PUBLISHED.fullmatch(weights)
    return Published(found[1] or "", found[2]) if found else None


def covers(part: str, path: str) -> bool:
    """Tell whether a layer or block is what `part` names, or lies within it."""
    return path == part or path.startswith(f"{part}.")


def innermost(parts: Iterable[str], path: str) -> str | None:
    """Return the part that covers the path most closely, or None."""
    return max((part for part in parts if covers(part, path)), key=len, default=None)


def _weights(value: Any) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        _refuse(value, "it must say where they are", _WRITE)
    source = _SOURCE.fullmatch(value if value != TORCHVISION else f"{value}:")
    if source and not published(value):
        _refuse_source(value, source[1])
    suffix = Path(value).suffix.lower()
    if not source and suffix in _PICKLED:
        why = "files of this kind are pickled: reading one can run whatever is in it"
        _refuse(value, why, "Save the state_dict with `safetensors.torch.save_file`, and name that file")
    if not source and suffix in _OTHERS:
        _refuse(value, "such files are not read", _WRITE)
    if _LIKE_A_NAME.fullmatch(value):
        _refuse(value, "who publishes weights stands before their name", f"Write `{TORCHVISION}:{value}`")
    return value


def _refuse_source(value: str, source: str) -> NoReturn:
    if source == TORCHVISION:
        name = "IMAGENET1K_V1"
        fix = f"Write `{TORCHVISION}:{name}`, or with the network `{TORCHVISION}:resnet18:{name}`"
        _refuse(value, "a name must follow, of letters, digits and `_`", fix)
    if source in ("http", "https", "ftp", "file"):
        _refuse(value, "nothing is downloaded from an address", "Download it, and name the file")
    _refuse(value, f"'{source}' is unknown here", did_you_mean(source, [TORCHVISION]) or _WRITE)


def _refuse(value: Any, why: str, fix: str) -> NoReturn:
    told = {"sentence": f"weights is {shown(value)}", "why": why, "fix": fix}
    raise PydanticCustomError("rule", "not allowed", told)


def _scale(value: Any) -> float:
    if not is_number(value):
        refuse(value, "it must be a number, by which the learning rate is multiplied")
    if value == 0:
        refuse(value, "what does not learn stands in `freeze`")
    if value < 0:
        refuse(value, "it must be greater than 0")
    return float(value)


_WEIGHTS_SCHEMA = {
    "type": "string",
    "pattern": rf"^(?:{TORCHVISION}:(?:{_WORD}:)?{_WORD}|(?!{TORCHVISION}$|{_SCHEME}:).+)$",
    "patternErrorMessage": f"`{TORCHVISION}:NAME`, a safetensors file, or the folder of a run",
}

Weights = Annotated[str, PlainValidator(_weights), WithJsonSchema(_WEIGHTS_SCHEMA)]
"""Where weights come from: ``torchvision:NAME``, a safetensors file, or the folder of a run."""

Parts = Annotated[tuple[str, ...], Field(strict=False)]  # strictly, a list were no tuple
"""Paths of layers and blocks, each of which stands for all within it."""

Scale = Annotated[float, PlainValidator(_scale), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]
"""What a learning rate is multiplied by."""
