"""schema: the language, for editors."""

import click

from cnnspec import spec as specs
from cnnspec.cli.console import print_json
from cnnspec.views.schema import json_schema


@click.command(short_help="JSON Schema for editors.")
@click.argument("spec", required=False)
def schema(spec: str | None) -> None:
    """Print the JSON Schema of specs, with which an editor completes, explains and checks them.

    With SPEC it is the schema of that file: it knows its variables and blocks too, and so
    finds what is misspelt in them. Print it again when these have changed.
    """
    print_json(json_schema(specs.load(spec) if spec else None))
