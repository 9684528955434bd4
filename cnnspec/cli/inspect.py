"""summary, explain and check: looking at a spec, without torch."""

from typing import Any

import click
from rich.text import Text

from cnnspec import fit
from cnnspec import spec as specs
from cnnspec.cli.console import out, print_json, print_text, report_problems
from cnnspec.cli.options import format_option, spec_argument
from cnnspec.errors import CnnspecError, Place, Problem, SpecError, did_you_mean, one_line, one_of, printable
from cnnspec.expansion import trace
from cnnspec.plan import Plan
from cnnspec.views import explain as explaining
from cnnspec.views import summary as summing
from cnnspec.yaml_text import to_yaml


@click.command(short_help="Table of layers: shapes, parameters, MACs.")
@spec_argument
@format_option("table", "json", "csv", "markdown")
@click.option(
    "--depth", type=click.IntRange(min=1), metavar="N", help="Show groups deeper than N levels as one row."
)
def summary(spec: str, form: str, depth: int | None) -> int:
    """Show every layer of SPEC with its output shape, kernel, parameters and MACs.

    MACs (multiply-accumulates, for one sample) count convolution and fc, without bias. The column
    kernel shows the window, with stride s, padding p and dilation d where they are not 1, 0 and 1.
    """
    plan, problems = trace(specs.load(spec))
    if form == "json" and not problems:
        print_json(summing.as_json(plan))
    elif form == "csv" and not problems:
        print_text(summing.as_csv(plan, depth))
    elif form == "markdown" and not problems:
        print_text(summing.as_markdown(plan, depth))
    elif form == "table":
        _print_table(plan, depth, complete=not problems)
    report_problems(problems)
    return 1 if problems else 0


def _print_table(plan: Plan, depth: int | None, *, complete: bool) -> None:
    console = out()
    console.print(Text.assemble((plan.name, "bold"), f"  {printable(plan.spec.description)}".rstrip()))
    console.print()
    heading, *lines = summing.table(plan, depth, console.width)
    console.print(Text.assemble((heading, "bold"), "\n", "\n".join(lines)), soft_wrap=True)
    console.print()
    if complete:
        for line in summing.totals(plan):
            console.print(line)


@click.command(short_help="Formula of every layer, with its numbers.")
@spec_argument
@click.argument("layer", required=False)
@format_option("text", "json")
def explain(spec: str, layer: str | None, form: str) -> int:
    """Show how the output size, parameters and MACs of each layer of SPEC come about.

    LAYER names one layer, as `cnnspec summary` shows it.
    """
    plan, problems = trace(specs.load(spec))
    explanations = explaining.explain(plan)
    if layer is not None:
        explanations = [
            e for e in explanations if e.step.path == layer or e.step.path.startswith(f"{layer}.")
        ]
        if not explanations and not problems:
            paths = [step.path for step in plan.layers]
            known = one_of(paths) if len(paths) <= 12 else f"{', '.join(paths[:12])}, …"
            fix = did_you_mean(layer, paths) or f"It has {known}"
            raise SpecError(
                Problem(f"{plan.name} has no layer '{layer}'", "", fix, Place(plan.spec.document.file))
            )
    if form == "text":
        _print_explanations(explanations)
    elif not problems:
        print_json([explaining.as_json(e) for e in explanations])
    report_problems(problems)
    return 1 if problems else 0


def _print_explanations(explanations: list[explaining.Explanation]) -> None:
    console = out()
    legend = explaining.legend(explanations)
    if legend:
        console.print(Text(legend, style="dim"))
    for number, explanation in enumerate(explanations):
        if legend or number:
            console.print()
        console.print(Text(explaining.heading(explanation.step), style="bold"))
        console.print(Text(f"  {explanation.text}", style="dim"))
        for formula in explanation.formulas:
            console.print(Text(f"  {formula.of + ':':<15}{formula}"), soft_wrap=True)


@click.command(short_help="Every problem of the files, with its place.")
@click.argument("files", metavar="SPEC...", nargs=-1, required=True)
@format_option("text", "json")
@click.option("--resolved", is_flag=True, help="Print the spec with all defaults filled in.")
def check(files: tuple[str, ...], form: str, resolved: bool) -> int:
    """Check each SPEC: its form, its shapes, and whether it fits its data."""
    if resolved and (len(files) > 1 or form == "json"):
        raise click.UsageError("--resolved prints one SPEC, as YAML")
    reports: list[dict[str, Any]] = []
    failed = False
    for file in files:
        plan, problems = _checked(file)
        wrong = any(problem.severity == "error" for problem in problems)
        failed = failed or wrong
        reports.append(
            {"file": file, "ok": not wrong, "problems": [problem.as_json() for problem in problems]}
        )
        if form == "json":
            continue
        report_problems(problems)
        if plan and not wrong:
            name = one_line(plan.spec.document.file)
            print_text(_resolved(plan) if resolved else f"{name}: ok, {_count(plan)}\n")
    if form == "json":
        print_json(reports)
    return 1 if failed else 0


def _checked(file: str) -> tuple[Plan | None, list[Problem]]:
    """Return a file's plan with all its problems and warnings."""
    try:
        plan, problems = trace(specs.load(file))
    except CnnspecError as error:
        return None, list(error.problems)
    if not problems and plan.spec.data_given:
        problems = fit.data_problems(plan)
    return plan, problems + fit.warnings(plan)


def _count(plan: Plan) -> str:
    layers = len(plan.layers)
    return f"{layers} layer{'s' * (layers != 1)}, {plan.params:,} parameters"


def _resolved(plan: Plan) -> str:
    return to_yaml(plan.spec.resolved())
