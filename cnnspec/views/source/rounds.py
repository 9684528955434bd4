"""Repeated items, folded to loops where all rounds are alike, or all but the first."""

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnspec.language.expression import Expression
from cnnspec.language.items import Item
from cnnspec.plan import Step
from cnnspec.views.source.formulas import Formula, binary, constant, is_constant, name, names_in
from cnnspec.views.source.instances import Instance, Stream, Unfoldable, number_in, singular
from cnnspec.views.source.tree import Child, Loop
from cnnspec.views.source.units import asks_index, common_shape, is_unit

if TYPE_CHECKING:
    from cnnspec.views.source.folding import Folding

INDEX = "index"

FEW = 3
"""Rounds up to which a network itself, which has one instance only, has a line for each."""


class Rounds:
    """The rounds of a repeated item in each instance of a class."""

    def __init__(self, folding: "Folding", item: Item, rounds: Sequence[Sequence[Step]]) -> None:
        self.folding, self.frame, self.item, self.rounds = folding, folding.frame, item, rounds
        self.counts = [len(own) for own in rounds]
        self.prefix = "" if item.name else item.word

    def folded(self, stream: Stream, before: Sequence[Child | Loop]) -> list[Child | Loop]:
        """Return what the rounds make; the stream is after them then. Raises Unfoldable."""
        self.count = self.counted(stream)
        ways = []
        if not _repeats(self.item) and max(self.counts) > 1:
            ways = [0, 1] if min(self.counts) > 0 else [0]
        for first in ways:
            if self.frame.size == 1 and self.counts[0] - first <= FEW:
                continue
            kept = (list(stream.shapes), stream.channels)
            try:
                with self.frame.attempt():
                    made: list[Child | Loop] = [self.single(n, stream, before) for n in range(first)]
                    return [*made, self.loop(first, stream)]
            except Unfoldable:
                stream.shapes[:], stream.channels = kept
        self.folding.all_alike(stream, self.counts)
        made = []
        for number in range(self.counts[0]):
            made.append(self.single(number, stream, [*before, *made]))
        return made

    def single(self, number: int, stream: Stream, before: Sequence[Child | Loop]) -> Child:
        """Return one round on its own."""
        steps = [own[number] for own in self.rounds]
        inner = stream.part(range(len(steps)))
        inner.loop = self.names(constant(number))
        called = self.folding.name(steps, inner, before)
        module = self.folding.one(self.item, steps, inner)
        stream.shapes[:], stream.channels = inner.shapes, inner.channels
        return Child(called, module, shape=common_shape(steps))

    def loop(self, first: int, stream: Stream) -> Loop:
        """Return all rounds from the first on; raises Unfoldable where they are not alike."""
        places = [(i, n) for i, count in enumerate(self.counts) for n in range(first, count)]
        steps = [self.rounds[i][n] for i, n in places]
        instances = [Instance(stream.instances[i].row, {INDEX: n}) for i, n in places]
        offset = self.offset(steps, [n for _, n in places])
        if is_constant(self.count, first + 1):
            raise Unfoldable
        inner = Stream(instances, [step.input for step in steps], stream.channels)
        inner.channels = self.folding.channels(inner, [stream.channels])
        inner.loop = self.names(name(INDEX))
        module = self.folding.one(self.item, steps, inner)
        entered = [shape[0] for shape in stream.shapes]
        stream.shapes[:] = [
            own[-1].output if len(own) > first else shape
            for own, shape in zip(self.rounds, stream.shapes, strict=True)
        ]
        growth = self.growth(entered, first, stream)
        known = inner.channels if inner.channels and INDEX not in names_in(inner.channels) else None
        stream.channels = self.folding.channels(stream, [known, growth])
        shapes = {own[-1].output for own in self.rounds}
        shape = shapes.pop() if len(shapes) == 1 and steps[0].input not in shapes else None
        prefix = self.prefix and _split(steps[0])[0]
        return Loop(prefix, offset, INDEX, first, module, self.count, shape=shape)

    def offset(self, steps: Sequence[Step], indexes: Sequence[int]) -> int:
        """Return what the numbers in the names are beyond the round's; raises Unfoldable."""
        if not steps:
            raise Unfoldable
        offsets = {_split(step)[1] - index for step, index in zip(steps, indexes, strict=True)}
        if len(offsets) != 1:
            raise Unfoldable
        return offsets.pop()

    def counted(self, stream: Stream) -> Formula:
        """Return how many rounds there are."""
        repeat = self.item.repeat
        called = "repeats"
        if isinstance(repeat, Expression) and isinstance(repeat.tree, ast.Subscript):
            called = singular(ast.unparse(repeat.tree.value).partition("[")[0])
        hints = self.folding.hints(repeat, self.counts, stream)
        return self.frame.explained(self.counts, stream.instances, hints, called)

    def names(self, index: Formula) -> dict[str, Formula]:
        """Return the formulas of the names that the spec knows in a round."""
        return {} if asks_index(self.item) else {"index": index, "count": self.count}

    def growth(self, entered: list[int], first: int, stream: Stream) -> Formula | None:
        """Return the channels after rounds that each add as many; None where they do not."""
        grown = {
            (shape[0] - channels) / (n - first)
            for shape, channels, n in zip(stream.shapes, entered, self.counts, strict=True)
            if n > first
        }
        if len(grown) != 1 or stream.channels is None or first:
            return None
        step = grown.pop()
        if step != int(step):
            return None
        return binary(stream.channels, ast.Add(), binary(constant(int(step)), ast.Mult(), self.count))


def _repeats(item: Item) -> bool:
    """Tell whether something within a composition is repeated, too, for which it has no class."""
    if is_unit(item):
        return False
    inner = (one for items in item.parts.values() for one in items)
    return any(one.repeat is not None or _repeats(one) for one in inner)


def _split(step: Step) -> tuple[str, int]:
    """Return the name of a repetition without its number, and the number."""
    found = number_in(step.name)
    assert found  # all of them have one
    return found
