"""An ONNX file that was exported here, used as the run that it was exported from."""

import json
import stat
from pathlib import Path
from typing import Any

import torch
from google.protobuf.message import DecodeError
from onnx import ModelProto
from torch import Tensor

from cnnspec import spec as specs
from cnnspec.data.prepare import picture_size
from cnnspec.errors import CheckpointError, Place, Problem
from cnnspec.exporting.messages import LARGEST, is_external, within
from cnnspec.exporting.preparation import picture_channels
from cnnspec.exporting.session import Session, Signature
from cnnspec.plan import Plan
from cnnspec.plugins.origins import NOTE, check_loaded
from cnnspec.shape import Shape
from cnnspec.training import Classifier
from cnnspec.training.checks import check_fit
from cnnspec.training.evaluate import Prepare

_FACTS = ("classes", "digits", "epoch", NOTE)
_EXPORT = "Use a file that `cnnspec export` wrote of a run"


class OnnxFile(Classifier):
    """The network in a file, and the `facts` that stand beside it: spec, names of classes, epoch.

    It takes either what the network sees, or pictures in uint8, which it prepares itself.
    """

    def __init__(self, path: Path, plan: Plan, facts: dict[str, Any], session: Session) -> None:
        super().__init__(path, plan, facts["classes"], digits=facts["digits"])
        self.facts, self._session = facts, session

    @property
    def model(self) -> Session:
        """What runs the file."""
        return self._session

    @property
    def best_epoch(self) -> int | None:
        """The epoch whose weights the file has; None if the network was never trained."""
        epoch: int | None = self.facts["epoch"]
        return epoch

    def normalizer(self, device: torch.device) -> Prepare:
        """Return what makes of inputs in uint8 what the file takes."""
        if self._session.takes[0] == "uint8":
            return _Pictures(self.plan.input_shape, device)
        return super().normalizer(device)


class _Pictures:
    """Leaves pictures as they are: the file prepares them."""

    def __init__(self, shape: Shape, device: torch.device) -> None:
        self.device = device
        self._shape = (picture_channels(shape), *picture_size(shape))

    def __call__(self, pictures: Tensor, /) -> Tensor:
        """Return inputs (N, …) in uint8 as the pictures (N, C, H, W) that they are made of."""
        return pictures.reshape(-1, *self._shape)


def load(path: Path) -> OnnxFile:
    """Return the network of classes in an ONNX file. Raises CheckpointError, and SpecError for its spec."""
    data = _read(path)
    texts = _metadata(data, path)
    facts = _facts(texts, path)
    check_loaded(facts, Place(str(path)))
    plan = check_fit(specs.loads(texts["spec"], file=str(path)).located())
    session = Session(data, path)
    _check_ends(session, plan, facts["classes"], path)
    return OnnxFile(path, plan, facts, session)


def _read(path: Path) -> bytes:
    fix = "Check its name and permissions"
    try:
        size = path.stat()
        if not stat.S_ISREG(size.st_mode):
            raise _unusable(path, "this is no file", "", _EXPORT)
        if size.st_size > LARGEST:
            raise _unusable(path, "the file is larger than 2 GiB", "no ONNX file is", _EXPORT)
        return path.read_bytes()
    except OSError as error:
        raise _unusable(path, "the file cannot be read", error.strerror or str(error), fix) from None


def _metadata(data: bytes, path: Path) -> dict[str, str]:
    """Return the metadata of a model that was exported here, and that is whole in itself."""
    try:
        model = ModelProto.FromString(data)
    except DecodeError:
        raise _unusable(path, "this is not an ONNX file", "or it is damaged", _EXPORT) from None
    if any(is_external(message) for message in within(model)):
        what, why = "the file has values in other files", "which could be any of this machine"
        raise _unusable(path, what, why, "Use a file that has all in itself")
    texts = {one.key: one.value for one in model.metadata_props}
    if not {"cnnspec", "spec"} <= texts.keys():
        what, why = "the file does not tell its spec", "so it is not known what it takes"
        raise _unusable(path, what, why, _EXPORT)
    return texts


def _facts(texts: dict[str, str], path: Path) -> dict[str, Any]:
    """Return what the metadata tell of a network of classes, checked."""
    try:
        facts = {name: json.loads(texts[name]) for name in _FACTS if name in texts}
    except (ValueError, RecursionError):
        facts = {"classes": None}
    if "classes" not in facts:
        what = "the file does not tell what its classes are called"
        why = "it was exported from a spec that names no data set of as many classes"
        raise _unusable(path, what, why, _EXPORT)
    classes, digits, epoch = (facts.get(name) for name in ("classes", "digits", "epoch"))
    if not (
        isinstance(classes, list)
        and all(isinstance(name, str) for name in classes)
        and len(set(classes)) == len(classes)
        and isinstance(digits, bool)
        and type(epoch) in (int, type(None))
    ):
        raise _unusable(path, "the file's metadata make no sense", "they are damaged", _EXPORT)
    return {"classes": tuple(classes), "digits": digits, "epoch": epoch, NOTE: facts.get(NOTE)}


def _check_ends(session: Session, plan: Plan, classes: tuple[str, ...], path: Path) -> None:
    """Raise CheckpointError where the model takes or gives what does not belong to its metadata."""
    shape = plan.input_shape
    expected = (
        (("float", shape), ("uint8", (picture_channels(shape), None, None))),
        (("float", (len(classes),)),),
    )
    for name, end, either in zip(("takes", "gives"), (session.takes, session.gives), expected, strict=True):
        if end not in either:
            what, why = f"the model {name} {_told(end)}", f"by its spec it {name} {_told(either[0])}"
            raise _unusable(path, what, why, _EXPORT)


def _told(end: Signature) -> str:
    sides = "×".join("N" if side is None else str(side) for side in end[1])
    return f"{end[0]} {sides}"


def _unusable(path: Path, what: str, why: str, fix: str) -> CheckpointError:
    return CheckpointError(Problem(what, why, fix, Place(str(path))))
