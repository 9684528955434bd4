"""What expressions come to: Python's arithmetic, strict about kinds and bounded in size.

It walks the syntax tree of an expression that `expression.py` has checked.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from cnnspec.errors import RuleError, shown

MAX_DIGITS = 18
MAX_NUMBER = 10**MAX_DIGITS

Value = Any
"""A number, a truth value, a word, or a list of these."""

TRUTH = {"true": True, "false": False}

ARITHMETIC: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
}
COMPARISONS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}


def make_divisible(value: float, divisor: float = 8) -> int:
    """Return the multiple of `divisor` nearest to `value`, at least one and never below 90 % of it.

    The rounding of channels in MobileNet's family (Sandler et al., 2018, and its published code).
    """
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return int(rounded + divisor if rounded < 0.9 * value else rounded)


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "min": (1, 16, min),
    "max": (1, 16, max),
    "abs": (1, 1, abs),
    "round": (1, 1, round),
    "floor": (1, 1, math.floor),
    "ceil": (1, 1, math.ceil),
    "sum": (1, 1, sum),
    "len": (1, 1, len),
    "make_divisible": (1, 2, make_divisible),
}
"""Each function with the least and the most arguments it takes."""

_OF_LISTS = ("min", "max", "sum", "len")


def whole(value: Value) -> Value:
    """Return a float without a fraction as an int, and any other value as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def evaluate(node: ast.expr, names: Mapping[str, Value]) -> Value:
    """Return the value of a checked tree; raises RuleError."""
    return EVALUATORS[type(node)](node, names)


def _constant(node: ast.Constant, _names: Mapping[str, Value]) -> Value:
    return node.value


def _name(node: ast.Name, names: Mapping[str, Value]) -> Value:
    if node.id in names:
        return names[node.id]
    return TRUTH.get(node.id, node.id)


def _binary(node: ast.BinOp, names: Mapping[str, Value]) -> Value:
    sign, function = ARITHMETIC[type(node.op)]
    left = _number(evaluate(node.left, names), sign)
    right = _number(evaluate(node.right, names), sign)
    if isinstance(node.op, ast.Pow) and (abs(right) > MAX_DIGITS * 4 and abs(left) > 1):
        raise _too_large(node)
    try:
        return _bounded(function(left, right), node)
    except ZeroDivisionError:
        raise RuleError(f"`{ast.unparse(node)}` divides by 0") from None
    except OverflowError:
        raise _too_large(node) from None


def _unary(node: ast.UnaryOp, names: Mapping[str, Value]) -> Value:
    value = evaluate(node.operand, names)
    if isinstance(node.op, ast.Not):
        return not truth(value, "not")
    number = _number(value, "-" if isinstance(node.op, ast.USub) else "+")
    return -number if isinstance(node.op, ast.USub) else number


def _boolean(node: ast.BoolOp, names: Mapping[str, Value]) -> bool:
    stops = isinstance(node.op, ast.Or)
    word = "or" if stops else "and"
    for value in node.values:
        if truth(evaluate(value, names), word) == stops:
            return stops
    return not stops


def _compare(node: ast.Compare, names: Mapping[str, Value]) -> bool:
    left = evaluate(node.left, names)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        sign, function = COMPARISONS[type(op)]
        right = evaluate(comparator, names)
        if isinstance(op, (ast.Eq, ast.NotEq)):
            if _kind(left) != _kind(right):
                what = f"{sign} compares {_shown(left)} with {_shown(right)}"
                raise RuleError(what, "they are of different kinds")
        else:
            left, right = _number(left, sign), _number(right, sign)
        if not function(left, right):
            return False
        left = right
    return True


def _conditional(node: ast.IfExp, names: Mapping[str, Value]) -> Value:
    chosen = node.body if truth(evaluate(node.test, names), "if") else node.orelse
    return evaluate(chosen, names)


def _index(node: ast.Subscript, names: Mapping[str, Value]) -> Value:
    values, index = evaluate(node.value, names), whole(evaluate(node.slice, names))
    name = ast.unparse(node.value)
    if not isinstance(values, (list, tuple)):
        raise RuleError(f"`{name}` is {_shown(values)}", "only a list can be indexed")
    if not isinstance(index, int) or isinstance(index, bool):
        raise RuleError(f"the index of `{name}` is {_shown(index)}", "it must be a whole number")
    if not -len(values) <= index < len(values):
        last = f"it has entries 0 to {len(values) - 1}" if len(values) > 1 else "it has only entry 0"
        raise RuleError(f"`{name}` has no entry {index}", last if values else "it is empty")
    return values[index]


def _call(node: ast.Call, names: Mapping[str, Value]) -> Value:
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    values = [evaluate(argument, names) for argument in node.args]
    function = FUNCTIONS[name][2]
    if name in _OF_LISTS and len(values) == 1 and isinstance(values[0], (list, tuple)):
        entries = values[0]
        if name == "len":
            return len(entries)
        if not entries and name != "sum":
            raise RuleError(f"`{ast.unparse(node)}` is of an empty list")
        values = [[_number(v, name) for v in entries]]
    elif name in ("sum", "len"):
        raise RuleError(f"{name} is given {_shown(values[0])}", "it takes a list")
    else:
        values = [_number(v, name) for v in values]
        if len(values) == 1 and name in ("min", "max"):
            return values[0]
    if name == "make_divisible" and len(values) > 1 and values[1] <= 0:
        raise RuleError(f"make_divisible is given the divisor {values[1]}", "it must be greater than 0")
    return _bounded(function(*values), node)


EVALUATORS: dict[type[ast.AST], Callable[[Any, Mapping[str, Value]], Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.Subscript: _index,
    ast.Call: _call,
}


def truth(value: Value, word: str) -> bool:
    """Return a truth value as it is; raises RuleError for anything else that stands with `word`."""
    if not isinstance(value, bool):
        raise RuleError(f"`{word}` is given {_shown(value)}", "it takes true or false, such as `stride > 1`")
    return value


def _number(value: Value, sign: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RuleError(f"`{sign}` is given {_shown(value)}", "it takes numbers")
    return value


def _bounded(value: Any, node: ast.expr) -> Any:
    if isinstance(value, complex):
        raise RuleError(f"`{ast.unparse(node)}` is not a real number")
    if abs(value) > MAX_NUMBER:
        raise _too_large(node)
    return value


def _too_large(node: ast.expr) -> RuleError:
    return RuleError(f"`{ast.unparse(node)}` is too large", f"numbers have at most {MAX_DIGITS} digits")


def _kind(value: Value) -> str:
    return (
        "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
    )


def _shown(value: Value) -> str:
    return f"the word '{value}'" if isinstance(value, str) else shown(value)
