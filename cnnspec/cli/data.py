"""data: the data sets that a spec can name."""

import click

from cnnspec.cli.lazy import LazyGroup

COMMANDS = {"list": "data_list", "fetch": "data_fetch", "show": "data_show"}
"""Each command by the module that holds it, in the order of the help."""


@click.group(
    cls=LazyGroup, modules=COMMANDS, default="list", short_help="The data sets: list, fetch and show them."
)
def data() -> None:
    """List the data sets that a spec can name, download them, and look at their pictures.

    `cnnspec data` alone is `cnnspec data list`.
    """
