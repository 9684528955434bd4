"""explain: the formulas of every layer, and the pictures of their windows."""

from pathlib import Path

import click
from click.core import ParameterSource
from rich.text import Text

from cnnspec.cli.console import out, out_encoding, print_json, print_line, print_text, report_problems
from cnnspec.cli.options import format_option, output_option, spec_argument
from cnnspec.errors import Place, Problem, SpecError, did_you_mean, one_line, one_of
from cnnspec.expansion import trace
from cnnspec.plan import Plan
from cnnspec.spec import Spec
from cnnspec.views.explain import Explanation, as_json, totals
from cnnspec.views.explain import explain as explained
from cnnspec.views.explain.markdown import as_markdown
from cnnspec.views.explain.text import MOST_PICTURES, as_text
from cnnspec.views.window.art import BOXES, Charset, charset_for

SUFFIXES = {".html": "html", ".md": "markdown"}
"""The form of a file by its suffix."""


@click.command(short_help="Formula of every layer, with its numbers.")
@spec_argument
@click.argument("layer", required=False)
@format_option("text", "markdown", "html", "json")
@output_option(*SUFFIXES, default="standard output")
@click.option(
    "--picture/--no-picture",
    "pictures",
    default=None,
    help=f"Draw how windows slide.  [default: draw; as text, only where at most {MOST_PICTURES} differ]",
)
@click.pass_context
def explain(
    context: click.Context,
    *,
    spec: Spec,
    layer: str | None,
    form: str,
    output: Path | None,
    pictures: bool | None,
) -> int:
    """Show how the output size, parameters, MACs and receptive field of each layer of SPEC come about.

    LAYER names one layer or block, as `cnnspec summary` shows it. Convolution and pooling are
    drawn: the window at its first place on the padded input, the next place behind it, and the last.
    """
    if output:
        suffix = output.suffix.lower()
        if context.get_parameter_source("form") != ParameterSource.DEFAULT and form != SUFFIXES[suffix]:
            raise click.UsageError(f"--format {form} does not go with a file that ends in {suffix}")
        form = SUFFIXES[suffix]
    if form == "json" and pictures:
        raise click.UsageError("--picture does not go with --format json")
    plan, problems = trace(spec)
    explanations = explained(plan, finished=not problems)
    if layer is not None:
        explanations = _of(layer, plan, explanations, known=not problems)
    if form == "text":
        _print(explanations, pictures)
    elif not problems:
        _tell(plan, explanations, form, output, pictures=pictures is not False)
    report_problems(problems)
    return 1 if problems else 0


def _of(layer: str, plan: Plan, explanations: list[Explanation], *, known: bool) -> list[Explanation]:
    """Return the explanations of a layer or block; raises SpecError where all are `known` and it is none."""
    found = [one for one in explanations if f"{one.step.path}.".startswith(f"{layer}.")]
    if not found and known:
        paths = [one.step.path for one in explanations]
        named = one_of(paths) if len(paths) <= 12 else f"{', '.join(paths[:12])}, …"
        fix = did_you_mean(layer, paths) or f"It has {named}"
        what, place = f"{plan.name} has no layer '{layer}'", Place(plan.spec.document.file)
        raise SpecError(Problem(what, "", fix, place))
    return found


def _print(explanations: list[Explanation], pictures: bool | None) -> None:
    """Print the explanations for a terminal of any width."""
    console = out()
    lines = as_text(explanations, console.width, charset_for(out_encoding()), pictures=pictures)
    for line in lines:
        console.print(Text(line.text, style=line.style), soft_wrap=True)


def _tell(
    plan: Plan, explanations: list[Explanation], form: str, output: Path | None, *, pictures: bool
) -> None:
    """Print the explanations as JSON or as a document, or write that to a file."""
    if form == "json":
        print_json([as_json(one) for one in explanations])
    elif output is None:
        text = _document(plan, explanations, form, charset_for(out_encoding()), pictures=pictures)
        if form == "html" and out_encoding() != "utf-8":  # which the page says it is; ASCII is in any other
            text = text.encode("ascii", "xmlcharrefreplace").decode()
        print_text(text)
    else:
        from cnnspec.training.files import write_whole

        write_whole(output, _document(plan, explanations, form, BOXES, pictures=pictures).encode())
        print_line(out(), Text(f"{one_line(str(output))}: {plan.name} explained, {totals(plan)}"))


def _document(
    plan: Plan, explanations: list[Explanation], form: str, charset: Charset, *, pictures: bool
) -> str:
    """Return the explanations as Markdown or HTML."""
    if form == "markdown":
        return as_markdown(plan, explanations, pictures=pictures, charset=charset)
    from cnnspec.views.explain.page import as_html  # its templates take time to load

    return as_html(plan, explanations, pictures=pictures)
