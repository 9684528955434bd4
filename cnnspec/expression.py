"""The bounded arithmetic of the spec language: a small interpreter over Python's syntax tree.

An expression is parsed once, when the file is read, and every kind of node that is not
listed here is refused then. Python never runs any of it.
"""

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cnnspec.errors import RuleError, did_you_mean, one_of, shown

MAX_TEXT = 300
MAX_NESTING = 32
MAX_DIGITS = 18
MAX_NUMBER = 10**MAX_DIGITS

Value = Any
"""A number, a truth value, a word, or a list of these."""

_SIGNS = re.compile(r"[A-Za-z0-9_+\-*/%()\[\]<>=!,. ]*")
_ASSIGNMENT = re.compile(r"(?<![=<>!])=(?!=)")
_FOREIGN_SIGNS = {
    "^": "Write `**` for a power",
    "&": "Write `and`",
    "|": "Write `or`",
    "?": "Write `a if c else b`",
}
_NUMBER = re.compile(r"[0-9]+|([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")
_TRUTH = {"true": True, "false": False}

_ARITHMETIC: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
}
_COMPARISONS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
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

_FUNCTION_SYNONYMS = {"int": "floor", "trunc": "floor", "maximum": "max", "minimum": "min", "length": "len"}

_OF_LISTS = ("min", "max", "sum", "len")

RESERVED = frozenset((*FUNCTIONS, *_TRUTH, "True", "False", "None", "and", "or", "not", "if", "else"))
"""Words that mean something in every expression."""

GRAMMAR = (
    f"numbers, names, + - * / // % **, comparisons, and or not, a if c else b, [], (), {one_of(FUNCTIONS)}"
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression; `names` are those it looks up, each with the column where it first stands."""

    text: str
    tree: ast.expr
    names: Mapping[str, int]

    def __str__(self) -> str:
        return self.text

    def evaluate(self, names: Mapping[str, Value]) -> Value:
        """Return the value, whole numbers as int; raises RuleError.

        A name that has no value stands for itself: it is one of the words that fields take.
        """
        return whole(_evaluate(self.tree, names))

    def cost(self, names: Mapping[str, Value]) -> int:
        """Return about how much work it is to evaluate: its length, times that of its longest list."""
        longest = 1
        for name in self.names:
            value = names.get(name)
            if isinstance(value, list):
                longest = max(longest, len(value))
        return len(self.text) * longest

    def check_names(
        self, known: frozenset[str], words: frozenset[str] = frozenset(), later: frozenset[str] = frozenset()
    ) -> None:
        """Raise RuleError for the first name that is not known, nor one of the words that fields take.

        Names that are `later` stand below the expression, where it cannot use them.
        """
        for name, column in self.names.items():
            if name in later:
                why = "a value may use only those that stand above it"
                raise RuleError(f"'{name}' has no value yet", why, "Move it up", column=column)
            if name not in known and name not in words:
                near = did_you_mean(name, sorted(known)) or did_you_mean(name, sorted(words))
                why, fix = ELSEWHERE.get(name, ("", near))
                raise RuleError(f"unknown name '{name}'", why, fix, column=column)


_ONLY_REPEATED = (
    "it is known only in an item with `repeat`, and not inside a block",
    "Repeat this item, or give the block an argument for it",
)
ELSEWHERE = {
    "index": _ONLY_REPEATED,
    "count": _ONLY_REPEATED,
    "in_channels": ("it is known only in layers and blocks", "Use it there"),
}
"""Why and fix for the names that are known elsewhere."""


def whole(value: Value) -> Value:
    """Return a float without a fraction as an int, and any other value as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def parse(text: str) -> Expression:
    """Return the expression in a text; raises RuleError where it is none, or goes beyond the bounds."""
    line = " ".join(text.split())
    if len(line) > MAX_TEXT:
        raise _refused(line, f"it is longer than {MAX_TEXT} characters", "Give parts of it names in `vars`")
    if not line:
        raise RuleError("an expression is empty", "", "Write a value, or remove the field")
    foreign = next((c for c in line if not _SIGNS.fullmatch(c)), "")
    if foreign:
        raise _refused(line, f"'{foreign}' means nothing in it", _FOREIGN_SIGNS.get(foreign, ""))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice on style, such as `3if x`
            tree = ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _unreadable(line) from None
    names: dict[str, int] = {}
    _check(tree, line, names, 0)
    return Expression(line, tree, names)


def _refused(text: str, why: str, fix: str = "") -> RuleError:
    return RuleError(f"cannot read {shown(text)} as an expression", why, fix)


def _unreadable(text: str) -> RuleError:
    if text.count("(") > text.count(")") or text.count("[") > text.count("]"):
        # A text that holds a comma is not one that ended at a comma.
        fix = "Inside braces a comma ends the value: put an expression with a comma in quotes"
        if re.fullmatch(r"\( ?\d+", text):
            fix = "Write a list in brackets, such as `[3, 3]`"
        cut = "(" in text and "," not in text
        return _refused(text, "a bracket is never closed", fix if cut else "Close it")
    if re.search(r"\bif\b", text) and not re.search(r"\belse\b", text):
        return _refused(text, "`if` needs an `else`", "Write it like `2 if index == 0 else 1`")
    if _ASSIGNMENT.search(text):
        return _refused(text, "`=` compares nothing", "Write `==`")
    return _refused(text, f"it may hold {GRAMMAR}")


def _check(node: ast.AST, text: str, names: dict[str, int], depth: int) -> None:
    """Raise RuleError for whatever the language does not have; collect the names."""
    if depth > MAX_NESTING:
        raise _refused(
            text, f"it is nested deeper than {MAX_NESTING} levels", "Give parts of it names in `vars`"
        )
    kind = type(node)
    if kind not in _EVALUATORS:
        raise _refused(text, *_FOREIGN.get(kind, (f"it may hold {GRAMMAR}", "")))
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Constant):
        _check_constant(node, text)
        return
    if isinstance(node, ast.Name):
        if node.id not in _TRUTH:
            names.setdefault(node.id, node.col_offset)
        return
    if isinstance(node, ast.Call):
        children = list(node.args)
        _check_call(node, text)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, (ast.Slice, ast.Tuple)):
        raise _refused(text, "an index is one number")
    for child in children:
        if not isinstance(child, (ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context)):
            _check(child, text, names, depth + 1)
    _check_operators(node, text)


