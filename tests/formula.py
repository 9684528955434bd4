"""Computes the textbook formulas that cnnspec prints, to hold them to its numbers."""

import ast
import math
import operator
from collections.abc import Callable

OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
SIGNS = {"·": "*", "−": "-", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")"}
ROUNDING = {"floor": math.floor, "ceil": math.ceil}


def compute(formula: str) -> float:
    """Return the value of a formula in numbers."""
    for sign, code in SIGNS.items():
        formula = formula.replace(sign, code)
    return _value(ast.parse(formula, mode="eval").body)


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, (int, float))
        return node.value
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return ROUNDING[node.func.id](_value(node.args[0]))
