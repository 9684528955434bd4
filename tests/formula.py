"""Computes the textbook formulas that cnnspec prints, to hold them to its numbers."""

import ast
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

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
