"""export: a network for those who go on without cnnspec."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from cnnspec import spec as specs
from cnnspec.cli.console import out, print_line
from cnnspec.cli.options import parse_settings, set_option, variant_option
from cnnspec.errors import one_line, one_of
from cnnspec.spec import Spec

if TYPE_CHECKING:
    from cnnspec.training import Run


@dataclass(frozen=True, slots=True)
class Order:
    """What is exported, and to which file. A run is a folder that is not read yet."""

    source: Spec | Path
    output: Path

    def load(self) -> "Spec | Run":
        """Return the spec, or the run in its folder, which needs torch. Raises CheckpointError."""
        if isinstance(self.source, Spec):
            return self.source
        from cnnspec.training import load_run

        return load_run(self.source)


def _python(order: Order) -> str:
    """Write PyTorch source; return what is told of it."""
    from cnnspec.exporting.source import write_source

    source = order.load()
    files = write_source(source, order.output)
    names = " and ".join(one_line(str(file)) for file in files)
    if isinstance(source, Spec):
        return f"{names}: {source.name} as PyTorch source"
    return f"{names}: {source.plan.name} as PyTorch source, with the weights of epoch {source.best_epoch}"


WRITERS: dict[str, Callable[[Order], str]] = {
    ".py": _python,
}
"""What writes a file with each suffix, and returns the line that is told of it."""


def _path(_context: click.Context, _parameter: click.Parameter, given: str) -> Path:
    """Return the file to write, whose suffix tells its form; raises click.BadParameter."""
    path = Path(given)
    if path.suffix.lower() not in WRITERS:
        raise click.BadParameter(f"'{one_line(given)}' must end in {one_of(WRITERS)}")
    return path


@click.command(short_help="The network as PyTorch source.")
@click.argument("what", metavar="SPEC|RUN")
@variant_option
@set_option
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False),
    callback=_path,
    help=f"File to write, {one_of(WRITERS)}; one that is there is replaced.",
)
def export(what: str, variant: str | None, settings: tuple[str, ...], output: Path) -> None:
    """Write the network of a SPEC or a RUN for those who go on without cnnspec.

    FILE.py is PyTorch source as a person would write it, with a class for each block, and needs torch only.
    The weights have the names that they have in a run. Of a RUN, the weights of the best epoch stand beside
    it in FILE.safetensors; `load()` in the source reads them, and `preprocess()` prepares a picture.
    """
    order = Order(_source(what, variant, settings), output)
    print_line(out(), Text(WRITERS[output.suffix.lower()](order)))


def _source(what: str, variant: str | None, settings: tuple[str, ...]) -> Spec | Path:
    """Return the spec, or the folder of a run; raises SpecError, click.UsageError."""
    if not Path(what).is_dir():
        return specs.load(what, variant, parse_settings(settings))
    for option, given in (("--variant", variant), ("--set", settings)):
        if given:
            raise click.UsageError(f"{option} is for a SPEC; a RUN is of one network, which is trained")
    return Path(what)
