"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

spec_argument = click.argument("spec", metavar="SPEC")


def format_option(*formats: str) -> Callable[[F], F]:
    """Return the option ``--format`` with these choices, the first being the default."""
    return click.option(
        "--format", "form", type=click.Choice(formats), default=formats[0], show_default=True, help="Form of the output."
    )
