"""Options that several commands share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from cnnspec import spec as specs
from cnnspec.errors import SpecError, one_line, one_of
from cnnspec.language import source

F = TypeVar("F", bound=Callable[..., Any])

MOST_THREADS = 1024

variant_option = click.option(
    "--variant", metavar="NAME", help="Variant of the spec, as FILE@NAME.  [default: its first]"
)

set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Give a variable of the spec another value.",
)


def spec_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument SPEC, with --variant and --set; it gets the loaded spec."""

    @click.argument("spec", metavar="SPEC")
    @variant_option
    @set_option
    @functools.wraps(command)
    def with_spec(spec: str, variant: str | None, settings: tuple[str, ...], **options: Any) -> Any:
        return command(spec=specs.load(spec, variant, parse_settings(settings)), **options)

    return with_spec


def parse_settings(settings: tuple[str, ...], option: str = "--set") -> dict[str, Any]:
    """Return the values of ``--set NAME=VALUE``, read as YAML; raises SpecError and click.UsageError."""
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"'{one_line(setting)}' is not NAME=VALUE", param_hint=option)
        if not text.strip():
            told = f"'{one_line(setting)}' has no value; where none is meant, write {one_line(name)}=null"
            raise click.BadParameter(told, param_hint=option)
        document, problems = source.parse(text, f"{option} {name}")
        if problems:
            raise SpecError(*problems)
        values[name.strip()] = document.value
    return values


def thread_count(_context: click.Context, _parameter: click.Parameter, text: str) -> int | Literal["auto"]:
    """Return a number of threads, or ``auto`` as it is; raises click.BadParameter."""
    if text == "auto":
        return "auto"
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_THREADS):
        raise click.BadParameter(f"'{one_line(text)}' is neither auto nor a number from 1 to {MOST_THREADS}")
    return int(text)


device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="auto, cuda, mps or cpu; auto is the GPU where there is one.",
)

threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1, max=MOST_THREADS),
    metavar="N",
    help="Threads on the CPU.  [default: torch's own choice]",
)

data_root_option = click.option(
    "--data-root",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Folder with data sets in torchvision's layout, looked in before $CNNSPEC_DATA and the cache; "
    "or that with your own pictures, where they have moved to.",
)


def file_ending(*suffixes: str, because: str = "") -> Callable[..., Path | None]:
    """Return a callback that takes a file's name only with one of these suffixes; `because` says why.

    It raises click.BadParameter.
    """

    def check(_context: click.Context, _parameter: click.Parameter, given: str | None) -> Path | None:
        if given is not None and Path(given).suffix.lower() not in suffixes:
            why = f": {because}, so its name" if because else ""
            raise click.BadParameter(f"'{one_line(given)}'{why} must end in {one_of(suffixes)}")
        return None if given is None else Path(given)

    return check


def output_option(*suffixes: str, kind: str = "", default: str = "", because: str = "") -> Callable[[F], F]:
    """Return the option ``--output`` for a file with one of these suffixes, required without a `default`.

    The help names the `kind` of file, or its suffixes.
    """
    what = f"{kind} file to write" if kind else f"File to write, {one_of(suffixes)}"
    return click.option(
        "-o",
        "--output",
        required=not default,
        metavar="FILE",
        type=click.Path(dir_okay=False),
        callback=file_ending(*suffixes, because=because),
        help=f"{what}; one that is there is replaced." + (f"  [default: {default}]" if default else ""),
    )


png_option = output_option(".png", kind="PNG", because="the picture is a PNG")


def format_option(*formats: str) -> Callable[[F], F]:
    """Return the option ``--format`` with these choices, the first being the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="Form of the output.",
    )
