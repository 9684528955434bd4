"""import: a network written in PyTorch as a spec; the one command that runs a user's code."""

import re
import sys
from contextlib import ExitStack, nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from cnnspec.cli.console import err, out, print_line, print_text, report_problems
from cnnspec.cli.options import file_ending
from cnnspec.errors import one_line
from cnnspec.shape import Shape, times

if TYPE_CHECKING:
    from cnnspec.importing import Imported
    from cnnspec.importing.find import Named

TORCHVISION = "torchvision"
WEIGHTS = ".safetensors"


def _shape(_context: click.Context, _parameter: click.Parameter, given: str | None) -> Shape | None:
    """Return the shape that ``3x224x224`` tells; raises click.BadParameter."""
    if given is None:
        return None
    sizes = re.split(r"[x×,]", given)
    if not 2 <= len(sizes) <= 4 or not all(
        size.isascii() and size.isdecimal() and int(size[:9]) for size in sizes
    ):
        raise click.BadParameter(
            f"'{one_line(given)}' is no shape such as 3x224x224: channels, and one to three sizes"
        )
    return tuple(int(size) for size in sizes)


@click.command("import", short_help="A network written in PyTorch, as a spec.")
@click.argument("what", metavar="torchvision:NAME|MODULE:FUNCTION")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; one that is there is replaced.  [default: standard output]",
)
@click.option(
    "--input",
    "shape",
    metavar="CxHxW",
    callback=_shape,
    help="Shape of one sample.  [default: that of torchvision's weights, else 3x224x224]",
)
@click.option(
    "--weights",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    callback=file_ending(WEIGHTS),
    help=f"Also write the module's weights under the names of the spec; FILE ends in {WEIGHTS}.",
)
def import_(what: str, output: Path | None, shape: Shape | None, weights: Path | None) -> None:
    """Write the spec of a network that is written in PyTorch.

    It is a network of torchvision, as torchvision:resnet18, or what a function without arguments gives,
    a class, or a variable: package.module:function. Python looks for the module in the working folder
    first. This code is run; name only code that you trust.

    The module is traced by torch.fx, and its operations are read as layers. Nothing is guessed: what
    cannot be said in a spec is told, with its line. In the end both are run, and must give the same.
    """
    home, colon, name = what.rpartition(":")
    dotted = home.endswith(".py") or not all(part.isidentifier() for part in home.split("."))
    if not colon or dotted or not name.isidentifier():
        raise click.BadParameter(_usage(what, home), param_hint="NAME")
    if output is not None and weights is not None and output.absolute() == weights.absolute():
        raise click.BadParameter(
            "is the file that -o names; spec and weights are two", param_hint="--weights"
        )
    spec = _imported(what, home, name, shape)
    report_problems(spec.warnings)
    written = _write(spec, output, weights)
    plan = spec.plan()
    lines = len(spec.text.splitlines())
    told = f"{spec.name}, {lines} lines, {plan.params:,} parameters, for {times(spec.input)}"
    console = out() if output else err()
    print_line(console, Text(f"{' and '.join(written)}: {told}" if written else told))


def _usage(what: str, home: str) -> str:
    """Return what is wrong with a name, and how it is written."""
    file = Path(home if home.endswith(".py") else what)
    if file.suffix == ".py":
        dotted = ".".join(file.with_suffix("").parts)
        return f"'{one_line(what)}' names a file; write {one_line(dotted)}:FUNCTION"
    return f"'{one_line(what)}' is neither torchvision:NAME nor MODULE:FUNCTION"


def _imported(what: str, home: str, name: str, shape: Shape | None) -> "Imported":
    """Return the spec of what is named; raises SpecError.

    What its code prints goes to standard error, so that nothing but the spec is on standard output.
    """
    from cnnspec.importing import from_module

    console = err()
    status = console.status("Importing") if console.is_terminal else nullcontext()
    with status, redirect_stdout(sys.stderr):
        named = _named(what, home, name)
        return from_module(named.module, shape or named.input, named.name, f"Imported from {what}.")


def _named(what: str, home: str, name: str) -> "Named":
    from cnnspec.importing import find

    if home == TORCHVISION:
        return find.torchvision_module(name)
    print_line(err(), Text(f"Running {what}"))
    return find.own_module(home, name)


def _write(spec: "Imported", output: Path | None, weights: Path | None) -> list[str]:
    """Write text and weights, both or none; return the names of the files. Raises CheckpointError."""
    from safetensors.torch import save

    from cnnspec.training.files import whole

    with ExitStack() as files:
        if weights is not None:
            tensors = {name: tensor.contiguous() for name, tensor in spec.state_dict().items()}
            files.enter_context(whole(weights)).write(save(tensors))
        if output is None:
            print_text(spec.text)
        else:
            files.enter_context(whole(output)).write(spec.text.encode())
    return [one_line(str(path)) for path in (output, weights) if path is not None]
