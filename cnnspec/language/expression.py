"""Expressions of the spec language: read with Python's syntax, never run by Python.

An expression is parsed once, when the file is read, and every kind of node that
`arithmetic.py` does not know is refused then.
"""

import ast
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnspec.errors import RuleError, did_you_mean, one_of, shown
from cnnspec.language.arithmetic import (
    ARITHMETIC,
    COMPARISONS,
    EVALUATORS,
    FUNCTIONS,
    MAX_DIGITS,
    MAX_NUMBER,
    TRUTH,
    Value,
    evaluate,
    whole,
)

MAX_TEXT = 300
MAX_NESTING = 32

_SIGNS = re.compile(r"[A-Za-z0-9_+\-*/%()\[\]<>=!,. ]*")
_ASSIGNMENT = re.compile(r"(?<![=<>!])=(?!=)")
_FOREIGN_SIGNS = {
    "^": "Write `**` for a power",
    "&": "Write `and`",
    "|": "Write `or`",
    "?": "Write `a if c else b`",
}
_NUMBER = re.compile(r"[0-9]+|([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")

_FUNCTION_SYNONYMS = {"int": "floor", "trunc": "floor", "maximum": "max", "minimum": "min", "length": "len"}

RESERVED = frozenset((*FUNCTIONS, *TRUTH, "True", "False", "None", "and", "or", "not", "if", "else"))
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
        return whole(evaluate(self.tree, names))

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
    if kind not in EVALUATORS:
        raise _refused(text, *_FOREIGN.get(kind, (f"it may hold {GRAMMAR}", "")))
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Constant):
        _check_constant(node, text)
        return
    if isinstance(node, ast.Name):
        if node.id not in TRUTH:
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
        (ast.BinOp, ARITHMETIC),
        (ast.UnaryOp, (ast.USub, ast.UAdd, ast.Not)),
    )
    for kind, operators in known:
        if isinstance(node, kind) and type(getattr(node, "op")) not in operators:  # noqa: B009  # two node types
            raise _refused(text, f"it may hold {GRAMMAR}")
    if isinstance(node, ast.Compare) and any(type(op) not in COMPARISONS for op in node.ops):
        raise _refused(text, f"it may hold {GRAMMAR}")


_FOREIGN: dict[type[ast.AST], tuple[str, str]] = {
    ast.Attribute: ("nothing has attributes, so a dot stands in numbers only", ""),
    ast.List: ("a list is no part of an expression", "Give it a name in `vars`"),
    ast.Tuple: ("a comma stands only between the values of a function", "Write a list as `[3, 3]`"),
}