def _check_constant(node: ast.Constant, text: str) -> None:
    if isinstance(node.value, bool):
        return
    written = text[node.col_offset : node.end_col_offset]
    if not isinstance(node.value, (int, float)) or not _NUMBER.fullmatch(written):
        raise _refused(text, f"{written} is not a number of the language")
    if len(written) > MAX_DIGITS or abs(node.value) > MAX_NUMBER:
        raise _refused(text, f"numbers have at most {MAX_DIGITS} digits")


def _check_call(node: ast.Call, text: str) -> None:
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        if not isinstance(node.func, ast.Name):
            raise _refused(text, "only functions can be called")
        name = node.func.id
        near = did_you_mean(name, FUNCTIONS, _FUNCTION_SYNONYMS) or f"There are {one_of(FUNCTIONS)}"
        raise RuleError(f"unknown function '{name}'", "", near, column=node.col_offset)
    least, most, _ = FUNCTIONS[node.func.id]
    if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
        raise _refused(text, f"{node.func.id} takes plain values only")
    if not least <= len(node.args) <= most:
        takes = "1 value" if most == 1 else f"{least} to {most} values"
        raise _refused(text, f"{node.func.id} takes {takes}, not {len(node.args)}")


def _check_operators(node: ast.AST, text: str) -> None:
    known: tuple[tuple[type, Mapping[Any, Any] | tuple[Any, ...]], ...] = (
        (ast.BinOp, _ARITHMETIC),
        (ast.UnaryOp, (ast.USub, ast.UAdd, ast.Not)),
    )
    for kind, operators in known:
        if isinstance(node, kind) and type(getattr(node, "op")) not in operators:  # noqa: B009  # two node types
            raise _refused(text, f"it may hold {GRAMMAR}")
    if isinstance(node, ast.Compare) and any(type(op) not in _COMPARISONS for op in node.ops):
        raise _refused(text, f"it may hold {GRAMMAR}")


def _evaluate(node: ast.expr, names: Mapping[str, Value]) -> Value:
    return _EVALUATORS[type(node)](node, names)


def _constant(node: ast.Constant, _names: Mapping[str, Value]) -> Value:
    return node.value


def _name(node: ast.Name, names: Mapping[str, Value]) -> Value:
    if node.id in names:
        return names[node.id]
    return _TRUTH.get(node.id, node.id)


def _binary(node: ast.BinOp, names: Mapping[str, Value]) -> Value:
    sign, function = _ARITHMETIC[type(node.op)]
    left = _number(_evaluate(node.left, names), sign)
    right = _number(_evaluate(node.right, names), sign)
    if isinstance(node.op, ast.Pow) and (abs(right) > MAX_DIGITS * 4 and abs(left) > 1):
        raise _too_large(node)
    try:
        return _bounded(function(left, right), node)
    except ZeroDivisionError:
        raise RuleError(f"`{ast.unparse(node)}` divides by 0") from None
    except OverflowError:
        raise _too_large(node) from None


def _unary(node: ast.UnaryOp, names: Mapping[str, Value]) -> Value:
    value = _evaluate(node.operand, names)
    if isinstance(node.op, ast.Not):
        return not truth(value, "not")
    number = _number(value, "-" if isinstance(node.op, ast.USub) else "+")
    return -number if isinstance(node.op, ast.USub) else number


def _boolean(node: ast.BoolOp, names: Mapping[str, Value]) -> bool:
    stops = isinstance(node.op, ast.Or)
    word = "or" if stops else "and"
    for value in node.values:
        if truth(_evaluate(value, names), word) == stops:
            return stops
    return not stops


def _compare(node: ast.Compare, names: Mapping[str, Value]) -> bool:
    left = _evaluate(node.left, names)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        sign, function = _COMPARISONS[type(op)]
        right = _evaluate(comparator, names)
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
    chosen = node.body if truth(_evaluate(node.test, names), "if") else node.orelse
    return _evaluate(chosen, names)


def _index(node: ast.Subscript, names: Mapping[str, Value]) -> Value:
    values, index = _evaluate(node.value, names), whole(_evaluate(node.slice, names))
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
    values = [_evaluate(argument, names) for argument in node.args]
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


_EVALUATORS: dict[type[ast.AST], Callable[[Any, Mapping[str, Value]], Value]] = {
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

_FOREIGN: dict[type[ast.AST], tuple[str, str]] = {
    ast.Attribute: ("nothing has attributes, so a dot stands in numbers only", ""),
    ast.List: ("a list is no part of an expression", "Give it a name in `vars`"),
    ast.Tuple: ("a comma stands only between the values of a function", "Write a list as `[3, 3]`"),
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
