"""Plan to flow graph: what is one box, what is opened in its place, and what repeats.

Without a depth, the network's own list is shown as in its outline, each block as a box and once
as a panel. With a depth, so many levels are opened in their places, and there are no panels.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import groupby

from cnnspec.language.blocks import Block
from cnnspec.layers import REGISTRY
from cnnspec.plan import Plan, Step
from cnnspec.views.diagram.flow.graph import Branch, Cell, Fork, Frame, Graph, Piece, Row, Stack, form
from cnnspec.views.diagram.flow.panels import panels
from cnnspec.views.diagram.flow.stacks import stacked
from cnnspec.views.diagram.labels import arguments, given_name, is_block, layer_label, named, repeated
from cnnspec.views.drawing.palette import role_of
from cnnspec.views.outline import are_stages, is_composition, is_repetition, kind_of, opens

WIDEST = 24
"""Branches of a fork that are shown; of more, those in the middle are left out."""

MAJOR = ("convolution", "pooling", "dense")
"""Families of layers that do more than to adjust values."""


def build(plan: Plan, depth: int | None = None) -> Graph:
    """Return the flow graph of a network, opened `depth` levels."""
    if depth:
        opened = _Opened(depth, plan.spec.blocks)
        return Graph(stacked(plan.input_shape, opened.pieces(plan.steps, 1)))
    closed = _Closed(plan)
    row = stacked(plan.input_shape, closed.pieces(plan.steps))
    return Graph(row, tuple(panels(row, closed.inside, closed.blocks)))


class _Opened:
    """Opens so many levels in their places; levels count from 1 as in the outline."""

    def __init__(self, depth: int, blocks: Mapping[str, Block]) -> None:
        self.depth, self.blocks = depth, blocks

    def pieces(self, steps: tuple[Step, ...], level: int) -> Iterator[Piece]:
        """Yield the boxes, frames and forks of steps in a row."""
        for step in steps:
            yield from self.piece(step, level)

    def piece(self, step: Step, level: int) -> Iterator[Piece]:
        """Yield what becomes of one step."""
        if step.layer:
            yield layer_cell((step,), given_name(step))
        elif step.children and not opens(step, level, self.depth):
            name = given_name(step)
            if is_block(step):
                yield block_cell((step,), name, arguments((step,), self.blocks))
            else:
                group = step.type == "sequence"
                yield Cell((step,), name if name and group else named(name, step.type), kind_of(step) * group)
        elif step.composite:
            yield fork(step, [self.part(part, level + 1) for part in step.children])
        elif step.children:
            alone = is_composition(step.children[0]) and len(step.children) == 1
            within = self.pieces(step.children, level if alone else level + 1)  # as the outline counts
            title = named(given_name(step), step.type) if is_block(step) else given_name(step)
            if title and not is_composition(step) and not is_repetition(step):
                yield Frame(title, stacked(step.input, within), (step,))
            else:
                yield from within

    def part(self, part: Step, level: int) -> Row:
        """Return a part of a composition; one that is not opened is a single box."""
        if part.children and not opens(part, level, self.depth):
            return Row(part.input, (Stack((Cell((part,), kind_of(part) or part.name),), part.output),))
        return stacked(part.input, self.pieces(part.children, level + 1))


class _Closed:
    """Shows what the network's own list says, blocks closed and repetitions as one."""

    def __init__(self, plan: Plan) -> None:
        self.blocks = plan.spec.blocks
        self.known: dict[int, Row] = {}

    def inside(self, step: Step) -> Row:
        """Return what is in a block, a group or a composition."""
        if id(step) not in self.known:
            pieces = [self.fork(step)] if step.composite else self.pieces(_own_list(step))
            self.known[id(step)] = stacked(step.input, pieces)
        return self.known[id(step)]

    def pieces(self, steps: tuple[Step, ...]) -> Iterator[Piece]:
        """Yield the boxes, frames and forks of steps in a row."""
        for _, repetitions in groupby(steps, key=lambda step: step.place):
            yield from self.run(tuple(repetitions))

    def run(self, run: tuple[Step, ...], name: str = "") -> Iterator[Piece]:
        """Yield what repetitions of an item become; `name` is that of all of them together."""
        stages = are_stages(run)
        for _, same in groupby(run, key=lambda step: len(run) > 1 and self.key(step, stages=stages)):
            alike = tuple(same)
            called = name if len(alike) == len(run) and name else given_name(alike[0])
            if 1 < len(alike) < len(run) and called:
                called = f"{called} … {alike[-1].name}"
            yield from self.one(alike, called)

    def key(self, step: Step, *, stages: bool) -> Hashable:
        """Return what repetitions must have in common to be shown as one."""
        if step.layer:
            return layer_label(step), step.output
        if is_block(step) and not self.is_simple(step):
            return (repr(step.arguments), step.input, step.output) if stages else None
        return form(self.inside(step), numbers=True), step.output

    def one(self, alike: tuple[Step, ...], name: str) -> Iterator[Piece]:
        """Yield what steps that are alike become."""
        first, count = alike[0], len(alike)
        if first.layer:
            yield layer_cell(alike, name)
        elif not any(step.children for step in alike):
            return
        elif count > 1 and all(_only_block(self.inside(step)) for step in alike):
            steps = tuple(
                call for step in alike for cell in _only_block(self.inside(step)) for call in cell.steps
            )
            yield block_cell(steps, name, arguments(steps, self.blocks))
        elif count > 1 and (not is_block(first) or self.is_simple(first)):
            title = name if name and first.type == "sequence" else named(name, first.type)
            yield Frame(repeated(title, count), self.inside(first), alike)
        elif first.composite:
            yield self.fork(first)
        elif self.is_simple(first):
            yield self.simple(first, name)
        elif is_composition(first):
            yield from self.pieces(_own_list(first))
        elif count == 1 and (not is_block(first) or _wraps(first)):
            yield from self.group(first, name)
        else:
            yield block_cell(alike, name, arguments(alike, self.blocks))

    def group(self, step: Step, name: str) -> Iterator[Piece]:
        """Yield a group that is opened in its place, in a frame where it has a name and several parts."""
        one_item = len({child.place for child in step.children}) == 1
        within = list(self.run(step.children, name) if one_item else self.pieces(step.children))
        stages = is_repetition(step) and are_stages(step.children)
        if len(within) > 1 and name and not stages:
            yield Frame(name, stacked(step.input, within), (step,))
        else:
            yield from within

    def is_simple(self, step: Step) -> bool:
        """Tell whether a block or group is no more than a stack of layers."""
        match self.inside(step).units:
            case (Stack(cells),):
                return not any(cell.closed for cell in cells)
        return False

    def simple(self, step: Step, name: str) -> Stack:
        """Return a block or group that is no more than a stack; its name is that of its main layer."""
        (stack,) = self.inside(step).units
        assert isinstance(stack, Stack)
        main = next((cell for cell in stack.cells if not cell.minor), stack.cells[0])
        cells = (layer_cell(c.steps, name) if c is main and name else c for c in stack.cells)
        return Stack(tuple(cells), stack.output)

    def fork(self, step: Step) -> Fork:
        """Return a composition of branches, those beside each other that are alike as one."""
        whole = fork(step, [self.inside(part) for part in step.children])
        joined: list[Branch] = []
        for branch in whole.branches:
            both = self.both(joined[-1], branch) if joined else None
            joined = [*joined[:-1], both] if both else [*joined, branch]
        return Fork(step, shortened_branches(joined))

    def both(self, one: Branch, other: Branch) -> Branch | None:
        """Return two branches as one, if they are alike or call the same block; None if not."""
        if not one.row.units or one.row.output != other.row.output:
            return None
        calls = [cell for branch in (one, other) for cell in _only_block(branch.row)]
        if len(calls) == 2 and calls[0].steps[0].type == calls[1].steps[0].type:
            steps = calls[0].steps + calls[1].steps
            if _differing(steps) <= 1:
                cell = block_cell(steps, "", arguments(steps, self.blocks))
                return Branch("", Row(one.row.input, (Stack((cell,), one.row.output),)))
        elif form(one.row, numbers=True) == form(other.row, numbers=True):
            return Branch("", one.row, one.count + other.count)
        return None


