"""Textbook formulas as cnnspec prints them are computed, and held to the numbers of a layer."""

import ast
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from cnnspec.layers import Case, Layer
from cnnspec.testing.expecting import expect

OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
SIGNS = {"·": "*", "−": "-", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")"}
FUNCTIONS: dict[str, Callable[..., Any]] = {"floor": math.floor, "ceil": math.ceil, "max": max}


def compute(formula: str) -> float | Fraction:
    """Return the value of a formula in numbers: exactly, if they are whole or fractions of whole ones."""
    for sign, code in SIGNS.items():
        formula = formula.replace(sign, code)
    value: float | Fraction = _value(ast.parse(formula, mode="eval").body)
    return value


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, (int, float))
        return Fraction(node.value) if isinstance(node.value, int) else node.value
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return FUNCTIONS[node.func.id](*map(_value, node.args))


def check_formulas(layer: Layer, case: Case) -> None:
    """See that each formula, computed as it is printed, gives the number it stands for."""
    x = case.input
    output = layer.output_shape(x)
    formulas = layer.size_formulas(x)
    expect(len(formulas) in (0, len(output)), f"size_formulas has {len(formulas)} of {len(output)} axes")
    numbers: list[tuple[str, tuple[str, str], int]] = [
        *(("size", formula, size) for formula, size in zip(formulas, output, strict=False) if any(formula)),
        ("params", layer.params_formula(x), layer.params(x)),
        ("macs", layer.macs_formula(x), layer.macs(x)),
    ]
    for name, (words, calculated), number in numbers:
        told = bool(words), bool(calculated)
        expect(told in ((True, True), (False, False)), f"{name}_formula is in words or in numbers only")
        expect(all(told) or not number, f"{name}_formula is empty, but there are {number}")
        expect(not any(told) or number, f"{name}_formula is {words}, but there are none")
        if calculated:
            expect(compute(calculated) == number, f"{name}_formula: {calculated} is not {number}")
    for window, size in zip(layer.windows(x), output[1:], strict=False):
        expect(window.output == size, f"a window's output is {window.output}, and the layer's {size}")
