"""The formulas of every layer with its numbers, in the words of a textbook."""

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from cnnspec.plan import Plan, Step
from cnnspec.shape import AXES, times
from cnnspec.views import receptive
from cnnspec.views.receptive import Growth

LETTERS = {
    "n": "input size",
    "p": "padding",
    "f": "filter size",
    "s": "stride",
    "d": "dilation",
    "m": "output size",
    "k": "inputs that an output sees",
    "r": "receptive field before",
    "j": "effective stride before",
    "c": "receptive field of the coarser map before",
    "g": "effective stride of that map",
    "b": "steps of g that are seen beyond c before",
}
"""What the letters of the formulas mean."""

_LETTER = re.compile(r"(?<![a-z_])[a-z](?![a-z_])")
"""A letter that stands alone, as in ``2p`` and ``d(f − 1)``, but in no word."""

WHOLE, BEGINS = "the whole input", "the whole input, from here on"


class Formula(NamedTuple):
    """A formula in words, the same with its numbers, and what comes out."""

    of: str
    words: str
    numbers: str
    result: int | Fraction

    @property
    def parts(self) -> tuple[str, ...]:
        """The words, the numbers and the result, without what is said twice."""
        result = f"{self.result:,}" if isinstance(self.result, int) else str(self.result)
        numbers = () if self.numbers in (self.words, str(self.result)) else (self.numbers,)
        return (self.words, *numbers, result)

    def __str__(self) -> str:
        return " = ".join(self.parts)


class Explanation(NamedTuple):
    """A layer or composition with its formulas; `text` is what it does in one sentence.

    `sees` is what a value of it sees of the network's input, where no formula tells that, and
    `growth` how its receptive field comes about.
    """

    step: Step
    text: str
    formulas: tuple[Formula, ...]
    growth: Growth | None = None
    sees: str = ""


def explain(plan: Plan, *, finished: bool = True) -> list[Explanation]:
    """Return the explanation of every layer, first to last, and of every composition after its branches.

    The last composition of a plan that is not `finished` is left out: its output is not known.
    """
    growths = receptive.growths(plan)
    return [explain_step(step, growths[step.path]) for step in _explained(plan.steps, finished=finished)]


def explain_step(step: Step, growth: Growth | None = None) -> Explanation:
    """Return the explanation of one layer or composition, with its receptive field if that is known."""
    element = step.layer or step.composite
    assert element is not None, "a group is explained by its layers"
    doc = (element.__doc__ or "").partition("\n")[0]
    formulas = [*_own_formulas(step), *(_field_formulas(step, growth) if growth else ())]
    sees = "" if growth is None or growth.after else BEGINS if growth.before else WHOLE
    return Explanation(step, doc, tuple(formulas), growth, sees)


def legend(explanations: Iterable[Explanation]) -> dict[str, str]:
    """Return what the letters mean, as far as the formulas use them."""
    used = {
        letter
        for explanation in explanations
        for formula in explanation.formulas
        for letter in _LETTER.findall(formula.words)
    }
    return {letter: meaning for letter, meaning in LETTERS.items() if letter in used}


def heading(step: Step) -> str:
    """Return a layer's name and shapes: ``conv1: 1×32×32 → 6×28×28``."""
    return f"{step.label}: {times(step.input)} → {times(step.output)}"


def totals(plan: Plan) -> str:
    """Return what the whole network comes to, as a line."""
    count = len(plan.layers)
    shapes = f"{times(plan.input_shape)} → {times(plan.output_shape)}"
    return f"{shapes}: {count} layer{'s' * (count != 1)}, {plan.params:,} parameters, {plan.macs:,} MACs"


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as plain values."""
    step, growth = explanation.step, explanation.growth
    return {
        "path": step.path,
        "type": step.type,
        "text": explanation.text,
        "input": list(step.input),
        "output": list(step.output),
        "formulas": [f._asdict() | {"result": receptive.plain(f.result)} for f in explanation.formulas],
        "receptive_field": receptive.as_json(growth.after if growth else None),
    }


def _explained(steps: tuple[Step, ...], *, finished: bool) -> Iterator[Step]:
    """Yield the layers of steps in a row, and the compositions, each after its parts."""
    for number, step in enumerate(steps, 1):
        whole = finished or number < len(steps)
        parts = [(part,) for part in step.children] if step.composite else [step.children]
        for part in parts:
            yield from _explained(part, finished=whole)
        if step.layer or (step.composite and whole):
            yield step


def _own_formulas(step: Step) -> list[Formula]:
    """Return the formulas of a step's output size, parameters and MACs, as far as it has any."""
    names = ("size",) if len(step.output) == 1 else ("channels", *AXES[len(step.output) - 1])
    if step.composite:
        sizes = step.composite.size_formulas([part.output for part in step.children])
        return _together(names, [(*size, n) for size, n in zip(sizes, step.output, strict=False)])
    layer, x = step.layer, step.input
    assert layer is not None
    sizes = layer.size_formulas(x)  # which may be none
    formulas = _together(names, [(*size, n) for size, n in zip(sizes, step.output, strict=False)])
    if step.params:
        formulas.append(Formula("parameters", *layer.params_formula(x), step.params))
    if step.macs:
        formulas.append(Formula("MACs", *layer.macs_formula(x), step.macs))
    return formulas


def _field_formulas(step: Step, growth: Growth) -> Iterator[Formula]:
    """Yield the formulas of the receptive field and of the effective stride."""
    names = AXES.get(len(step.input) - 1, ())
    for of, told in (
        ("receptive field", receptive.size_formulas(step, growth)),
        ("effective stride", receptive.stride_formulas(step, growth)),
    ):
        formulas = _together(names, told)
        for formula in formulas:
            yield formula._replace(of=of if len(formulas) == 1 else f"{of}, {formula.of}")


def _together(names: Sequence[str], told: Sequence[receptive.Told]) -> list[Formula]:
    """Return the formula of each axis that has one, those with the same numbers together."""
    axes: dict[receptive.Told, list[str]] = {}
    for name, formula in zip(names, told, strict=False):
        if formula[0]:
            axes.setdefault(formula, []).append(name)
    return [Formula(", ".join(of), *formula) for formula, of in axes.items()]
