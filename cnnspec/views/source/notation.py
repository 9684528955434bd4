"""How formulas, plain values and their types are written in Python, as Black and Ruff format them."""

import ast
from collections.abc import Callable, Sequence
from typing import Any

from cnnspec.language.arithmetic import ARITHMETIC, COMPARISONS

_IF, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(10)
"""How tightly each kind of formula binds."""

_SUMS = (ast.Add, ast.Sub)
_MODULES = {"floor": "math.floor", "ceil": "math.ceil"}
"""Functions that Python has in a module."""


def written(formula: ast.expr) -> str:
    """Return a formula as text."""
    return _written(formula)[0]


def _written(node: ast.expr) -> tuple[str, int]:
    """Return a formula as text, and how tightly it binds."""
    return _WRITERS[type(node)](node)


def _constant(node: ast.Constant) -> tuple[str, int]:
    is_negative = isinstance(node.value, (int, float)) and node.value < 0
    return literal(node.value), _SIGN if is_negative else _ATOM


def _unary(node: ast.UnaryOp) -> tuple[str, int]:
    level = _NOT if isinstance(node.op, ast.Not) else _SIGN
    sign = {ast.Not: "not ", ast.USub: "-"}.get(type(node.op), "+")
    is_power = isinstance(node.operand, ast.BinOp) and isinstance(node.operand.op, ast.Pow)
    return f"{sign}{_within(node.operand, _ATOM if is_power else level)}", level


def _binary(node: ast.BinOp) -> tuple[str, int]:
    sign = ARITHMETIC[type(node.op)][0]
    if isinstance(node.op, ast.Pow):
        left, right = _within(node.left, _POWER + 1), _within(node.right, _SIGN)
        space = " " if set(" ([").intersection(left + right) else ""
        return f"{left}{space}**{space}{right}", _POWER
    level = _SUM if isinstance(node.op, _SUMS) else _PRODUCT
    return f"{_within(node.left, level)} {sign} {_within(node.right, level + 1)}", level


def _boolean(node: ast.BoolOp) -> tuple[str, int]:
    word, level = (" or ", _OR) if isinstance(node.op, ast.Or) else (" and ", _AND)
    return word.join(_within(value, level + 1) for value in node.values), level


def _comparison(node: ast.Compare) -> tuple[str, int]:
    sides = [_within(side, _COMPARE + 1) for side in (node.left, *node.comparators)]
    pairs = zip(node.ops, sides[1:], strict=True)
    return sides[0] + "".join(f" {COMPARISONS[type(op)][0]} {side}" for op, side in pairs), _COMPARE


def _choice(node: ast.IfExp) -> tuple[str, int]:
    body, test, other = _within(node.body, _OR), _within(node.test, _OR), _within(node.orelse, _IF)
    return f"{body} if {test} else {other}", _IF


def _call(node: ast.Call) -> tuple[str, int]:
    assert isinstance(node.func, ast.Name)
    arguments = ", ".join(written(argument) for argument in node.args)
    return f"{_MODULES.get(node.func.id, node.func.id)}({arguments})", _ATOM


_WRITERS: dict[type[ast.expr], Callable[[Any], tuple[str, int]]] = {
    ast.Constant: _constant,
    ast.Name: lambda node: (node.id, _ATOM),
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.Compare: _comparison,
    ast.IfExp: _choice,
    ast.Subscript: lambda node: (f"{_within(node.value, _ATOM)}[{written(node.slice)}]", _ATOM),
    ast.Tuple: lambda node: (_listed([written(one) for one in node.elts]), _ATOM),
    ast.Call: _call,
}


def _within(node: ast.expr, least: int) -> str:
    """Return a formula as text, in brackets where it binds less tightly than `least`."""
    text, level = _written(node)
    return text if level >= least else f"({text})"


def literal(value: Any) -> str:
    """Return a plain value as Python writes it."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (tuple, list)):
        return _listed([literal(one) for one in value])
    return repr(value).replace("e-0", "e-").replace("e+", "e")


def _listed(values: list[str]) -> str:
    return f"({', '.join(values)}{',' * (len(values) == 1)})"


def quoted(text: str) -> str:
    """Return a text as a literal in double quotes, or in those that need fewer backslashes."""
    plain = repr(f"'{text}\"")[3:-2].replace("\\'", "'")  # with both quotes, repr escapes each single one
    if plain.count('"') > plain.count("'"):
        return f"'{plain.replace(chr(39), chr(92) + chr(39))}'"
    return f'"{plain.replace(chr(34), chr(92) + chr(34))}"'


def annotation(values: Sequence[Any]) -> str:
    """Return the type of a parameter that has these values."""
    kinds = dict.fromkeys(map(_kind, values))
    if "float" in kinds:
        kinds.pop("int", None)
    none = kinds.pop("None", "") is None
    return " | ".join([*kinds, *(["None"] if none else [])])


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if not isinstance(value, tuple):
        return type(value).__name__
    inner = [annotation([one]) for one in value]
    is_matrix = isinstance(value[0], tuple) and len(set(inner)) == 1
    if len(inner) <= 3 and not is_matrix:
        return f"tuple[{', '.join(inner)}]"
    return f"tuple[{annotation(value)}, ...]"
