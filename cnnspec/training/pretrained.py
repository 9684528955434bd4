"""What a training begins with instead of random weights: torchvision's, those in a file, or a run's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cnnspec.errors import CheckpointError, Place, Problem, SpecError, shown
from cnnspec.language.data import Normalize, normalization
from cnnspec.language.finetuning import innermost, published
from cnnspec.model.weights import WeightsReport, load_weights
from cnnspec.parts import part_place
from cnnspec.shape import Shape
from cnnspec.spec import Spec
from cnnspec.training.checkpoint import read_tensors, share
from cnnspec.training.published import (
    Publication,
    file_hash,
    find,
    in_order,
    names_in,
    network_of,
    outline,
    place_of,
)
from cnnspec.training.record import BEST, LAST, PREVIOUS, SPEC, read_record
from cnnspec.training.reporter import Reporter
from cnnspec.training.session import Session


@dataclass(frozen=True, slots=True)
class Local:
    """Weights in a safetensors file, which may be a checkpoint of the run in `folder`."""

    path: Path
    folder: Path | None

    @property
    def name(self) -> str:
        """What a spec calls them."""
        return str(self.path)

    def statistics(self, shape: Shape) -> Normalize | None:
        """Return how the run normalized its pictures, for inputs of that shape; None without a run."""
        if self.folder is None:
            return None
        spec = read_record(self.folder).spec
        known = spec.data.statistics(spec.input)
        if known is None:
            return None
        mean, std = (v[0] if isinstance(v, tuple) and len(v) == 1 else v for v in (known.mean, known.std))
        return normalization(mean, std, shape)

    def read(self, _reporter: Reporter) -> dict[str, Tensor]:
        """Return the tensors, in no order that means anything. Raises CheckpointError."""
        return read_tensors(self.path)


Source = Publication | Local


def named(spec: Spec) -> Spec:
    """Return the spec with the full name of the weights it begins with, if these are torchvision's.

    Raises SpecError where torchvision has none such.
    """
    asked = published(spec.train.weights or "")
    if asked is None:
        return spec
    return replace(spec, train=spec.train.model_copy(update={"weights": find(spec, asked).name}))


def source(spec: Spec) -> Source | None:
    """Return what training begins with, of a spec that is located; None for random weights.

    Raises SpecError or CheckpointError where it is not there; nothing is downloaded yet.
    """
    if spec.train.weights is None:
        return None
    asked = published(spec.train.weights)
    if asked:
        return find(spec, asked)
    path = Path(spec.train.weights)
    if path.is_dir():
        read_record(path)  # it must be a run's
        return Local(path / BEST, path)
    if not path.is_file():
        what = f"there are no weights {shown(str(path), 200)}"
        fix = "Check the path, or write `torchvision:NAME` for published weights"
        raise CheckpointError(Problem(what, "", fix, place_of(spec)))
    is_checkpoint = path.name in (BEST, LAST, PREVIOUS) and (path.parent / SPEC).is_file()
    return Local(path, path.parent if is_checkpoint else None)


def statistics(spec: Spec) -> Normalize | None:
    """Return how the pictures were normalized that the spec's weights were learned from, if that is known."""
    found = source(spec)
    return found.statistics(spec.input) if found else None


def begin(session: Session, before: Mapping[str, Any] | None, reporter: Reporter) -> dict[str, Any] | None:
    """Put the spec's weights into a session's network, in all processes; return what environment.json tells.

    `before` is what that told when the run began, if it goes on without a checkpoint. Raises SpecError or
    CheckpointError where anything but the first convolution and the last layer does not fit.
    """
    if session.options.weights is None:
        return None
    facts = None
    with session.processes.together():
        if session.processes.is_first:
            facts = fill(session.plan.spec, session.state.model, reporter)
            if before and before.get("sha256") != facts["sha256"]:
                what, why = "these are not the weights that the run began with", "the file has changed"
                raise CheckpointError(Problem(what, why, "Restore it", Place(facts["file"])))
    share(session.state, session.processes)
    told: dict[str, Any] = session.processes.broadcast(facts)
    return told


