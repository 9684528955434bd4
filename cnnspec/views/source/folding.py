"""Items with their steps in all instances of a class, folded to what its constructor makes."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cnnspec.language.expression import Expression
from cnnspec.language.items import Item
from cnnspec.layers.base import torch_size
from cnnspec.plan import Plan, Step
from cnnspec.views.source.foreign import Foreign
from cnnspec.views.source.formulas import Formula, constant, is_constant, name, names_in, replaced, total
from cnnspec.views.source.frame import Frame
from cnnspec.views.source.instances import Stream, Unfoldable, number_in, plain
from cnnspec.views.source.notation import written
from cnnspec.views.source.recording import RECORDER, Call, recorded
from cnnspec.views.source.rounds import Rounds
from cnnspec.views.source.translation import translated
from cnnspec.views.source.tree import Argument, Child, Definition, Either, Group, Loop, Made, Number
from cnnspec.views.source.units import common_shape, is_unit, own_steps, part_items

IDENTITY = Made("nn.Identity")

Placed = Callable[[Step], tuple[Definition, int]]
"""Tells which class a step of a unit is, and which row of it."""


class Folding:
    """Folds the items of one class; what its frame cannot explain raises Unfoldable."""

    def __init__(
        self,
        plan: Plan,
        frame: Frame,
        placed: Placed,
        own: Mapping[str, tuple[str, ...]],
        foreign: Foreign,
    ) -> None:
        self.plan, self.frame, self.placed, self.own, self.foreign = plan, frame, placed, own, foreign

    def scope(
        self, items: Sequence[Item], steps: Sequence[Sequence[Step]], stream: Stream
    ) -> list[Child | Loop]:
        """Return what a list of items makes, of the steps in each instance; the stream is at its end then."""
        children: list[Child | Loop] = []
        aligned = [list(own_steps(items, own, self.plan)) for own in steps]
        for number, item in enumerate(items):
            mine = [own[number][1] for own in aligned]
            if any(mine):
                children += self.item(item, mine, stream, children)
        return children

    def item(
        self, item: Item, steps: list[list[Step]], stream: Stream, before: list[Child | Loop]
    ) -> list[Child | Loop]:
        """Return what one item makes, with what stands before it in its list."""
        chosen = [i for i, own in enumerate(steps) if own]
        condition = self.condition(item, [bool(own) for own in steps], stream, before)
        part = stream.part(chosen)
        if item.repeat is not None and item.name is None:
            made = Rounds(self, item, [steps[i] for i in chosen]).folded(part, before)
        else:
            made = [self.child(item, [steps[i][0] for i in chosen], part, before)]
        for i, shape in zip(chosen, part.shapes, strict=True):
            stream.shapes[i] = shape
        stream.channels = self.channels(stream, [part.channels])
        return [replace(one, condition=condition) for one in made]

    def child(
        self, item: Item, steps: list[Step], stream: Stream, before: Sequence[Child | Loop] = ()
    ) -> Child:
        """Return an item that is there once in each instance."""
        called = self.name(steps, stream, before)
        shape = common_shape(steps)
        if item.repeat is not None and item.name is not None:
            rounds = Rounds(self, item, [list(step.children) for step in steps])
            return Child(called, Group(tuple(rounds.folded(stream, [])), item.name), shape=shape)
        return Child(called, self.one(item, steps, stream), shape=shape)

    def one(self, item: Item, steps: list[Step], stream: Stream) -> Any:
        """Return the module of an item without its modifiers; the stream is after it then."""
        inner = stream.part(range(len(steps)))
        module: Any
        if is_unit(item):
            module, out = self.call(item, steps, inner)
        elif item.word == "sequence":
            children = self.scope(item.parts["layers",], [step.children for step in steps], inner)
            module, out = Group(tuple(children), item.name or ""), inner.channels
        elif item.parts:
            module, out = self.composition(item, steps, inner)
        else:
            module, out = self.leaf(item, steps, inner)
        stream.shapes[:] = [step.output for step in steps]
        used = (a.value for a in getattr(module, "arguments", ()) if isinstance(a.value, ast.expr))
        stream.channels = self.channels(stream, [out, stream.channels, *used])
        return module

    def channels(self, stream: Stream, hints: Sequence[Formula | None]) -> Formula | None:
        """Return the channels that flow now, if a formula is found for them: a name, or the shortest."""
        values = [shape[0] for shape in stream.shapes]
        known = sorted((hint for hint in hints if hint is not None), key=lambda hint: len(written(hint)))
        named = [hint for hint in known if isinstance(hint, ast.Name)]
        named += [name(key) for key in self.frame.columns if key not in self.frame.open]
        found = self.frame.found(values, stream.instances, [*named, *known])
        if isinstance(found, ast.Name):
            self.frame.widths[found.id] = None
        return found

    def explained(
        self,
        values: Sequence[Any],
        expression: Any,
        stream: Stream,
        new: str,
        first: Sequence[Formula | None] = (),
    ) -> Formula:
        """Return the formula of values that an expression of the spec may give; `first` go before it."""
        hints = self.hints(expression, values, stream)
        guess = bool(hints) or not isinstance(expression, Expression)
        before = [formula for formula in first if formula is not None]
        return self.frame.explained(values, stream.instances, [*before, *hints], new, guess=guess)

    def hints(self, expression: Any, values: Sequence[Any], stream: Stream) -> list[Formula]:
        """Return the formula that the spec has for some values, as simply as it still gives them."""
        if not isinstance(expression, Expression):
            return []
        found = translated(expression, self.frame, stream.channels, stream.loop)
        return [] if found is None else [self.frame.simplest(found, values, stream.instances)]

    def condition(
        self, item: Item, present: list[bool], stream: Stream, before: Sequence[Child | Loop]
    ) -> Formula | None:
        """Return what tells whether an item is there; None where it always is."""
        if all(present):
            return None
        hints = [*self.hints(item.when, present, stream), *self.hints(_some(item.repeat), present, stream)]
        for earlier in before:
            if earlier.condition is not None:
                hints += [earlier.condition, ast.UnaryOp(ast.Not(), earlier.condition)]
        flags = (key for key, column in self.frame.arguments.items() if isinstance(column[0], bool))
        hints += [ast.UnaryOp(ast.Not(), name(key)) for key in flags]
        return self.frame.explained(present, stream.instances, hints, f"with_{item.name or item.word}")

    def name(self, steps: Sequence[Step], stream: Stream, before: Sequence[Child | Loop]) -> str | Number:
        """Return the name of what may be numbered otherwise where something before it is left out."""
        names = [step.name for step in steps]
        if len(set(names)) == 1:
            return names[0]
        found = [split for split in map(number_in, names) if split]
        numbers = [number for _, number in found]
        if len(found) == len(names) and len({prefix for prefix, _ in found}) == 1 and len(set(numbers)) == 2:
            least, most = sorted(set(numbers))
            for earlier in (one.condition for one in before if one.condition is not None):
                chosen = ast.IfExp(earlier, constant(most), constant(least))
                if self.frame.fitted(chosen, numbers, stream.instances):
                    return Number(found[0][0], chosen)
        raise Unfoldable({instance.row: name for instance, name in zip(stream.instances, names, strict=True)})

    def leaf(self, item: Item, steps: list[Step], stream: Stream) -> tuple[Made, Formula | None]:
        """Return the call of a layer's constructor."""
        return self.made([recorded(step) for step in steps], item, steps, stream), None

    def made(self, calls: list[Call], item: Item, steps: list[Step], stream: Stream) -> Made:
        """Return a call that was recorded of a layer in each instance."""
        self.all_alike(stream, [(call.module, call.name, len(call.positional)) for call in calls])
        first = calls[0]
        arguments = []
        for position in range(len(first.positional)):
            given = [call.positional[position] for call in calls]
            if self.are_calls(given, stream):
                arguments.append(Argument(self.made(given, item, steps, stream)))
                continue
            values = [plain(value) for value in given]
            key = self.field_of(steps, values)
            known = self.own.get(first.name, ())[position : position + 1]
            called = key or "".join(known) or ("in_features" if len(steps[0].input) == 1 else "channels")
            entering = [stream.channels] if values == [step.input[0] for step in steps] else []
            found = self.explained(values, _hole(item, key), stream, called, entering)
            arguments.append(Argument(found))
        fields = {} if steps[0].layer is None else type(steps[0].layer).model_fields
        order = [*fields, *dict.fromkeys(key for call in calls for key in call.named)]
        for key in sorted({key for call in calls for key in call.named}, key=order.index):
            if key not in fields:
                self.all_alike(stream, [key in call.named for call in calls])
            given = [call.named[key] if key in call.named else fields[key].default for call in calls]
            if self.are_calls(given, stream):
                arguments.append(Argument(self.made(given, item, steps, stream), key))
                continue
            values = [plain(value) for value in given]
            entering = [stream.channels] if values == [step.input[0] for step in steps] else []
            found = self.explained(values, _hole(item, key), stream, key, entering)
            arguments.append(Argument(found, key))
        own = first.name if first.name in self.own else f"nn.{first.name}"
        return Made(self.foreign.get((first.module, first.name), own), tuple(arguments))

    def are_calls(self, given: Sequence[Any], stream: Stream) -> bool:
        """Tell whether an argument is a module that is made there itself."""
        found = [isinstance(value, Call) for value in given]
        self.all_alike(stream, found)
        return found[0]

    def field_of(self, steps: list[Step], values: list[Any]) -> str:
        """Return the field that a positional argument is, or an empty text."""
        layer = steps[0].layer
        for key in type(layer).model_fields if layer else ():
            if [plain(torch_size(getattr(step.layer, key))) for step in steps] == values:
                return key
        return ""

    def all_alike(self, stream: Stream, kinds: Sequence[object]) -> None:
        """Raise Unfoldable where what stands at one place is of several kinds."""
        if any(kind != kinds[0] for kind in kinds):
            raise Unfoldable({one.row: kind for one, kind in zip(stream.instances, kinds, strict=True)})

    def call(self, item: Item, steps: list[Step], stream: Stream) -> tuple[Made, Formula | None]:
        """Return the call of a class of the source."""
        places = [self.placed(step) for step in steps]
        self.all_alike(stream, [definition.name for definition, _ in places])
        definition = places[0][0]
        required = [p.name for p in definition.parameters if p.default is ... and p.name != "in_channels"]
        arguments: list[Argument] = []
        given: dict[str, Formula] = {}
        if stream.channels is not None:
            given["in_channels"] = stream.channels
        for parameter in definition.parameters:
            values = [parameter.values[row] for _, row in places]
            called, entering = parameter.name, [stream.channels]
            if called == "in_channels":
                called = "channels"
            else:
                entering = []
            found = self.explained(values, _given(item, parameter.name), stream, called, entering)
            given[parameter.name] = found
            if parameter.default is ... or not is_constant(found, parameter.default):
                plainly = called == "channels" or (called in required[:1] and len(required) < 3)
                plainly = plainly and not (parameter.added or isinstance(values[0], bool))
                plainly = plainly and not any(argument.key for argument in arguments)
                arguments.append(Argument(found, "" if plainly else parameter.name))
        out = definition.channels
        known = out is not None and all(key in given for key in names_in(out))
        return Made(definition.name, tuple(arguments)), replaced(out, given) if out and known else None

    def composition(self, item: Item, steps: list[Step], stream: Stream) -> tuple[Any, Formula | None]:
        """Return the call of a composition's constructor, or the group that is left of a single part."""
        merged = [step.composite is not None for step in steps]
        fullest = steps[merged.index(True)] if any(merged) else steps[0]
        groups, outs = {}, []
        for number, part in enumerate(fullest.children):
            chosen = [i for i, step in enumerate(steps) if len(step.children) > number]
            inner = stream.part(chosen)
            own = [steps[i].children[number].children for i in chosen]
            children = self.scope(part_items(item, part), own, inner)
            groups[part.name] = Group(tuple(children), part.name) if children else IDENTITY
            outs.append(inner.channels)
        if not any(merged):
            return Group(tuple(Child(key, group) for key, group in groups.items())), outs[0]
        assert fullest.composite
        call = fullest.composite.build(RECORDER, groups)
        arguments = [Argument(group) for group in call.positional]
        arguments += [
            Argument(group, "" if key in self.own[call.name] else key) for key, group in call.named.items()
        ]
        made = Made(call.name, tuple(arguments))
        if item.word == "concat":
            known = [out for out in outs if out is not None]
            return made, total(known) if len(known) == len(outs) else None
        if not all(merged):
            return self.either(item, made, merged, stream), outs[0]
        return made, next((out for out in outs if out is not None), None)

    def either(self, item: Item, made: Made, merged: list[bool], stream: Stream) -> Either:
        """Return a residual that has a shortcut in some instances only."""
        if any(argument.value is not IDENTITY for argument in made.arguments[1:]):
            self.all_alike(stream, merged)
        hints = self.hints(_hole(item, "skip"), merged, stream)
        condition = self.frame.explained(merged, stream.instances, hints, "skip")
        return Either(condition, made, made.arguments[0].value.role)


def _hole(item: Item, key: str) -> Expression | None:
    return item.template.holes.get((key,)) if item.template else None


def _given(item: Item, key: str) -> Expression | None:
    return item.arguments.holes.get((key,)) if item.arguments else None


def _some(repeat: Any) -> Expression | None:
    """Return whether there is any round, as an expression."""
    if not isinstance(repeat, Expression):
        return None
    tree = ast.Compare(repeat.tree, [ast.Gt()], [ast.Constant(0)])
    return replace(repeat, tree=tree)
