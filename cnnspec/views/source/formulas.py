"""Formulas of the source: trees of Python's own, with what they come to and how they are written.

A formula is found for values that are known, so it is tried before it is used: `value_of` calculates
as Python will.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Any

from cnnspec.language.arithmetic import ARITHMETIC, COMPARISONS, FUNCTIONS, Value
from cnnspec.views.source.notation import written

Formula = ast.expr

MOST_POWER = 64
"""Of an exponent at most, so that trying a formula is never long work."""


class NoValue(Exception):  # noqa: N818  # a formula that does not fit is no error
    """A formula comes to nothing."""


def name(text: str) -> ast.Name:
    """Return a name as a formula."""
    return ast.Name(text, ast.Load())


def constant(value: Value) -> ast.Constant:
    """Return a number, truth value, word, None or tuple of these as a formula."""
    return ast.Constant(value)


def is_constant(formula: Formula, value: Value = ...) -> bool:
    """Tell whether a formula is a constant, and which one if `value` is given."""
    if not isinstance(formula, ast.Constant):
        return False
    return value is ... or (formula.value == value and type(formula.value) is type(value))


def binary(left: Formula, operator: ast.operator, right: Formula) -> Formula:
    """Return a calculation with two sides, as far as it can be made already."""
    formula = ast.BinOp(left, operator, right)
    if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
        return constant(value_of(formula, {}))
    is_sum, is_product = isinstance(operator, ast.Add), isinstance(operator, ast.Mult)
    if (is_sum and is_constant(left, 0)) or (is_product and is_constant(left, 1)):
        return right
    if is_constant(right, 0 if is_sum or isinstance(operator, ast.Sub) else 1) and not (
        isinstance(operator, (ast.Div, ast.Pow, ast.Mod))
    ):
        return left
    return formula


def total(formulas: list[Formula]) -> Formula:
    """Return the sum of whole numbers, equal terms counted together and constants last."""
    terms: dict[str, tuple[int, Formula]] = {}
    rest = 0
    for formula in formulas:
        if isinstance(formula, ast.Constant):
            rest += value_of(formula, {})
            continue
        factor, term = _multiple(formula)
        count, _ = terms.get(written(term), (0, term))
        terms[written(term)] = (count + factor, term)
    result: Formula = constant(0)
    for count, term in terms.values():
        result = binary(result, ast.Add(), binary(constant(count), ast.Mult(), term))
    return binary(result, ast.Add(), constant(rest))


def _multiple(formula: Formula) -> tuple[int, Formula]:
    """Return a formula as a whole number times another."""
    if isinstance(formula, ast.BinOp) and isinstance(formula.op, ast.Mult):
        left = formula.left
        if isinstance(left, ast.Constant) and type(left.value) is int:
            return left.value, formula.right
    return 1, formula


def names_in(formula: Formula) -> list[str]:
    """Return the names that a formula looks up, in order, each as often as it stands there."""
    functions = {id(node.func) for node in ast.walk(formula) if isinstance(node, ast.Call)}
    return [node.id for node in ast.walk(formula) if isinstance(node, ast.Name) and id(node) not in functions]


def parts_of(formula: Formula) -> Iterator[Formula]:
    """Yield the calculations within a formula, the smallest first."""
    for child in ast.iter_child_nodes(formula):
        if isinstance(child, ast.expr):
            yield from parts_of(child)
    if isinstance(formula, (ast.BinOp, ast.Call)):
        yield formula


def replaced(formula: Formula, values: Mapping[str, Formula]) -> Formula:
    """Return a formula with others for some of its names."""
    return rebuilt(formula, lambda node: values.get(node.id, node))


def rebuilt(formula: Formula, put: Callable[[ast.Name], Formula]) -> Formula:
    """Return a formula with what `put` gives for each name; what is constant then is calculated.

    Raises NoValue where that cannot be.
    """
    if isinstance(formula, ast.Name):
        return put(formula)
    if isinstance(formula, ast.IfExp):
        test = rebuilt(formula.test, put)
        if isinstance(test, ast.Constant):
            return rebuilt(formula.body if test.value else formula.orelse, put)
        return ast.IfExp(test, rebuilt(formula.body, put), rebuilt(formula.orelse, put))
    made = copy(formula)
    for field, value in ast.iter_fields(formula):
        if isinstance(value, list):
            inner = [rebuilt(one, put) if isinstance(one, ast.expr) else one for one in value]
            setattr(made, field, inner)
        elif isinstance(value, ast.expr) and field != "func":
            setattr(made, field, rebuilt(value, put))
    if isinstance(made, ast.BinOp):
        return binary(made.left, made.op, made.right)
    if isinstance(made, ast.BoolOp):
        return _joined(made.op, made.values)
    if isinstance(made, ast.Compare) and isinstance(made.left, ast.Constant) and len(made.ops) == 1:
        made = ast.Compare(made.comparators[0], [_MIRRORED[type(made.ops[0])]()], [made.left])
    return made if names_in(made) else constant(value_of(made, {}))


_MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
}
"""Each comparison as it reads from the other side, so that a constant stands last."""


def _joined(operator: ast.boolop, values: list[Formula]) -> Formula:
    """Return what `and` or `or` makes of truth values, without those that are known."""
    stops = isinstance(operator, ast.Or)
    left = [value for value in values if not is_constant(value, not stops)]
    if any(is_constant(value, stops) for value in left):  # what stands before it cannot fail: it has a value
        return constant(stops)
    if len(left) < 2:
        return left[0] if left else constant(not stops)
    return ast.BoolOp(operator, left)


def value_of(formula: Formula, names: Mapping[str, Value]) -> Value:
    """Return what Python makes of a formula; raises NoValue."""
    try:
        return _VALUES[type(formula)](formula, names)
    except (KeyError, TypeError, ValueError, ArithmeticError, IndexError):
        raise NoValue from None


def _binary_value(node: ast.BinOp, names: Mapping[str, Value]) -> Value:
    left, right = value_of(node.left, names), value_of(node.right, names)
    if isinstance(node.op, ast.Pow) and abs(right) > MOST_POWER:
        raise NoValue
    return ARITHMETIC[type(node.op)][1](left, right)


def _unary_value(node: ast.UnaryOp, names: Mapping[str, Value]) -> Value:
    value = value_of(node.operand, names)
    return not value if isinstance(node.op, ast.Not) else -value if isinstance(node.op, ast.USub) else +value


def _boolean_value(node: ast.BoolOp, names: Mapping[str, Value]) -> Value:
    join = any if isinstance(node.op, ast.Or) else all
    return join(value_of(value, names) for value in node.values)


def _comparison_value(node: ast.Compare, names: Mapping[str, Value]) -> Value:
    sides = [value_of(side, names) for side in (node.left, *node.comparators)]
    pairs = zip(node.ops, sides, sides[1:], strict=False)
    return all(COMPARISONS[type(op)][1](left, right) for op, left, right in pairs)


def _call_value(node: ast.Call, names: Mapping[str, Value]) -> Value:
    assert isinstance(node.func, ast.Name)
    values = [value_of(argument, names) for argument in node.args]
    return int(values[0]) if node.func.id == "int" else FUNCTIONS[node.func.id][2](*values)


_VALUES: dict[type[ast.expr], Callable[[Any, Mapping[str, Value]], Value]] = {
    ast.Constant: lambda node, _: node.value,
    ast.Name: lambda node, names: names[node.id],
    ast.Tuple: lambda node, names: tuple(value_of(one, names) for one in node.elts),
    ast.BinOp: _binary_value,
    ast.UnaryOp: _unary_value,
    ast.BoolOp: _boolean_value,
    ast.Compare: _comparison_value,
    ast.IfExp: lambda node, names: value_of(node.body if value_of(node.test, names) else node.orelse, names),
    ast.Subscript: lambda node, names: value_of(node.value, names)[value_of(node.slice, names)],
    ast.Call: _call_value,
}
