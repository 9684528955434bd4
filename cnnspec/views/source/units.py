"""What becomes a class of its own: blocks, and sequences that are repeated; with all places they stand in."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from cnnspec.language.arithmetic import Value
from cnnspec.language.blocks import Block
from cnnspec.language.document import KeyPath
from cnnspec.language.expression import Expression
from cnnspec.language.items import IN_REPEAT, Item
from cnnspec.plan import Plan, Step
from cnnspec.shape import Shape
from cnnspec.views.source.instances import plain

Key = str | KeyPath
"""A block's name, or where a repeated sequence stands."""

NETWORK: Key = ""
"""The network itself."""

Names = Mapping[str, Value]


@dataclass(frozen=True)
class Row:
    """A place of a unit: its step, what names stand for there, and those that its class cannot have."""

    step: Step
    names: Names
    hidden: Names


@dataclass
class Unit:
    """What becomes a class, with a row for each different place, and the row of each step."""

    key: Key
    items: tuple[Item, ...]
    block: Block | None = None
    word: str = ""
    rows: list[Row] = field(default_factory=list)
    row_of: dict[int, int] = field(default_factory=dict)
    known: dict[object, int] = field(default_factory=dict)

    def add(self, row: Row, *, exact: bool) -> None:
        """Add a place; one that is `exact`ly described by its names and input is added once."""
        names = (*row.names.items(), *row.hidden.items())
        key = (names, row.step.input) if exact else id(row.step)
        number = self.known.setdefault(key, len(self.rows))
        if number == len(self.rows):
            self.rows.append(row)
        self.row_of[id(row.step)] = number


def collect(plan: Plan) -> list[Unit]:
    """Return all units of a network, each after those that it is made of, and the network itself last."""
    collector = _Collector(plan)
    collector.visit(plan.spec.layers, plan.steps, {}, {}, NETWORK)
    order = TopologicalSorter(collector.uses).static_order()
    return [collector.units[key] for key in order if key != NETWORK]


def own_steps(items: Sequence[Item], steps: Sequence[Step], plan: Plan) -> Iterator[tuple[Item, list[Step]]]:
    """Yield each item of a list with the steps that it became."""
    by_place = defaultdict(list)
    for step in steps:
        by_place[step.place].append(step)
    for item in items:
        yield item, by_place.get(plan.spec.document.place(item.path), [])


def is_unit(item: Item) -> bool:
    """Tell whether an item becomes a class of its own."""
    return item.template is None or (item.word == "sequence" and item.repeat is not None)


def asks_index(item: Item) -> bool:
    """Tell whether it depends on the round whether a repeated item is there."""
    return isinstance(item.when, Expression) and not IN_REPEAT.isdisjoint(item.when.names)


def part_items(item: Item, part: Step) -> tuple[Item, ...]:
    """Return the items of a part of a composition."""
    return next((items for way, items in item.parts.items() if str(way[-1]) == part.name), ())


def common_shape(steps: Sequence[Step]) -> Shape | None:
    """Return what comes out of steps, if that is the same for all and another shape than goes in."""
    outputs = {step.output for step in steps}
    return steps[0].output if len(outputs) == 1 and steps[0].output != steps[0].input else None


class _Collector:
    """Walks through items and steps side by side."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.units: dict[Key, Unit] = {}
        self.uses: dict[Key, dict[Key, None]] = {NETWORK: {}}

    def visit(
        self, items: Sequence[Item], steps: Sequence[Step], names: Names, hidden: Names, user: Key
    ) -> None:
        """Note the units in a list of items."""
        for item, own in own_steps(items, steps, self.plan):
            if item.repeat is None:
                rounds, inner = own, hidden
            else:
                rounds = [r for group in own for r in group.children] if item.name else own
                inner = {key: value for key, value in hidden.items() if key not in IN_REPEAT}
            for index, step in enumerate(rounds):
                told = {"index": index, "count": len(rounds)}
                known = {} if item.repeat is None or asks_index(item) else told
                self.one(item, step, names, {**inner, **known}, user)

    def one(self, item: Item, step: Step, names: Names, hidden: Names, user: Key) -> None:
        """Note an item in its place, without its modifiers, and the units in it."""
        if is_unit(item):
            self.unit(item, step, names, hidden, user)
        elif item.word == "sequence":
            self.visit(item.parts["layers",], step.children, names, hidden, user)
        elif item.parts:
            for part in step.children:
                self.visit(part_items(item, part), part.children, names, hidden, user)

    def unit(self, item: Item, step: Step, names: Names, hidden: Names, user: Key) -> None:
        """Note the place of a unit, and the units in it."""
        if item.template is None:
            block = self.plan.spec.blocks[item.word]
            unit = Unit(block.name, block.items, block)
            names = {key: plain(value) for key, value in step.arguments.items()}
            hidden, exact = {}, True
        else:
            unit = Unit(item.path, item.parts["layers",], word=item.name or item.word)
            exact = not asks_index(item)
        unit = self.units.setdefault(unit.key, unit)
        self.uses.setdefault(unit.key, {})
        self.uses[user][unit.key] = None
        unit.add(Row(step, names, hidden), exact=exact)
        self.visit(unit.items, step.children, names, hidden, unit.key)
