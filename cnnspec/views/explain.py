"""The formulas of every layer with its numbers, in the words of a textbook."""

import re
from typing import Any, NamedTuple

from cnnspec.plan import Plan, Step
from cnnspec.shape import AXES, Shape, times

LETTERS = {"n": "input size", "p": "padding", "f": "filter size", "s": "stride", "d": "dilation"}
"""What the letters of the formulas mean."""

_LETTER = re.compile(r"(?<![a-z_])[a-z](?![a-z_])")
"""A letter that stands alone, as in ``2p`` and ``d(f − 1)``, but in no word."""


class Formula(NamedTuple):
    """A formula in words, the same with its numbers, and what comes out."""

    of: str
    words: str
    numbers: str
    result: int

    def __str__(self) -> str:
        told = (self.words, str(self.result))
        steps = [self.words] if self.numbers in told else [self.words, self.numbers]
        return " = ".join([*steps, f"{self.result:,}"])

    @property
    def line(self) -> str:
        """The formula after what it is of, such that those of a layer stand below each other."""
        return f"{self.of + ':':<15}{self}"


class Explanation(NamedTuple):
    """A layer with its formulas; `text` is what it does in one sentence."""

    step: Step
    text: str
    formulas: tuple[Formula, ...]


def explain(plan: Plan) -> list[Explanation]:
    """Return the explanation of every layer, first to last."""
    return [explain_step(step) for step in plan.layers]


def explain_step(step: Step) -> Explanation:
    """Return the explanation of one layer."""
    layer, x = step.layer, step.input
    assert layer is not None, "a group is explained by its layers"
    formulas = _sizes(layer.size_formulas(x), step.output)
    if step.params:
        formulas.append(Formula("parameters", *layer.params_formula(x), step.params))
    if step.macs:
        formulas.append(Formula("MACs", *layer.macs_formula(x), step.macs))
    doc = (layer.__doc__ or "").partition("\n")[0]
    return Explanation(step, doc, tuple(formulas))


def legend(explanations: list[Explanation]) -> str:
    """Return what the letters mean, as far as the formulas use them."""
    used = {
        letter
        for explanation in explanations
        for formula in explanation.formulas
        for letter in _LETTER.findall(formula.words)
    }
    return ", ".join(f"{letter} {meaning}" for letter, meaning in LETTERS.items() if letter in used)


def heading(step: Step) -> str:
    """Return a layer's name and shapes: ``conv1: 1×32×32 → 6×28×28``."""
    return f"{step.label}: {times(step.input)} → {times(step.output)}"


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as plain values."""
    step = explanation.step
    return {
        "path": step.path,
        "type": step.type,
        "text": explanation.text,
        "input": list(step.input),
        "output": list(step.output),
        "formulas": [formula._asdict() for formula in explanation.formulas],
    }


def _sizes(formulas: tuple[tuple[str, str], ...], output: Shape) -> list[Formula]:
    """Return the formula of each axis of the output that has one, those with the same numbers together."""
    names = ("size",) if len(output) == 1 else ("channels", *AXES[len(output) - 1])
    together: dict[tuple[str, str, int], list[str]] = {}
    for name, formula, size in zip(names, formulas, output, strict=False):  # there may be no formulas
        if formula[0]:
            together.setdefault((*formula, size), []).append(name)
    return [Formula(", ".join(axes), *formula) for formula, axes in together.items()]
