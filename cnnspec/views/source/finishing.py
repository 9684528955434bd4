"""The last touches to a class: its parameters, what it calculates, and parts that become classes, too."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any

from cnnspec.language.arithmetic import Value
from cnnspec.views.source.formulas import Formula, name, names_in, replaced, value_of
from cnnspec.views.source.frame import Frame
from cnnspec.views.source.identifiers import ClassNames, free
from cnnspec.views.source.notation import written
from cnnspec.views.source.tree import (
    Argument,
    Child,
    Definition,
    Either,
    Group,
    Loop,
    Made,
    Parameter,
    formulas_in,
    mapped,
)

DEEPEST = 3
"""Modules within each other that are written in one statement."""


def finished(definition: Definition, frame: Frame, defaults: Mapping[str, Value]) -> Definition:
    """Return a class with the parameters that it uses, and with short calculations in their places."""
    uses = [key for formula in formulas_in(definition.children) for key in names_in(formula)]
    needed: dict[str, Formula] = {}
    for key in reversed(frame.calculated):
        if key in uses:
            needed[key] = frame.calculated[key]
            uses += names_in(needed[key])
    inline: dict[str, Formula] = {}
    for key in reversed(needed):
        formula = replaced(needed[key], inline)
        if isinstance(formula, (ast.Name, ast.Constant)) or uses.count(key) == 1:
            inline[key] = formula
        else:
            definition.calculated[key] = formula
    changed = mapped(definition, lambda formula: replaced(formula, inline))
    given = ["in_channels", *(key for key in frame.arguments if key != "in_channels")]
    changed.parameters = [
        Parameter(key, frame.columns[key], defaults.get(key, ...), added=key not in given)
        for key in dict.fromkeys([*given, *uses])
        if key in uses and key in frame.columns and key not in needed
    ]
    for parameter in changed.parameters:
        changed = _asked_plainly(changed, parameter)
    texts = {key: written(replaced(formula, inline)) for key, formula in frame.pool.items()}
    changed = _calculated_once(changed, {texts[key]: called for key, called in frame.purposes.items()})
    changed.parameters.sort(key=lambda parameter: parameter.default is not ...)
    return changed


def _calculated_once(definition: Definition, purposes: Mapping[str, str]) -> Definition:
    """Return a class that gives a name to what it would calculate by a function in several places."""
    every = [one for one in formulas_in(definition.children) if isinstance(one, ast.Call)]
    texts = [written(one) for one in every]
    for formula in every:
        text = written(formula)
        taken = {one.name for one in definition.parameters} | definition.calculated.keys()
        called = free(purposes.get(text) or "value", taken, "_")
        if texts.count(text) > 1:
            changed = mapped(definition.children, partial(_renamed, text=text, called=called))
            calculated = {**definition.calculated, called: formula}
            definition = replace(definition, children=changed, calculated=calculated)
            texts = [one for one in texts if one != text]
    return definition


def _renamed(formula: Formula, text: str, called: str) -> Formula:
    return name(called) if written(formula) == text else formula


def _asked_plainly(definition: Definition, parameter: Parameter) -> Definition:
    """Return a class that is told the answer, where it would take a number only to ask one thing of it."""
    if parameter.default is not ...:
        return definition
    every = [*formulas_in(definition.children), *definition.calculated.values()]
    uses = {written(one): one for one in every if parameter.name in names_in(one)}
    text, question = uses.popitem()
    if (
        uses
        or not isinstance(question, (ast.Compare, ast.BoolOp))
        or {*names_in(question)} != {parameter.name}
    ):
        return definition
    taken = {one.name for one in definition.parameters} | {*definition.calculated}
    called = free(next(_reasons(definition.children, text), "flag"), taken, "_")
    answers = [value_of(question, {parameter.name: value}) for value in parameter.values]
    changed = mapped(definition, partial(_renamed, text=text, called=called))
    told = Parameter(called, answers, added=True)
    changed.parameters = [told if one is parameter else one for one in definition.parameters]
    return changed


def _reasons(node: Any, text: str) -> Iterator[str]:
    """Yield what a formula is for, where it stands."""
    if isinstance(node, (Child, Loop)) and node.condition is not None and written(node.condition) == text:
        called = node.prefix if isinstance(node, Loop) else node.name
        yield f"with_{called.rstrip('0123456789_')}" if isinstance(called, str) else "with_more"
    if isinstance(node, Argument) and isinstance(node.value, ast.expr):
        if node.key and written(node.value) == text:
            yield node.key
    elif isinstance(node, (tuple, Argument, Child, Loop, Group, Made, Either)):
        for inner in node if isinstance(node, tuple) else (getattr(node, one.name) for one in fields(node)):
            yield from _reasons(inner, text)


def parts_of(definition: Definition, class_names: ClassNames) -> Iterator[Definition]:
    """Yield classes for the parts of a class that are nested too deeply; it then calls them instead."""
    children = []
    for child in definition.children:
        if _depth(child.module) <= DEEPEST:
            children.append(child)
            continue
        module, parts = _without_parts(child.module, definition, class_names)
        for part in parts:
            yield from [*parts_of(part, class_names), part]
        children.append(replace(child, module=module))
    definition.children = tuple(children)


def _without_parts(
    module: Any, definition: Definition, class_names: ClassNames
) -> tuple[Any, list[Definition]]:
    """Return a module in which rows that hold compositions are calls of classes, and those classes."""
    if isinstance(module, Group) and _depth(module) > 1:
        part = _part(module, definition, class_names)
        arguments = tuple(Argument(name(one.name), one.name) for one in part.parameters)
        return Made(part.name, arguments), [part]
    if isinstance(module, Either):
        made, parts = _without_parts(module.made, definition, class_names)
        return replace(module, made=made), parts
    if not isinstance(module, Made):
        return module, []
    changed, found = [], []
    for argument in module.arguments:
        value, parts = _without_parts(argument.value, definition, class_names)
        changed.append(replace(argument, value=value))
        found += parts
    return replace(module, arguments=tuple(changed)), found


def _part(group: Group, definition: Definition, class_names: ClassNames) -> Definition:
    """Return the class for a row of modules within another class."""
    used = dict.fromkeys(key for formula in formulas_in(group) for key in names_in(formula))
    known = {one.name: one.values for one in definition.parameters}
    parameters = [Parameter(key, known.get(key, [0]), added=True) for key in used]
    word = group.role if group.role and not group.role.isdigit() else "part"
    about = f"The layers of `{group.role}` in {definition.name}." if group.role else "Layers in a row."
    return Definition(class_names.unit(word), about, parameters, group.children)


def _depth(module: Any) -> int:
    """Return how many modules stand within each other in an expression; positional ones have names before."""
    if isinstance(module, Either):
        return _depth(module.made)
    own = 0 if isinstance(module, Made) and not any(argument.key for argument in module.arguments) else 1
    return max((own + _depth(inner) for inner in _inner(module)), default=0)


def _inner(module: Any) -> list[Any]:
    """Return the modules that stand directly in another."""
    if isinstance(module, Either):
        return _inner(module.made)
    if isinstance(module, Made):
        return [argument.value for argument in module.arguments if not isinstance(argument.value, ast.expr)]
    return [child.module for child in module.children] if isinstance(module, Group) else []
