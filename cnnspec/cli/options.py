"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

spec_argument = click.argument("spec", metavar="SPEC")

device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="auto, cuda, mps or cpu; auto is the GPU where there is one.",
)

threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1, max=1024),
    metavar="N",
    help="Threads on the CPU.  [default: torch's own choice]",
)

data_root_option = click.option(
    "--data-root",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Folder with data sets in torchvision's layout; looked in before $CNNSPEC_DATA and the cache.",
)


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
