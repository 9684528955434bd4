"""The instances of a class in the making: which formula gives each value in all of them."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cnnspec.language.arithmetic import TRUTH, Value
from cnnspec.language.expression import Expression
from cnnspec.language.items import IN_REPEAT
from cnnspec.shape import Shape
from cnnspec.views.source.formulas import (
    Formula,
    NoValue,
    binary,
    constant,
    name,
    names_in,
    parts_of,
    rebuilt,
    value_of,
)
from cnnspec.views.source.identifiers import free
from cnnspec.views.source.notation import written

LONGEST = 60
"""Characters of a formula at most; what would be longer becomes a parameter."""

LONGEST_LIST = 8
"""Entries of a list in a formula at most."""

MOST_FACTOR = 512
"""What widths are multiplied and divided by at most, where a formula is guessed."""


class Instance(NamedTuple):
    """A place in an instance of the class, by its number; within a loop, with the number of the round."""

    row: int
    loop: Mapping[str, Value] = {}


@dataclass
class Stream:
    """What flows through a list of items, in each instance: the shape, and a formula for its channels if known."""

    instances: list[Instance]
    shapes: list[Shape]
    channels: Formula | None
    loop: Mapping[str, Formula] = field(default_factory=dict)

    def part(self, chosen: Sequence[int]) -> "Stream":
        """Return the same for some of the instances."""
        instances, shapes = [self.instances[i] for i in chosen], [self.shapes[i] for i in chosen]
        return Stream(instances, shapes, self.channels, self.loop)


class Unfoldable(Exception):  # noqa: N818  # the class is split then, and that is no error
    """Nothing gives a value in all instances; those with the same of `kinds`, by row, may have a class."""

    def __init__(self, kinds: Mapping[int, object] | None = None) -> None:
        super().__init__()
        self.kinds = kinds or {}


class Frame:
    """What the names of a class stand for in each of its instances.

    `arguments` are the names that the spec knows there, each with a value for each instance;
    `hidden` names are known in the spec, but are no parameters; `variables` are the same everywhere.
    Parameters that turn out to be needed are added.
    """

    def __init__(
        self,
        arguments: Mapping[str, list[Value]],
        hidden: Mapping[str, list[Value]],
        variables: Mapping[str, Value],
        size: int,
    ) -> None:
        self.arguments, self.hidden, self.size = arguments, hidden, size
        self.variables = {name: plain(value) for name, value in variables.items()}
        self.columns: dict[str, list[Value]] = dict(arguments)
        self.open: dict[str, frozenset[int]] = {}
        self.calculated: dict[str, Formula] = {}
        self.widths: dict[str, None] = {"in_channels": None}
        self.pool: dict[str, Formula] = {}

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what was added since, where nothing comes of it."""
        kept = {key: copy(value) for key, value in vars(self).items()}
        try:
            yield
        except Unfoldable:
            vars(self).update(kept)
            raise

    @property
    def everywhere(self) -> list[Instance]:
        """All instances."""
        return [Instance(row) for row in range(self.size)]

    def names(self, instance: Instance) -> dict[str, Value]:
        """Return what names stand for in an instance."""
        return {key: column[instance.row] for key, column in self.columns.items()} | dict(instance.loop)

    def fitted(
        self, formula: Formula, values: Sequence[Value], instances: Sequence[Instance]
    ) -> Formula | None:
        """Return the formula if it gives the values, made whole if they all are; else None."""
        found = []
        for value, instance in zip(values, instances, strict=True):
            try:
                found.append(value_of(formula, self.names(instance)))
            except NoValue:
                return None
            if not same(found[-1], value):
                return None
        if any(isinstance(one, float) for one in found) and all(isinstance(value, int) for value in values):
            return ast.Call(name("int"), [formula], [])
        return formula

    def filled(self, key: str, values: Sequence[Value], instances: Sequence[Instance]) -> Formula | None:
        """Return a parameter that has no value yet in some instances, if it can have these; else None."""
        column = list(self.columns[key])
        open_rows = set(self.open[key])
        for value, instance in zip(values, instances, strict=True):
            if instance.row in open_rows:
                column[instance.row] = value
                open_rows.remove(instance.row)
            if not same(column[instance.row], value):
                return None
        self.columns[key], self.open[key] = column, frozenset(open_rows)
        return name(key)

    def explained(
        self,
        values: Sequence[Value],
        instances: Sequence[Instance],
        hints: Iterable[Formula] = (),
        new: str = "",
        *,
        guess: bool = True,
    ) -> Formula:
        """Return what gives these values in these instances, if need be a new parameter called `new`.

        The `hints` are tried first, and multiples of widths last, if it is to be guessed. Raises Unfoldable.
        """
        found = self.found(values, instances, hints, guess=guess)
        if found is None and new:
            found = self.parameter(new, values, instances)
        if found is None:
            raise Unfoldable
        if not isinstance(found, (ast.Name, ast.Constant)):
            self.pool.setdefault(written(found), found)
        return found

    def found(
        self,
        values: Sequence[Value],
        instances: Sequence[Instance],
        hints: Iterable[Formula] = (),
        *,
        guess: bool = True,
    ) -> Formula | None:
        """Return what gives these values, or None."""
        hints = list(hints)
        if all(same(value, values[0]) for value in values):
            # Where it could also be said by names that have other values elsewhere, they tell more.
            telling = (hint for hint in hints if self.varies(hint) and self.fitted(hint, values, instances))
            return next(telling, constant(values[0]))
        related = self._related(self.widths, values, instances) if guess else ()
        for formula in (*hints, *self._known(), *related):
            fitted = self.fitted(formula, values, instances)
            if fitted is None and isinstance(formula, ast.Name) and self.open.get(formula.id):
                fitted = self.filled(formula.id, values, instances)
            if fitted is not None:
                return fitted
        return self._linear(values, instances) or self._by_entry(values, instances)

    def varies(self, formula: Formula) -> bool:
        """Tell whether a formula has names, and all of them have several values; none is of a loop."""
        columns = [self.columns.get(key, [0]) for key in names_in(formula)]
        return bool(columns) and all(any(not same(v, column[0]) for v in column) for column in columns)

    def simplest(self, formula: Formula, values: Sequence[Value], instances: Sequence[Instance]) -> Formula:
        """Return the shortest part of a calculation, or multiple of what is in it, that gives the same values."""
        if not isinstance(formula, (ast.BinOp, ast.Call)):
            return formula
        related = self._related(names_in(formula), values, instances)
        candidates = sorted([*parts_of(formula), *related], key=lambda one: len(written(one)))
        shorter = [one for one in candidates if len(written(one)) < len(written(formula))]
        return next((one for one in shorter if self.fitted(one, values, instances) is one), formula)

    def parameter(self, wanted: str, values: Sequence[Value], instances: Sequence[Instance]) -> Formula:
        """Return a new parameter that has these values; raises Unfoldable where one instance has two."""
        by_row: dict[int, Value] = {}
        for value, instance in zip(values, instances, strict=True):
            if not same(by_row.setdefault(instance.row, value), value):
                raise Unfoldable
        key = free(wanted, {*self.columns, *self.hidden}, "_")
        # Where nothing is made of it, its value does not matter.
        self.columns[key] = [by_row.get(row, values[0]) for row in range(self.size)]
        self.open[key] = frozenset(range(self.size)) - by_row.keys()
        return name(key)

    def translated(
        self, expression: Expression, channels: Formula | None, loop: Mapping[str, Formula] | None = None
    ) -> list[Formula]:
        """Return an expression of the spec as a formula of the class, in a list that is empty if it has none."""
        known = loop or {}
        entries = _Entries(self, known)

        def put(node: ast.Name) -> Formula:
            if node in entries.found:
                return node
            if node.id in known:
                return known[node.id]
            if node.id == "in_channels":
                if channels is None:
                    raise NoValue
                return channels
            if node.id in self.arguments:
                return name(node.id)
            if node.id in self.hidden or node.id in IN_REPEAT:
                raise NoValue
            word = TRUTH.get(node.id, node.id)
            return constant(self.variables.get(node.id, word))

        if isinstance(expression.tree, ast.Subscript):  # a parameter for it is better called after its use
            return []
        try:
            formula = rebuilt(entries.visit(deepcopy(expression.tree)), put)
        except NoValue:
            return []
        return [formula] if is_short(formula) else []

    def _known(self) -> Iterator[Formula]:
        """Yield all that has a name, and all formulas that are used already."""
        for key in sorted(self.columns, key=lambda key: key in self.calculated):
            yield name(key)
        yield from self.pool.values()

    def _related(
        self, keys: Iterable[str], values: Sequence[Value], instances: Sequence[Instance]
    ) -> Iterator[Formula]:
        """Yield the simple multiples of numbers, and parts of them, that give the first of some values."""
        first = values[0]
        for key in keys:
            number = self.names(instances[0]).get(key)
            if key in self.calculated or type(number) is not int or type(first) is not int or not first:
                continue
            if number and first % number == 0 and 1 < first // number <= MOST_FACTOR:
                yield binary(constant(first // number), ast.Mult(), name(key))
            elif number % first == 0 and 1 < number // first <= MOST_FACTOR:
                yield binary(name(key), ast.FloorDiv(), constant(number // first))

    def _linear(self, values: Sequence[Value], instances: Sequence[Instance]) -> Formula | None:
        """Return what grows by the same number in each round of a loop, or None."""
        indexes = [next(iter(instance.loop), "") for instance in instances]
        if not all(indexes) or not all(type(value) is int for value in values):
            return None
        rounds = [instance.loop[index] for instance, index in zip(instances, indexes, strict=True)]
        pairs = list(zip(values, rounds, instances, strict=True))
        steps = {
            (later - value) // (after - before)
            for (value, before, one), (later, after, other) in zip(pairs, pairs[1:], strict=False)
            if one.row == other.row
        }
        if len(steps) != 1:
            return None
        step = steps.pop()
        first = self.found(
            [value - step * number for value, number, _ in pairs], [Instance(one.row) for *_, one in pairs]
        )
        if first is None:
            return None
        growth = binary(constant(step), ast.Mult(), name(indexes[0]))
        return self.fitted(binary(first, ast.Add(), growth), values, instances)

    def _by_entry(self, values: Sequence[Value], instances: Sequence[Instance]) -> Formula | None:
        """Return a tuple whose entries are found one by one, or None."""
        if not all(isinstance(value, tuple) and len(value) == len(values[0]) for value in values):
            return None
        entries = [self.found(column, instances) for column in zip(*values, strict=True)]
        found = [entry for entry in entries if entry is not None]
        return ast.Tuple(found, ast.Load()) if len(found) == len(entries) else None


class _Entries(ast.NodeTransformer):
    """Makes parameters of those entries of the spec's lists that are the same all through an instance."""

    def __init__(self, frame: Frame, loop: Mapping[str, Formula]) -> None:
        self.frame, self.loop = frame, loop
        self.found: list[ast.AST] = []

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:  # noqa: N802  # the name that ast calls
        """Return the parameter that an entry of a list becomes, or else the entry itself."""
        names, frame = names_in(node), self.frame
        if not frame.variables.keys() & set(names) or self.loop.keys() & set(names):
            return self.generic_visit(node)
        values = []
        for row in range(frame.size):
            known = {key: column[row] for key, column in (frame.arguments | frame.hidden).items()}
            try:
                values.append(value_of(node, frame.variables | known))
            except NoValue:
                return self.generic_visit(node)
        instances = frame.everywhere
        entry = frame.found(values, instances)
        entry = entry or frame.parameter(singular(names[0]), values, instances)
        self.found += ast.walk(entry)
        return entry


def singular(word: str) -> str:
    """Return what one of many is called: ``depth`` of ``depths``."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def plain(value: Value) -> Value:
    """Return a value of the spec as layers have it: with tuples for lists."""
    return tuple(plain(one) for one in value) if isinstance(value, (list, tuple)) else value


def same(one: Value, other: Value) -> bool:
    """Tell whether values are equal and of one kind; 2 and 2.0 are, 1 and true are not."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def is_short(formula: Formula) -> bool:
    """Tell whether a formula is one that a person would write, and not rather give a name to."""
    constants = (node.value for node in ast.walk(formula) if isinstance(node, ast.Constant))
    lists = (value for value in constants if isinstance(value, tuple))
    flat = all(len(one) <= LONGEST_LIST and not any(isinstance(v, tuple) for v in one) for one in lists)
    return flat and len(written(formula)) <= LONGEST
