"""The explanation of a network as Markdown: for each layer a table of formulas, and its window as text."""

import re
from collections.abc import Iterator, Mapping, Sequence

from cnnspec.errors import printable
from cnnspec.plan import Plan
from cnnspec.shape import times
from cnnspec.views.explain.formulas import Explanation, legend, totals
from cnnspec.views.window.album import album, arts
from cnnspec.views.window.art import BOXES, Charset, signs

WIDTH = 78
"""Columns of the pictures."""

_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~&!$]|^[-+=]|(?<=\d)[.)](?=\s)")
"""What means more than itself in CommonMark, or in GitHub's dialect of it (https://spec.commonmark.org)."""


def as_markdown(
    plan: Plan, explanations: Sequence[Explanation], *, pictures: bool = True, charset: Charset = BOXES
) -> str:
    """Return the explanation as Markdown, with pictures in the characters of `charset`."""
    entries = album(one.step for one in explanations) if pictures else {}
    drawn = arts(entries, WIDTH, charset)
    blocks = [f"# {_escaped(plan.name)}", _escaped(plan.spec.description), totals(plan)]
    blocks.append(_told("Letters", legend(explanations)))
    blocks.append(_told("Pictures", signs(drawn.values(), charset)))
    for explanation in explanations:
        blocks += _layer(explanation)
        path = explanation.step.path
        if path in drawn:
            blocks.append("\n".join(("```", *drawn[path].lines, "```")))
        elif path in entries and entries[path].like in drawn:
            blocks.append(f"The window slides as that of `{entries[path].like}` does.")
    return "\n\n".join(filter(None, blocks)) + "\n"


def _layer(explanation: Explanation) -> Iterator[str]:
    """Yield the blocks about a layer."""
    step = explanation.step
    yield f"## `{step.label}`: {times(step.input)} → {times(step.output)}"
    yield explanation.text
    rows = [_row(formula.of, *formula.parts) for formula in explanation.formulas]
    if explanation.sees:
        rows.append(("receptive field", explanation.sees, "", ""))
    if rows:
        lines = (("", "formula", "in numbers", "result"), ("---", "---", "---", "---:"), *rows)
        yield "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _row(of: str, words: str, *numbers: str) -> tuple[str, str, str, str]:
    """Return the row of a formula, which need not be written in numbers as well."""
    *most, result = numbers
    return of, f"`{words}`", f"`{most[0]}`" if most else "", result


def _told(what: str, meanings: Mapping[str, str]) -> str:
    """Return what signs mean, if there are any."""
    told = ", ".join(f"`{sign}` {meaning}" for sign, meaning in meanings.items())
    return told and f"{what}: {told}."


def _escaped(text: str) -> str:
    """Return a text as one paragraph that is only text."""
    line = " ".join(printable(text).split())
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", line)
