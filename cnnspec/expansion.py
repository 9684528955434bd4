"""Spec to Plan: blocks expanded, expressions evaluated, shapes carried from layer to layer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, NoReturn

from cnnspec.errors import MAX_PROBLEMS, Place, Problem, RuleError, SpecError, Use
from cnnspec.language.arithmetic import Value
from cnnspec.language.blocks import Block
from cnnspec.language.expression import Expression
from cnnspec.language.items import CHECKS, IN_REPEAT, Item, modifier_problem
from cnnspec.language.template import Unfit
from cnnspec.layers import Composite, Layer
from cnnspec.layers.composition import THE_INPUT, Output
from cnnspec.limits import Budget, check_size
from cnnspec.naming import Numbering
from cnnspec.plan import Plan, Step
from cnnspec.plugins.contract import check_answers
from cnnspec.shape import Shape
from cnnspec.spec import Spec

Names = Mapping[str, Value]


class Trace(NamedTuple):
    """A plan as far as the shapes work, and what stopped it."""

    plan: Plan
    problems: list[Problem]


def make_plan(spec: Spec) -> Plan:
    """Return the plan of a spec; raises SpecError where the shapes do not fit."""
    plan, problems = trace(spec)
    if problems:
        raise SpecError(*problems)
    return plan


def trace(spec: Spec) -> Trace:
    """Return the plan up to the first layer that does not fit, with the problems found."""
    expansion = _Expansion(spec)
    steps = expansion.network()
    return Trace(Plan(spec, tuple(steps)), expansion.problems)


class _Stop(Exception):  # noqa: N818  # not an error: the problem is noted already
    """The shapes after this place are unknown; `steps` are what came before it."""

    def __init__(self, *steps: Step) -> None:
        super().__init__()
        self.steps = steps


@dataclass(frozen=True, slots=True)
class _Here:
    """Where an item is expanded: its path, the shape that enters, and what names stand for."""

    path: str
    x: Shape
    names: Names

    def at(self, path: str) -> "_Here":
        return _Here(path, self.x, self.names)


class _Expansion:
    """Expands a spec's items one by one, carrying the shape along."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.document = spec.document
        self.problems: list[Problem] = []
        self.told: set[Place] = set()
        self.uses: list[Use] = []
        self.budget = Budget()

    def network(self) -> list[Step]:
        """Return the steps of the whole network, up to the first that does not fit."""
        steps: list[Step] = []
        try:
            for step in self.scope(self.spec.layers, _Here("", self.spec.input, self.spec.vars)):
                steps.append(step)  # noqa: PERF402  # what came before a stop must be kept
        except _Stop as stop:
            steps += stop.steps
        return steps

    def note(self, problem: Problem) -> None:
        """Add a problem, with the blocks that led to it; one that many expansions share only once."""
        if problem.place and problem.place not in self.told:
            self.told.add(problem.place)
            self.problems.append(replace(problem, uses=tuple(self.uses)))

    def unfit(self, error: Unfit) -> NoReturn:
        """Note the problems of values that do not fit, and stop."""
        for problem in error.problems:
            self.note(problem)
        raise _Stop from None

    def stop(self, error: RuleError, place: Place, path: str) -> NoReturn:
        """Note an error of a rule, and stop."""
        self.note(error.at(place, path))
        raise _Stop from None

    def scope(self, items: tuple[Item, ...], here: _Here) -> Iterator[Step]:
        """Yield the steps of one list of items; raises _Stop where one does not fit."""
        names = Numbering(f"{here.path}." if here.path else "")
        x = here.x
        self.budget.depth += 1
        try:
            for item in items:
                for step in self.expand(item, _Here("", x, here.names), names):
                    yield step
                    x = step.output
                    self.check_name(item, step, names)
        finally:
            self.budget.depth -= 1

    def check_name(self, item: Item, step: Step, names: "Numbering") -> None:
        """Note a name that another item of the scope has, too."""
        place = self.document.place(item.path)
        if item.name:
            place = self.document.value_place((*item.path[:-1], "name"))
        first = names.first.setdefault(step.name, place)
        if first == place or len(self.problems) > MAX_PROBLEMS:
            return
        what = f"two layers are called '{step.name}'; the first stands in line {first.line}"
        also = f": unnamed layers are numbered as '{step.name}', too" if step.name[-1].isdigit() else ""
        self.note(Problem(what, "", f"Rename one of them{also}", place))

    def expand(self, item: Item, here: _Here, names: "Numbering") -> Iterator[Step]:
        """Yield the steps of one item: none, one, its repetitions, or a named group of those."""
        self.spend(item)
        here = _Here("", here.x, {**here.names, "in_channels": here.x[0]})
        each = item.repeat is not None and _asks_index(item.when)
        if not each and not self.modifier(item, "when", here, default=True):
            return
        if item.repeat is None:
            yield self.one(item, here.at(names.of(item)))
        elif item.name is None:
            yield from self.repeated(item, here, lambda _: names.of(item), each=each)
        else:
            path = names.of(item)
            steps = self.repeated(item, here, lambda index: f"{path}.{index}", each=each)
            group = self.group(item, here.at(path), "sequence", steps)
            if group.children:
                yield group

    def repeated(
        self, item: Item, here: _Here, path_of: Callable[[int], str], *, each: bool
    ) -> Iterator[Step]:
        """Yield an item's repetitions; `each` tells whether each one is asked if it is there."""
        x = here.x
        count = self.modifier(item, "repeat", here, default=1)
        for index in range(count):
            if index:
                self.spend(item)
            names = {**here.names, "in_channels": x[0], "index": index, "count": count}
            again = _Here("", x, names)
            if each and not self.modifier(item, "when", again, default=True):
                continue
            step = self.one(item, again.at(path_of(index)))
            yield step
            x = step.output

    def modifier(self, item: Item, word: str, here: _Here, *, default: Any) -> Any:
        """Return the value of a modifier, evaluated where it is an expression."""
        given = getattr(item, word)
        if given is None:
            return default
        if not isinstance(given, Expression):
            return given
        self.work(item, [given], here.names)
        try:
            value = given.evaluate(here.names)
        except RuleError as error:
            self.stop(error, self.document.value_place((*item.path[:-1], word)), item.word)
        if not CHECKS[word](value):
            self.note(modifier_problem(word, value, self.document, item.path[:-1], given.text))
            raise _Stop
        return value

    def spend(self, item: Item) -> None:
        """Count an item, and stop where there are too many, or where they are nested too deep."""
        try:
            self.budget.item()
        except RuleError as error:
            self.stop(error, self.document.place(item.path), item.word)

    def work(self, item: Item, holes: Iterable[Expression], names: Names) -> None:
        """Count expressions that are about to be evaluated, and stop where that is too much."""
        try:
            self.budget.evaluation(sum(hole.cost(names) for hole in holes))
        except RuleError as error:
            self.stop(error, self.document.place(item.path), item.word)

    def one(self, item: Item, here: _Here) -> Step:
        """Return an item in its place, without its modifiers; raises _Stop where it does not fit."""
        if item.template is None:
            return self.block(item, here)
        self.work(item, item.template.holes.values(), here.names)
        try:
            element = item.template.fill(here.names)
        except Unfit as error:
            self.unfit(error)
        if isinstance(element, Composite):
            return self.composite(item, element, here)
        assert isinstance(element, Layer)
        return self.layer(item, element, here)

    def group(self, item: Item, here: _Here, kind: str, steps: Iterator[Step], **more: Any) -> Step:
        """Return steps in a row as one; raises _Stop with as much of it as fits."""
        children: list[Step] = []
        try:
            for step in steps:
                children.append(step)  # noqa: PERF402  # as in network
        except _Stop as stop:
            raise _Stop(self.sum(item, here, kind, [*children, *stop.steps], **more)) from None
        return self.sum(item, here, kind, children, **more)

    def sum(self, item: Item, here: _Here, kind: str, children: list[Step], **more: Any) -> Step:
        """Return the step whose numbers are the sums of its children's."""
        output = more.pop("output", children[-1].output if children else here.x)
        params, macs = sum(c.params for c in children), sum(c.macs for c in children)
        place = self.document.place(item.path)
        return Step(here.path, kind, here.x, output, params, macs, place, children=tuple(children), **more)

    def block(self, item: Item, here: _Here) -> Step:
        """Return a call of a block as a group."""
        block = self.spec.blocks[item.word]
        if block.broken:
            raise _Stop
        try:
            given = self.given(item, here)
            self.uses.append(Use(block.name, given, self.document.place(item.path)))
        except Unfit as error:
            self.unfit(error)
        try:
            names = self.arguments(item, block, given, here)
            values = {name: names[name] for name in block.arguments}
            self.uses[-1] = replace(self.uses[-1], arguments=values)
            steps = self.scope(block.items, _Here(here.path, here.x, names))
            return self.group(item, here, block.name, steps, arguments=values)
        except Unfit as error:
            self.unfit(error)
        finally:
            self.uses.pop()

    def given(self, item: Item, here: _Here) -> dict[str, Value]:
        """Return the arguments that the call of a block gives; raises Unfit."""
        if not item.arguments:
            return {}
        self.work(item, item.arguments.holes.values(), here.names)
        return dict(item.arguments.evaluate(here.names))

    def arguments(
        self, item: Item, block: Block, given: Mapping[str, Value], here: _Here
    ) -> dict[str, Value]:
        """Return all that a block's body sees: the variables, and its arguments; raises Unfit."""
        names = {**self.spec.vars, "in_channels": here.x[0]}
        for name, default in block.arguments.items():
            if name in given:
                names[name] = given[name]
            elif default:
                self.work(item, default.holes.values(), names)
                names[name] = default.evaluate(names)
        return names

    def composite(self, item: Item, composite: Composite, here: _Here) -> Step:
        """Return a composition with each of its parts as a group."""
        groups: dict[str, Step] = {}
        outputs: dict[str, Output] = {}
        stopped = False
        for name, way in composite.parts.items():
            self.spend(item)
            path = f"{here.path}.{name}" if name else here.path
            items = item.parts.get(way, ())
            try:
                groups[name] = self.group(item, here.at(path), "sequence", self.scope(items, here.at(path)))
            except _Stop as stop:
                groups[name], stopped = stop.steps[0], True
            where = f"line {self.document.place(items[0].path).line}" if items else THE_INPUT
            outputs[name] = Output(groups[name].output, where)
        if "" in groups:  # its only part is the composition itself
            if stopped:
                raise _Stop(groups[""])
            return groups[""]
        parts, made = list(groups.values()), composite if len(groups) > 1 else None
        if stopped:
            raise _Stop(self.sum(item, here, composite.type, parts, composite=made))
        try:
            output = composite.merge(outputs)
            check_size(output)
        except RuleError as error:
            self.note(error.at(self.document.place(item.path), here.path))
            raise _Stop(self.sum(item, here, composite.type, parts, composite=made)) from None
        return self.sum(item, here, composite.type, parts, output=output, composite=made)

    def layer(self, item: Item, layer: Layer, here: _Here) -> Step:
        """Return one layer in its place."""
        x, place = here.x, self.document.place(item.path)
        try:
            self.budget.layer()
            output = layer.output_shape(x)
            params, macs = layer.params(x), layer.macs(x)
            check_answers(layer, output, params=params, macs=macs)
            check_size(output, params)
        except RuleError as error:
            assert item.template is not None
            self.stop(error, item.template.place(error.field), here.path)
        return Step(here.path, layer.type, x, output, params, macs, place, layer)


def _asks_index(given: bool | Expression | None) -> bool:
    """Tell whether a modifier depends on the repetition."""
    return isinstance(given, Expression) and not IN_REPEAT.isdisjoint(given.names)
