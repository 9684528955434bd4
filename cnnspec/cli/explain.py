"""explain: the formulas of every layer, and the pictures of their windows."""

import sys

import click
from rich.text import Text

from cnnspec.cli.console import out, print_json, print_text, report_problems
from cnnspec.cli.options import format_option, spec_argument
from cnnspec.errors import Place, Problem, SpecError, did_you_mean, one_of
from cnnspec.expansion import trace
from cnnspec.plan import Plan
from cnnspec.spec import Spec
from cnnspec.views import explain as explaining
from cnnspec.views.explain import Explanation, as_json
from cnnspec.views.explain_markdown import as_markdown
from cnnspec.views.explain_text import MOST_PICTURES, as_text
from cnnspec.views.window.art import charset_for


@click.command(short_help="Formula of every layer, with its numbers.")
@spec_argument
@click.argument("layer", required=False)
@format_option("text", "markdown", "html", "json")
@click.option(
    "--picture/--no-picture",
    "pictures",
    default=None,
    help=f"Draw how windows slide.  [default: draw; as text, only where at most {MOST_PICTURES} differ]",
)
def explain(spec: Spec, layer: str | None, form: str, pictures: bool | None) -> int:
    """Show how the output size, parameters, MACs and receptive field of each layer of SPEC come about.

    LAYER names one layer or block, as `cnnspec summary` shows it. Convolution and pooling are
    drawn: the window at its first place on the padded input, the next place behind it, and the last.
    """
    if form == "json" and pictures:
        raise click.UsageError("--picture does not go with --format json")
    plan, problems = trace(spec)
    explanations = explaining.explain(plan, finished=not problems)
    if layer is not None:
        explanations = _of(layer, plan, explanations, known=not problems)
    if form == "text":
        _print(explanations, pictures)
    elif not problems:
        _print_document(plan, explanations, form, pictures=pictures is not False)
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


def _print_document(plan: Plan, explanations: list[Explanation], form: str, *, pictures: bool) -> None:
    """Print the explanations in one of the forms for programs, or for readers elsewhere."""
    if form == "json":
        print_json([as_json(one) for one in explanations])
    elif form == "markdown":
        charset = charset_for(sys.stdout.encoding)
        print_text(as_markdown(plan, explanations, pictures=pictures, charset=charset))
    else:
        from cnnspec.views.explain_page import as_html  # its templates take time to load

        print_text(as_html(plan, explanations, pictures=pictures))


def _print(explanations: list[Explanation], pictures: bool | None) -> None:
    """Print the explanations for a terminal of any width."""
    console = out()
    lines = as_text(explanations, console.width, charset_for(sys.stdout.encoding), pictures=pictures)
    for line in lines:
        console.print(Text(line.text, style=line.style), soft_wrap=True)
