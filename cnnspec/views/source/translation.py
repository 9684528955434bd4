"""Expressions of the spec as formulas of a class."""

import ast
from collections.abc import Mapping
from copy import deepcopy

from cnnspec.language.arithmetic import TRUTH
from cnnspec.language.expression import Expression
from cnnspec.language.items import IN_REPEAT
from cnnspec.views.source.formulas import Formula, NoValue, constant, name, names_in, rebuilt, value_of
from cnnspec.views.source.frame import Frame
from cnnspec.views.source.instances import singular
from cnnspec.views.source.notation import written

LONGEST = 60
"""Characters of a formula at most; what would be longer becomes a parameter."""

LONGEST_LIST = 8
"""Entries of a list in a formula at most."""


def translated(
    expression: Expression, frame: Frame, channels: Formula | None, loop: Mapping[str, Formula] | None = None
) -> Formula | None:
    """Return an expression as a formula, or None if the class cannot have it.

    `channels` are what the spec calls in_channels, and `loop` has what only repeated items know.
    Variables become the constants that they are here, and entries of lists become parameters.
    """
    if isinstance(expression.tree, ast.Subscript):  # a parameter for it is better called after its use
        return None
    known = dict(loop or {})
    if channels is not None:
        known["in_channels"] = channels
    entries = _Entries(frame, known)

    def put(node: ast.Name) -> Formula:
        if node in entries.found:
            return node
        if node.id in known:
            return known[node.id]
        if node.id in frame.arguments and node.id != "in_channels":
            return name(node.id)
        if node.id in frame.hidden or node.id in IN_REPEAT or node.id == "in_channels":
            raise NoValue
        word = TRUTH.get(node.id, node.id)
        return constant(frame.variables.get(node.id, word))

    try:
        formula: Formula = rebuilt(entries.visit(deepcopy(expression.tree)), put)
    except NoValue:
        return None
    return formula if _is_short(formula) else None


class _Entries(ast.NodeTransformer):
    """Makes parameters of those entries of the spec's lists that are the same all through an instance."""

    def __init__(self, frame: Frame, loop: Mapping[str, Formula]) -> None:
        self.frame, self.loop = frame, loop
        self.found: list[ast.AST] = []

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Return the parameter that an entry of a list becomes, or else the entry itself."""
        names, frame = names_in(node), self.frame
        if not frame.variables.keys() & set(names) or self.loop.keys() & set(names):
            return self.generic_visit(node)
        values = []
        for row in range(frame.size):
            known = {key: column[row] for key, column in {**frame.arguments, **frame.hidden}.items()}
            try:
                values.append(value_of(node, frame.variables | known))
            except NoValue:
                return self.generic_visit(node)
        instances = frame.everywhere
        entry = frame.found(values, instances)
        entry = entry or frame.parameter(singular(names[0]), values, instances)
        self.found += ast.walk(entry)
        return entry


def _is_short(formula: Formula) -> bool:
    """Tell whether a formula is one that a person would write, and not rather give a name to."""
    constants = (node.value for node in ast.walk(formula) if isinstance(node, ast.Constant))
    lists = (value for value in map(_as_list, constants) if value)
    flat = all(len(one) <= LONGEST_LIST and not any(isinstance(v, tuple) for v in one) for one in lists)
    return flat and len(written(formula)) <= LONGEST


def _as_list(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()
