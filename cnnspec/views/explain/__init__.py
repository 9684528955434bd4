"""How each layer's numbers come about: formulas, and their forms in the terminal, Markdown and HTML."""

from cnnspec.views.explain.formulas import (
    Explanation,
    Formula,
    as_json,
    explain,
    explain_step,
    heading,
    legend,
    totals,
)

__all__ = [
    "Explanation",
    "Formula",
    "as_json",
    "explain",
    "explain_step",
    "heading",
    "legend",
    "totals",
]
