"""The instances of a class in the making: which formula gives each value in all of them."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from itertools import pairwise

from cnnspec.language.arithmetic import Value
from cnnspec.views.source.formulas import (
    Formula,
    NoValue,
    binary,
    constant,
    name,
    names_in,
    parts_of,
    value_of,
)
from cnnspec.views.source.identifiers import free
from cnnspec.views.source.instances import Instance, Unfoldable, plain, same
from cnnspec.views.source.notation import written

MOST_FACTOR = 512
"""What widths are multiplied and divided by at most, where a formula is guessed."""


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
        self.purposes: dict[str, str] = {}

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
            self.purposes.setdefault(written(found), new)
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
            told = (self.fitted(hint, values, instances) for hint in hints if self.varies(hint))
            return next((found for found in told if found in hints), constant(values[0]))
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
        """Return the shortest part of a calculation, or multiple of a name in it, with the same values."""
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
            for (value, before, one), (later, after, other) in pairwise(pairs)
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
