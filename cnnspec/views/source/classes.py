"""A plan to the classes of its source, each after those that it is made of."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from cnnspec.language.arithmetic import Value
from cnnspec.plan import Plan
from cnnspec.shape import times
from cnnspec.views.source import own
from cnnspec.views.source.finishing import finished, parts_of
from cnnspec.views.source.folding import Folding
from cnnspec.views.source.foreign import Foreign
from cnnspec.views.source.formulas import Formula, constant, name
from cnnspec.views.source.frame import Frame
from cnnspec.views.source.identifiers import ClassNames
from cnnspec.views.source.instances import Stream, Unfoldable, plain, same, singular
from cnnspec.views.source.translation import translated
from cnnspec.views.source.tree import Definition
from cnnspec.views.source.units import Row, Unit, collect

SHOWN = 2
"""Shapes that the description of a class shows at most."""


def definitions(plan: Plan, class_names: ClassNames, foreign: Foreign) -> list[Definition]:
    """Return the classes of a network's source, the network itself last. Raises SpecError."""
    return _Classes(plan, class_names, foreign).all()


class _Classes:
    """Folds one unit after the other."""

    def __init__(self, plan: Plan, class_names: ClassNames, foreign: Foreign) -> None:
        self.plan, self.class_names, self.foreign = plan, class_names, foreign
        self.places: dict[int, tuple[Definition, int]] = {}

    def all(self) -> list[Definition]:
        """Return all classes."""
        found = [definition for unit in collect(self.plan) for definition in self.unit(unit)]
        frame = Frame({}, {}, self.plan.spec.vars, 1)
        stream = Stream(frame.everywhere, [self.plan.input_shape], constant(self.plan.input_shape[0]))
        children = self.folding(frame).scope(self.plan.spec.layers, [self.plan.steps], stream)
        about = f"{self.plan.name}: {times(self.plan.input_shape)} → {times(self.plan.output_shape)}."
        network = self.class_names.network(self.plan.name, self.plan.spec.description)
        last = Definition(network, about, [], tuple(children))
        return [*found, *parts_of(last, self.class_names), last]

    def folding(self, frame: Frame) -> Folding:
        """Return what folds the items of a class."""
        placed = self.places
        return Folding(self.plan, frame, lambda step: placed[id(step)], own.classes(), self.foreign)

    def unit(self, unit: Unit) -> Iterator[Definition]:
        """Yield the classes of a unit: one, unless its places are too different for that."""
        queue = [list(range(len(unit.rows)))]
        while queue:
            chosen = queue.pop(0)
            try:
                definition = self.definition(unit, [unit.rows[i] for i in chosen])
            except Unfoldable as unfoldable:
                queue[:0] = _split(chosen, unfoldable.kinds)
                continue
            number_of = {row: number for number, row in enumerate(chosen)}
            for step, row in unit.row_of.items():
                if row in number_of:
                    self.places[step] = (definition, number_of[row])
            yield from [*parts_of(definition, self.class_names), definition]

    def definition(self, unit: Unit, rows: Sequence[Row]) -> Definition:
        """Return the class for some of a unit's places; raises Unfoldable."""
        frame, defaults = _frame(unit, rows, self.plan)
        shapes = [row.step.input for row in rows]
        channels = frame.found([shape[0] for shape in shapes], frame.everywhere)
        stream = Stream(frame.everywhere, shapes, channels)
        children = self.folding(frame).scope(unit.items, [row.step.children for row in rows], stream)
        word, kind = (unit.block.name, "Block") if unit.block else (unit.word, "Each of")
        class_name = self.class_names.unit(*([word] if unit.block else [singular(word), word]))
        about = f"{kind} `{word}`: {_shapes(rows)}."
        return finished(
            Definition(class_name, about, [], tuple(children), channels=stream.channels), frame, defaults
        )


def _split(chosen: list[int], kinds: Mapping[int, object]) -> list[list[int]]:
    """Return places in groups of one kind; those of none go with the first."""
    groups: dict[object, list[int]] = defaultdict(list)
    first = next(iter(kinds.values()))
    for number, row in enumerate(chosen):
        groups[kinds.get(number, first)].append(row)
    assert len(groups) > 1
    return list(groups.values())


def _frame(unit: Unit, rows: Sequence[Row], plan: Plan) -> tuple[Frame, dict[str, Value]]:
    """Return the frame of a unit's class, with the defaults of its arguments."""
    columns = {key: [row.names[key] for row in rows] for key in rows[0].names}
    columns["in_channels"] = [row.step.input[0] for row in rows]
    hidden = {key: [row.hidden[key] for row in rows] for key in rows[0].hidden}
    frame = Frame(columns, hidden, plan.spec.vars, len(rows))
    defaults: dict[str, Value] = {}
    given = unit.block.arguments if unit.block else {}
    for key, definition in given.items():
        if definition is None:
            continue
        if not definition.holes:
            defaults[key] = plain(definition.value)
            continue
        hole = definition.holes.get(())
        formula = translated(hole, frame, name("in_channels")) if hole else None
        if isinstance(formula, ast.Constant):
            defaults[key] = formula.value
        elif formula is not None and frame.fitted(formula, columns[key], frame.everywhere):
            frame.calculated[key] = _simplest(key, formula, frame)
    return frame, defaults


def _simplest(key: str, formula: Formula, frame: Frame) -> Formula:
    """Return an argument that always has the same values, or else the simplest calculation of them."""
    for other, column in frame.arguments.items():
        if other == key:
            continue
        if other not in frame.calculated and all(map(same, column, frame.arguments[key])):
            return name(other)
    return frame.simplest(formula, frame.arguments[key], frame.everywhere)


def _shapes(rows: Sequence[Row]) -> str:
    """Return what goes in and comes out, in some of the places."""
    pairs = dict.fromkeys(f"{times(row.step.input)} → {times(row.step.output)}" for row in rows)
    more = ", and others" if len(pairs) > SHOWN else ""
    return ", ".join(list(pairs)[:SHOWN]) + more
