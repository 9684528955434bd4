"""export: a network for those who go on without cnnspec."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from cnnspec import spec as specs
from cnnspec.cli.console import err, out, print_line
from cnnspec.cli.options import output_option, parse_settings, set_option, variant_option
from cnnspec.errors import one_line
from cnnspec.shape import times
from cnnspec.spec import Spec

if TYPE_CHECKING:
    from cnnspec.exporting import Exported
    from cnnspec.training import Run


@dataclass(frozen=True, slots=True)
class Order:
    """What is exported, and to which file. A run is a folder that is not read yet."""

    source: Spec | Path
    output: Path
    preprocess: bool

    def load(self) -> "Spec | Run":
        """Return the spec, or the run in its folder, which needs torch. Raises CheckpointError."""
        if isinstance(self.source, Spec):
            return self.source
        from cnnspec.training import load_run

        return load_run(self.source)


def _python(order: Order) -> str:
    """Write PyTorch source; return what is told of it."""
    from cnnspec.exporting import export_source

    source = order.load()
    files = export_source(source, order.output)
    names = " and ".join(one_line(str(file)) for file in files)
    if isinstance(source, Spec):
        return f"{names}: {source.name} as PyTorch source"
    return f"{names}: {source.plan.name} as PyTorch source, with the weights of epoch {source.best_epoch}"


def _onnx(order: Order) -> str:
    """Write an ONNX file; return what is told of it."""
    from cnnspec.exporting import export_onnx

    return _traced(order, export_onnx, "ONNX Runtime")


def _pt2(order: Order) -> str:
    """Write a file of torch.export; return what is told of it."""
    from cnnspec.exporting import export_pt2

    return _traced(order, export_pt2, "torch.export")


def _traced(order: Order, write: "Callable[..., Exported]", runner: str) -> str:
    """Write a file that torch traces; return what is told of it, and of how it was tested."""
    console = err()
    with console.status("Exporting") if console.is_terminal else nullcontext():
        made = write(order.load(), order.output, preprocess=order.preprocess)
    network, agreement = made.network, made.agreement
    output = ", ".join(("batch", *map(str, network.plan.output_shape)))
    lines = [
        f"{one_line(str(made.path))}: {network.plan.name}, {one_line(network.weights)}",
        f"takes {made.program.described}, and gives float32 ({output})",
        (
            f"run by {runner} beside the network on {agreement.inputs} samples: outputs differ by "
            f"{agreement.difference:.1g} at most, and the largest is {agreement.largest:.3g}"
        ),
    ]
    if made.program.preparation:
        lines.insert(2, _prepared(made))
    return "\n".join(lines)


def _prepared(made: "Exported") -> str:
    """Return how a file prepares pictures."""
    assert made.program.preparation
    size, statistics = times(made.program.preparation.size), made.network.statistics
    if statistics is None:
        return f"resizes and crops pictures to {size}; values are from 0 to 1, as no data set is known"
    mean, std = (_numbers(value) for value in (statistics.mean, statistics.std))
    return f"resizes and crops pictures to {size}, and normalizes by mean {mean} and std {std}"


def _numbers(value: float | tuple[float, ...]) -> str:
    return " ".join(f"{one:.4g}" for one in (value if isinstance(value, tuple) else (value,)))


WRITERS: dict[str, Callable[[Order], str]] = {
    ".py": _python,
    ".onnx": _onnx,
    ".pt2": _pt2,
}
"""What writes a file with each suffix, and returns the line that is told of it."""


@click.command(short_help="The network as PyTorch source, ONNX or torch.export.")
@click.argument("what", metavar="SPEC|RUN")
@variant_option
@set_option
@output_option(*WRITERS)
@click.option(
    "--preprocess",
    is_flag=True,
    help="With .onnx and .pt2: take pictures of any size in uint8, and prepare them as for training.",
)
def export(
    what: str, variant: str | None, settings: tuple[str, ...], output: Path, *, preprocess: bool
) -> None:
    """Write the network of a SPEC or a RUN for those who go on without cnnspec.

    FILE.py is PyTorch source as a person would write it, with a class for each block, and needs torch only.
    The weights have the names that they have in a run. Of a RUN, the weights of the best epoch stand beside
    it in FILE.safetensors; `load()` in the source reads them, and `preprocess()` prepares a picture.

    FILE.onnx is for ONNX Runtime and all that reads ONNX, and FILE.pt2 for `torch.export.load`. They have
    the weights in them, those of a RUN's best epoch or those that the training of a SPEC would begin with,
    and take batches of any size. Spec, names of classes and normalization stand in their metadata. Each is
    run and compared with the network before it is written. ONNX needs `pip install 'cnnspec[onnx]'`;
    `cnnspec predict` and `cnnspec evaluate` take such a file, too.
    """
    suffix = output.suffix.lower()
    if preprocess and suffix == ".py":
        raise click.UsageError("--preprocess is for .onnx and .pt2; source of a RUN has `preprocess()`")
    order = Order(_source(what, variant, settings), output, preprocess)
    print_line(out(), Text(WRITERS[suffix](order)))


def _source(what: str, variant: str | None, settings: tuple[str, ...]) -> Spec | Path:
    """Return the spec, or the folder of a run; raises SpecError, click.UsageError."""
    if not Path(what).is_dir():
        return specs.load(what, variant, parse_settings(settings))
    for option, given in (("--variant", variant), ("--set", settings)):
        if given:
            raise click.UsageError(f"{option} is for a SPEC; a RUN is of one network, which is trained")
    return Path(what)
