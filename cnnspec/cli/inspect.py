"""summary and check: looking at a spec, without torch."""

from typing import Any, NamedTuple

import click
from rich.text import Text

from cnnspec import fit
from cnnspec import spec as specs
from cnnspec.cli.console import out, print_json, print_text, report_problems
from cnnspec.cli.github import annotation
from cnnspec.cli.options import format_option, parse_settings, set_option, spec_argument, variant_option
from cnnspec.errors import CnnspecError, Problem, one_line, printable
from cnnspec.expansion import make_plan, trace
from cnnspec.language.yaml_text import to_yaml
from cnnspec.parts import part_problems
from cnnspec.plan import Plan
from cnnspec.spec import Spec
from cnnspec.views import summary as summing


@click.command(short_help="Table of layers: shapes, parameters, MACs.")
@spec_argument
@format_option("table", "json", "csv", "markdown")
@click.option(
    "--depth", type=click.IntRange(min=1), metavar="N", help="Open N levels; 1 is the network's own list."
)
@click.option(
    "--batch", type=click.IntRange(min=1), metavar="N", help="Batch size that memory is predicted for."
)
def summary(spec: Spec, form: str, depth: int | None, batch: int | None) -> int:
    """Show the layers and blocks of SPEC with output shape, kernel, parameters and MACs.

    What repeats is one row, and so is each block; --depth opens them. MACs (multiply-accumulates,
    for one sample) count convolution and fc, without bias. The column kernel shows the window, with
    stride s, padding p and dilation d where they are not 1, 0 and 1. The receptive field is what one
    value depends on of the input. Memory is predicted for float32 on the CPU; JSON has every layer.
    """
    plan, problems = trace(spec)
    if form == "json" and not problems:
        print_json(summing.as_json(plan, batch))
    elif form == "csv" and not problems:
        print_text(summing.as_csv(plan, depth))
    elif form == "markdown" and not problems:
        print_text(summing.as_markdown(plan, depth))
    elif form == "table":
        _print_table(plan, depth, batch, complete=not problems)
    report_problems(problems)
    return 1 if problems else 0


def _print_table(plan: Plan, depth: int | None, batch: int | None, *, complete: bool) -> None:
    console = out()
    console.print(Text.assemble((plan.name, "bold"), f"  {printable(plan.spec.description)}".rstrip()))
    console.print()
    heading, *lines = summing.table(plan, depth, console.width)
    console.print(Text.assemble((heading, "bold"), "\n", "\n".join(lines)), soft_wrap=True)
    console.print()
    hint = summing.hint(plan, depth)
    if hint:
        console.print(Text(hint, style="dim"))
    if complete:
        for line in summing.totals(plan, batch):
            console.print(line)


@click.command(short_help="Every problem of the files, with its place.")
@click.argument("files", metavar="SPEC...", nargs=-1, required=True)
@variant_option
@set_option
@format_option("text", "json", "github")
@click.option("--resolved", is_flag=True, help="Print the spec with all defaults filled in.")
def check(
    files: tuple[str, ...], variant: str | None, settings: tuple[str, ...], form: str, resolved: bool
) -> int:
    """Check each SPEC: its form, its shapes, and whether it fits its data.

    All variants of a SPEC are checked, or the one that FILE@NAME or --variant names. The format github
    is that of a workflow there: each problem becomes an annotation of its line.
    """
    if resolved and (len(files) > 1 or form != "text"):
        raise click.UsageError("--resolved prints one SPEC, as YAML")
    values = parse_settings(settings)
    if resolved:
        print_text(to_yaml(make_plan(specs.load(files[0], variant, values)).spec.resolved()))
        return 0
    checked = [result for file in files for result in _checked(file, variant, values)]
    if form == "json":
        print_json([_report(result) for result in checked])
        return 1 if any(result.wrong for result in checked) else 0
    told: set[Problem] = set()
    for result in checked:
        new = [problem for problem in result.problems if problem not in told]
        told.update(new)
        if form == "github":
            print_text("".join(map(annotation, new)))
            continue
        report_problems(new)
        if result.plan and not result.wrong:
            print_text(f"{one_line(result.name)}: ok, {_count(result.plan)}\n")
    return 1 if any(result.wrong for result in checked) else 0


class _Checked(NamedTuple):
    """A file, or a variant of it, with its plan, problems and warnings."""

    name: str
    plan: Plan | None
    problems: list[Problem]

    @property
    def wrong(self) -> bool:
        """Whether there is an error among the problems."""
        return any(problem.severity == "error" for problem in self.problems)


def _checked(file: str, variant: str | None, values: dict[str, Any]) -> list[_Checked]:
    """Return what there is to say of a file, of each of its variants."""
    try:
        family = specs.load_family(file, variant, values)
    except CnnspecError as error:
        return [_Checked(file, None, list(error.problems))]
    results = []
    for spec in family:
        plan, problems = trace(spec)
        if not problems:
            problems = fit.data_problems(plan) if plan.spec.data_given else part_problems(plan)
        name = spec.document.file + (f"@{spec.variant}" if spec.variant else "")
        results.append(_Checked(name, plan, problems + fit.warnings(plan)))
    return results


def _report(result: _Checked) -> dict[str, Any]:
    problems = [problem.as_json() for problem in result.problems]
    return {"file": result.name, "ok": not result.wrong, "problems": problems}


def _count(plan: Plan) -> str:
    layers = len(plan.layers)
    return f"{layers} layer{'s' * (layers != 1)}, {plan.params:,} parameters"