def fill(spec: Spec, model: nn.Module, reporter: Reporter) -> dict[str, Any]:
    """Put the weights into a model that its located spec names, and return what environment.json tells.

    Raises SpecError or CheckpointError where more than the first convolution and the last layer does not fit.
    """
    found = source(spec)
    assert found
    if isinstance(found, Publication) and not found.path.exists():
        with torch.device("meta"):
            without_values = spec.plan().build()
        _load(spec, without_values, outline(found.network))  # or what does not fit would be downloaded
    tensors = found.read(reporter)
    _check_finite(tensors, found)
    report = _load(spec, model, _ordered(spec, model, tensors, found))
    _check_frozen(spec, report)
    return {
        "from": found.name,
        "file": str(found.path),
        "sha256": file_hash(found.path),
        "matched": len(report.matched),
        "tensors": len(model.state_dict()),
        "by": report.how,
        "changes": [*report.changes, *_uncounted(report), *_normalized(spec, found)],
        "replaced": [one.ours for one in report.replaced],
        "adapted": [one.ours for one in report.adapted],
        "left_out": list(report.left_out),
    }


def lines(facts: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return what `begin` told as lines for a person."""
    if not facts:
        return ()
    first = f"{facts['from']}: {facts['matched']} of {facts['tensors']} tensors, matched by {facts['by']}"
    return (first, *facts["changes"])


def _load(spec: Spec, model: nn.Module, tensors: Mapping[str, Tensor]) -> WeightsReport:
    """Load tensors into a model; raise CheckpointError at the place where the spec names them."""
    try:
        return load_weights(model, tensors, adapt=True)
    except CheckpointError as error:
        raise CheckpointError(
            *(replace(problem, place=place_of(spec)) for problem in error.problems)
        ) from None


def _ordered(spec: Spec, model: nn.Module, tensors: dict[str, Tensor], found: Source) -> dict[str, Tensor]:
    """Return tensors that can be matched with the model's: by name, or in the order of torchvision's."""
    ours = model.state_dict()
    if isinstance(found, Publication) or 2 * sum(key in tensors for key in ours) >= len(ours):
        return tensors
    network = network_of(spec)
    names = names_in(network) if network else []
    if names and 2 * sum(key in tensors for key in names) >= len(names):
        return in_order(tensors, network)
    if not tensors:
        raise CheckpointError(
            Problem("there are no tensors in the file", "", "Use another one", Place(str(found.path)))
        )
    theirs, mine = (shown(next(iter(names), "")) for names in (tensors, ours))
    what, why = f"the tensors have other names, such as {theirs} instead of {mine}", "a file keeps no order"
    fix = (
        "Load them in Python with `cnnspec.load_weights(model, state_dict, adapt=True)`, and save the model's"
    )
    raise CheckpointError(Problem(what, why, fix, place_of(spec)))


def _check_finite(tensors: Mapping[str, Tensor], found: Source) -> None:
    for name, tensor in tensors.items():
        # As float32, which they become: float64 has larger numbers, and of float8 torch cannot tell.
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all()):
            what, why = "the weights are not all finite numbers", f"the first that are not are in {name}"
            raise CheckpointError(Problem(what, why, "Use others", Place(str(found.path))))


def _check_frozen(spec: Spec, report: WeightsReport) -> None:
    """Raise SpecError where a layer is frozen whose weights are new: it would stay random."""
    for one in report.replaced:
        layer, ours, theirs = one.ours.rpartition(".")[0], one.our_shape[0], one.their_shape[0]
        if spec.train.is_frozen(layer):
            what = f"freeze keeps {layer}, which would stay random"
            why = f"it has {ours:,} outputs, and the weights are for {theirs:,}"
            part = innermost(spec.train.freeze or (), layer) or ""
            raise SpecError(Problem(what, why, f"Let {layer} learn", part_place(spec, "freeze", part)))


def _uncounted(report: WeightsReport) -> list[str]:
    """Return what is to be said of tensors that old weights do not have; no others may be missing."""
    number = len(report.missing)
    norms = f"{number} batch norm{'s' * (number != 1)}"
    return [f"there are no counters of {norms}, which begin at 0"] if number else []


def _normalized(spec: Spec, found: Source) -> list[str]:
    """Return what is to be said of how pictures are normalized."""
    theirs, ours = found.statistics(spec.input), spec.data.normalize
    if theirs is None or ours is None:
        return []
    if theirs == ours:
        return [f"pictures are normalized as for these weights: {_statistics(theirs)}"]
    return [f"pictures are normalized otherwise than for these weights: those had {_statistics(theirs)}"]


def _statistics(of: Normalize) -> str:
    mean, std = (
        " ".join(f"{one:.3g}" for one in (v if isinstance(v, tuple) else (v,))) for v in (of.mean, of.std)
    )
    return f"mean {mean}, std {std}"
