"""The explanation of a network as a page of HTML, with formulas and windows as textbooks print them."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from cnnspec.plan import Plan
from cnnspec.views.explain.formulas import Explanation, Formula, legend, totals
from cnnspec.views.explain.mathml import mathml
from cnnspec.views.pages.page import render
from cnnspec.views.window.album import Entry, album
from cnnspec.views.window.key import key
from cnnspec.views.window.scene import scenes

LONG = 40
"""Layers above which the table of contents is folded."""


def as_html(plan: Plan, explanations: Sequence[Explanation], *, pictures: bool = True) -> str:
    """Return the explanation as a page that needs nothing else."""
    entries = album(one.step for one in explanations) if pictures else {}
    drawn = [entry.picture for entry in entries.values() if entry.picture]
    return render(
        "explain.html",
        f"{plan.name}, explained",
        description=plan.spec.description,
        totals=totals(plan),
        letters=legend(explanations),
        key=key(drawn) if drawn else None,
        layers=[_layer(one, entries.get(one.step.path, Entry())) for one in explanations],
        is_long=len(explanations) > LONG,
    )


def _layer(explanation: Explanation, entry: Entry) -> dict[str, Any]:
    """Return what the page tells of a layer."""
    step, picture = explanation.step, entry.picture
    return {
        "step": step,
        "text": explanation.text.split("`"),  # every second part is code
        "formulas": [(formula.of, _parts(formula)) for formula in explanation.formulas],
        "sees": explanation.sees,
        "scenes": scenes(picture) if picture else (),
        "caption": picture.caption if picture else "",
        "like": entry.like,
    }


def _parts(formula: Formula) -> list[Markup]:
    """Return a formula's words, numbers and result."""
    return [Markup(mathml(part)) for part in formula.parts]  # noqa: S704  # it has escaped all texts