def layer_cell(alike: tuple[Step, ...], name: str) -> Cell:
    """Return a layer's box."""
    first = alike[0]
    assert first.layer
    minor = first.output == first.input and first.layer.family not in MAJOR
    text = named(name, repeated(layer_label(first), len(alike)))
    return Cell(alike, text, role=role_of(first.layer.family), minor=minor)


def block_cell(alike: tuple[Step, ...], name: str, detail: str) -> Cell:
    """Return the box of a block that is not opened."""
    label = named(name, alike[0].type)
    return Cell(alike, repeated(label, len(alike)), detail)


def fork(step: Step, rows: list[Row]) -> Fork:
    """Return a composition of branches that are told by their names."""
    unnamed = step.type == "residual"
    names = ["" if unnamed or part.name.isdecimal() else part.name for part in step.children]
    return Fork(step, shortened_branches([Branch(*pair) for pair in zip(names, rows, strict=True)]))


def shortened_branches(branches: list[Branch]) -> tuple[Branch, ...]:
    """Return branches without those in the middle where there are too many."""
    if len(branches) <= WIDEST:
        return tuple(branches)
    hidden = branches[WIDEST // 2 : -WIDEST // 2 + 1]
    count = sum(branch.count for branch in hidden)
    cell = Cell((), f"{count:,} more")
    row = Row(hidden[0].row.input, (Stack((cell,), hidden[0].row.output),))
    return (*branches[: WIDEST // 2], Branch("", row), *branches[-WIDEST // 2 + 1 :])


def _own_list(step: Step) -> tuple[Step, ...]:
    """Return what stands in a group, or in the only part that is there of a composition."""
    return step.children[0].children if is_composition(step) else step.children


def _wraps(step: Step) -> bool:
    """Tell whether a block only calls another one, perhaps several times."""
    places = {child.place for child in step.children}
    return len(places) == 1 and not step.children[0].layer and step.children[0].type not in REGISTRY


def _only_block(row: Row) -> Iterable[Cell]:
    """Return the closed block that is all of a row, if it is."""
    match row.units:
        case (Stack((cell,)),) if cell.closed:
            return (cell,)
    return ()


def _differing(steps: tuple[Step, ...]) -> int:
    """Return how many arguments of calls of a block differ."""
    return sum(len({repr(step.arguments[name]) for step in steps}) > 1 for name in steps[0].arguments)
