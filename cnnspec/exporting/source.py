"""A network as PyTorch source, and a run's weights beside it."""

from pathlib import Path
from typing import TYPE_CHECKING

from cnnspec.errors import CheckpointError, Place, Problem
from cnnspec.spec import Spec
from cnnspec.training.files import whole, write_whole
from cnnspec.training.record import FILES, SPEC
from cnnspec.views.source import as_source
from cnnspec.views.source.trained import Trained

if TYPE_CHECKING:
    from cnnspec.training import Run

WEIGHTS = ".safetensors"


def export_source(source: "Spec | Run", path: str | Path) -> list[Path]:
    """Write PyTorch source of a spec, or of a run with its weights of the best epoch; return the files.

    The weights stand beside the source, under its name with the suffix ``.safetensors``. There are both
    files in the end or none. Raises SpecError, CheckpointError; torch is needed for a run only.
    """
    path = Path(path)
    if isinstance(source, Spec):
        write_whole(path, as_source(source.plan()).encode())
        return [path]
    from safetensors.torch import save

    weights = path.with_suffix(WEIGHTS)
    _check_is_free(weights)
    text = as_source(source.plan, _facts(source, weights)).encode()
    tensors = save({name: tensor.contiguous() for name, tensor in source.model.state_dict().items()})
    with whole(path) as stream, whole(weights) as beside:
        beside.write(tensors)
        stream.write(text)
    return [path, weights]


def _check_is_free(weights: Path) -> None:
    """Raise CheckpointError where the weights would replace what a run is made of."""
    if weights.name in FILES and (weights.parent / SPEC).exists():
        what, why = f"the weights would replace {weights.name}", "a run in this folder is made of it"
        raise CheckpointError(Problem(what, why, "Choose another name or folder", Place(str(weights))))


def _facts(run: "Run", weights: Path) -> Trained:
    """Return what the source tells of a run."""
    statistics = run.plan.spec.data.statistics(run.plan.input_shape)
    assert statistics  # a run's spec has them
    return Trained(
        run=run.folder.resolve().name,
        weights=weights.name,
        epoch=run.best_epoch,
        accuracy=run.record.accuracy,
        classes=run.classes,
        statistics=statistics,
        digits=run.digits,
        logarithms=run.plan.spec.train.loss.name == "nll",
    )
