"""layers: the vocabulary with examples."""

import click
from rich import box
from rich.table import Table
from rich.text import Text

from cnnspec.cli.console import out, out_encoding, print_json
from cnnspec.cli.options import format_option
from cnnspec.errors import did_you_mean, shown
from cnnspec.layers import REGISTRY, Element
from cnnspec.shape import times
from cnnspec.views import vocabulary
from cnnspec.views.explain.text import worked_lines
from cnnspec.views.window.art import charset_for


@click.command(short_help="The vocabulary, with examples.")
@click.argument("name", required=False)
@format_option("text", "json")
def layers(name: str | None, form: str) -> None:
    """List the layers a spec can use, or show one layer's fields and formulas."""
    if name is not None and name not in REGISTRY:
        synonyms = {synonym: layer.type for layer in REGISTRY.values() for synonym in layer.synonyms}
        near = did_you_mean(name, REGISTRY, synonyms)
        raise click.BadParameter(f"there is no layer '{name}'. {near}".rstrip(), param_hint="NAME")
    if form == "json":
        chosen = [REGISTRY[name]] if name else list(REGISTRY.values())
        described = [vocabulary.as_json(layer) for layer in chosen]
        print_json(described[0] if name else described)
    elif name:
        _print_layer(REGISTRY[name])
    else:
        _print_all()


def _print_all() -> None:
    console = out()
    for family, members in vocabulary.families().items():
        console.print(Text(family, style="bold"))
        table = _plain_table()
        for layer in members:
            table.add_row(Text(f"  - {layer.example}"), Text(vocabulary.sentence(layer), style="dim"))
        console.print(table)
        console.print()


def _print_layer(layer: type[Element]) -> None:
    console = out()
    about = vocabulary.about(layer)
    console.print(Text(layer.type, style="bold") + Text(f"  ({about})", style="dim"))
    console.print(Text(vocabulary.sentence(layer)))
    console.print()
    console.print(Text(f"  - {layer.example}"))
    _print_fields(layer)
    _print_formulas(layer)


def _print_fields(layer: type[Element]) -> None:
    console = out()
    rows = vocabulary.field_rows(layer)
    if not rows:
        return
    console.print()
    table = _plain_table("field", "default", "meaning")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
    if layer.main:
        console.print()
        console.print(Text(f"`{layer.main}` may stand alone: `- {layer.type}: …`"))


def _print_formulas(layer: type[Element]) -> None:
    """Print the layer's formulas, with the numbers of an example."""
    console = out()
    example = vocabulary.worked_example(layer)
    if example is None or example.step.layer is None:
        return
    console.print()
    given = ", ".join(
        f"{name} {shown(value)}" for name, value in example.step.layer.model_dump(exclude_unset=True).items()
    )
    on = f"{times(example.step.input)} → {times(example.step.output)}"
    console.print(Text(f"{on}{' with ' if given else ''}{given}:"))
    for line in worked_lines(example, console.width, charset_for(out_encoding())):
        console.print(Text(line.text, style=line.style), soft_wrap=True)


def _plain_table(*headings: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD if headings else None, show_header=bool(headings), show_edge=False, pad_edge=False
    )
    for heading in headings or ("", ""):
        table.add_column(heading)
    return table
