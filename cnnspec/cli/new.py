"""new: a commented spec to start from."""

import re
import shlex
from importlib.resources import files
from pathlib import Path

import click
from rich.text import Text

from cnnspec.cli.console import out, print_line, print_text
from cnnspec.errors import CnnspecError, Place, Problem, one_line

STARTERS = ("lenet", "vgg", "resnet", "mobilenet", "conv1d")
"""The files in `cnnspec/starters`, the simplest first."""

_STEM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


@click.command(short_help="A commented spec to start from.")
@click.argument("name")
@click.option(
    "--like",
    type=click.Choice(STARTERS),
    default=STARTERS[0],
    show_default=True,
    help="Kind of network.",
)
def new(name: str, like: str) -> None:
    """Write NAME.yaml: a small network that trains on MNIST, with a comment on whatever it uses.

    NAME may have a folder before it, and the suffix .yaml or .yml. Nothing is ever overwritten;
    `-` prints the spec.
    """
    text = files("cnnspec").joinpath("starters", f"{like}.yaml").read_text("utf-8")
    if name == "-":
        print_text(text)
        return
    path = _path(name)
    _write(path, text)
    console, file = out(), one_line(str(path))
    shown = shlex.quote(file)
    print_line(console, Text(f"{file}: written, a network like {like}"))
    print_line(console, Text(f"Next: cnnspec summary {shown}"))
    print_line(console, Text(f"      cnnspec train {shown}"))


def _path(name: str) -> Path:
    """Return the file that is meant by a name; raises click.BadParameter and CnnspecError."""
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = path.with_name(f"{path.name}.yaml") if path.name else path
    if name.endswith(("/", "\\")) or not _STEM.fullmatch(path.stem):
        why = "it must be letters, digits, '_', '.' or '-', at most 64, and begin with a letter, digit or '_'"
        raise click.BadParameter(f"'{one_line(name)}' cannot be the name of a spec; {why}", param_hint="NAME")
    if not path.parent.is_dir():
        what, fix = f"there is no folder '{path.parent}'", "Make it first, or choose another one"
        raise CnnspecError(Problem(what, "", fix, Place(str(path))))
    return path


def _write(path: Path, text: str) -> None:
    """Write a file that is not there yet; raises CnnspecError."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        what, why = "there is such a file already", "nothing is overwritten"
        raise CnnspecError(Problem(what, why, "Choose another name", Place(str(path)))) from None
    except OSError as error:
        why = error.strerror or str(error)
        fix = "Choose another folder"
        raise CnnspecError(Problem("the file cannot be written", why, fix, Place(str(path)))) from None
