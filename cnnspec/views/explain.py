"""The formulas of every layer with its numbers, in the words of a textbook."""

from typing import Any, NamedTuple

from cnnspec.plan import Plan, Step
from cnnspec.shape import AXES, Window, times

LEGEND = "n input size, p padding, f filter size, s stride"
LEGEND_DILATION = ", d dilation"


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
    formulas = _sizes(layer.windows(x))
    words = layer.size_formula(x)
    if words[0]:
        formulas.append(Formula("size", *words, step.output[0]))
    if step.params:
        formulas.append(Formula("parameters", *layer.params_formula(x), step.params))
    if step.macs:
        formulas.append(Formula("MACs", *layer.macs_formula(x), step.macs))
    doc = (layer.__doc__ or "").partition("\n")[0]
    return Explanation(step, doc, tuple(formulas))


def legend(explanations: list[Explanation]) -> str:
    """Return what the letters mean, as far as the formulas use them."""
    steps = [explanation.step for explanation in explanations]
    windows = [w for step in steps if step.layer for w in step.layer.windows(step.input)]
    if not windows:
        return ""
    return LEGEND + (LEGEND_DILATION if any(w.d > 1 for w in windows) else "")


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


def _sizes(windows: tuple[Window, ...]) -> list[Formula]:
    """Return the size formula of each axis, those with the same numbers together."""
    axes = AXES.get(len(windows), ())
    together: dict[Window, list[str]] = {}
    for axis, window in zip(axes, windows, strict=True):
        together.setdefault(window, []).append(axis)
    return [Formula(", ".join(names), *window.formula(), window.output) for window, names in together.items()]
