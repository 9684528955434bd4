"""draw: a picture of a network, without torch."""

from collections.abc import Callable
from pathlib import Path

import click
from rich.text import Text

from cnnspec.cli.console import err, out, print_line, report_problems
from cnnspec.cli.options import output_option, spec_argument
from cnnspec.errors import one_line, one_of
from cnnspec.expansion import trace
from cnnspec.plan import Plan
from cnnspec.spec import Spec
from cnnspec.training.files import write_whole
from cnnspec.views.diagram import STYLES
from cnnspec.views.diagram import draw as drawn
from cnnspec.views.drawing.scene import Scene

PICTURES = (".svg", ".png", ".pdf")
GRAPHS = {".mmd": "Mermaid", ".dot": "DOT"}
"""Suffixes of languages for flow graphs, which other programs lay out, with their names."""

MERMAID_EDGES = 500
"""Edges that Mermaid draws where its settings do not say otherwise."""


@click.command(short_help="Picture of the network: SVG, PNG, PDF, Mermaid, DOT.")
@spec_argument
@output_option(*PICTURES, *GRAPHS)
@click.option(
    "--style",
    type=click.Choice(STYLES),
    default=STYLES[0],
    show_default=True,
    help="blocks: a flow graph; volumes: feature maps as boxes.",
)
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Open N levels in their places.")
def draw(spec: Spec, output: Path, style: str, depth: int | None) -> int:
    """Draw the network of SPEC.

    In the style `blocks`, each block that the network's own list calls is one box, and beside it is
    shown what is in it, once for each form; repetitions are one box, too, with ×n. With --depth, N
    levels are opened in their places instead, as in `cnnspec summary`. An SVG has a light and a dark
    theme, and tells shapes and formulas on hover. PNG and PDF need `pip install 'cnnspec[draw]'`.
    Mermaid (.mmd) and DOT (.dot) describe the flow graph for programs that lay it out themselves.
    """
    suffix = output.suffix.lower()
    if suffix in GRAPHS and style != STYLES[0]:
        raise click.UsageError(
            f"{GRAPHS[suffix]} describes flow graphs; --style {style} is for {one_of(PICTURES)}"
        )
    plan, problems = trace(spec)
    if problems:
        report_problems(problems)
        return 1
    write_whole(output, _contents(plan, suffix, style, depth))
    told = f"as a flow graph in {GRAPHS[suffix]}" if suffix in GRAPHS else f"in style {style}"
    print_line(out(), Text(f"{one_line(str(output))}: {plan.name} {told}"))
    return 0


def _contents(plan: Plan, suffix: str, style: str, depth: int | None) -> bytes:
    """Return the bytes of the file; raises CnnspecError."""
    match suffix:
        case ".mmd":
            from cnnspec.views.diagram.flow.mermaid import as_mermaid

            text = as_mermaid(plan, depth)
            edges = text.count("-->")
            if edges > MERMAID_EDGES:
                note = f"{edges} edges: Mermaid draws {MERMAID_EDGES}, and more with its setting maxEdges"
                print_line(err(), Text(note, style="yellow"))
            return text.encode()
        case ".dot":
            from cnnspec.views.diagram.flow.dot import as_dot

            return as_dot(plan, depth).encode()
        case _:
            return _rendered(drawn(plan, style, depth), suffix)


def _rendered(scene: Scene, suffix: str) -> bytes:
    """Return a picture in the form that a suffix tells; raises CnnspecError."""
    if suffix == ".svg":
        from cnnspec.views.drawing.svg import as_svg

        return as_svg(scene).encode()
    from cnnspec.views.diagram.convert import as_pdf, as_png

    write: Callable[[Scene], bytes] = as_png if suffix == ".png" else as_pdf
    return write(scene)
