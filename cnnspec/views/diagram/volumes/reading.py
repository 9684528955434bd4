"""From a network's outline to the row of its volumes.

Layers that leave the shape as it is are told with the operation before them. Blocks that merge
several ways inside are one operation, and so are their repetitions. Merges of the network's own list
stay visible: their parts are rows of their own.
"""

from collections import deque
from dataclasses import replace

from cnnspec.plan import Plan, Step
from cnnspec.views.diagram.volumes.folding import folded
from cnnspec.views.diagram.volumes.labels import window_label
from cnnspec.views.diagram.volumes.model import MERGE, Fork, Operation, Row, Volume, closed_merge
from cnnspec.views.outline import Line, is_composition, is_repetition, outline

MOST_PARTS = 4
"""Parts of a merge that are rows of their own; a merge of more is one operation."""


def read(plan: Plan, depth: int | None = None) -> Row:
    """Return the network's row, which begins with the input; it is opened as the outline is."""
    builder = _Builder(plain=depth is None)
    builder.row.append(Volume(plan.input_shape))
    builder.add(deque(outline(plan, depth, plain=True)))
    first, *rest = folded(builder.finished())
    assert isinstance(first, Volume)
    data = plan.spec.data.known() if plan.spec.data_given else None
    shown: list[Volume | Fork] = [replace(first, note=f"input: {data.name}" if data else "input"), *rest]
    if rest:
        classes = len(data.classes) if data else 0
        shown[-1] = rest[-1].noted(
            f"output: {classes} classes" if plan.output_shape == (classes,) else "output"
        )
    return tuple(shown)


class _Builder:
    """Makes a row of the outline's lines; `waiting` is what comes before its first volume.

    With `plain`, groups that merge nothing are opened, too.
    """

    def __init__(self, *, plain: bool) -> None:
        self.plain = plain
        self.row: list[Volume | Fork] = []
        self.waiting: list[Operation] = []

    def add(self, lines: deque[Line]) -> None:
        """Add lines, and what is below them."""
        while lines:
            line = lines.popleft()
            if not line.heading:
                self.line(line)
                continue
            below: deque[Line] = deque()
            while lines and lines[0].indent > line.indent:
                below.append(lines.popleft())
            self.merge(line.last, below)

    def line(self, line: Line) -> None:
        """Add a line that stands for a step, or for repetitions of one."""
        leaves = [leaf for step in line.steps for leaf in step.leaves()]
        merges = any(map(_has_merge, line.steps))
        if (self.plain or line.last.layer) and not merges:
            for leaf in leaves:
                self.operation(_layer(leaf))
        elif leaves or merges:
            self.operation(_block(line))

    def operation(self, operation: Operation) -> None:
        """Add an operation: to the volume before it, if it leaves the shape, or with one of its own."""
        if not all(map(_leaves_shape, operation.steps)):
            self.row.append(Volume(operation.steps[-1].output, (*self.waiting, operation), operation))
            self.waiting = []
        elif self.row:
            self.row[-1] = self.row[-1].followed(operation)
        else:
            self.waiting.append(operation)

    def merge(self, step: Step, lines: deque[Line]) -> None:
        """Add a composition; `lines` are those of its parts."""
        if len(step.children) == 1:
            self.add(lines)
            return
        parts = [self.part(part, lines) for part in step.children]
        if not 0 < sum(map(bool, parts)) <= MOST_PARTS:
            self.operation(closed_merge(step, len(parts)))
            return
        self.flush()
        self.row.append(_fork(step, parts))

    def part(self, part: Step, lines: deque[Line]) -> Row:
        """Return a part's row, made of the first of the lines, which are taken away."""
        own: deque[Line] = deque()
        while lines and f"{lines[0].steps[0].path}.".startswith(f"{part.path}."):
            own.append(lines.popleft())
        builder = _Builder(plain=self.plain)
        builder.add(own)
        return builder.finished()

    def flush(self) -> None:
        """Give what waits a volume of its own."""
        if self.waiting:
            last = self.waiting[-1]
            self.row.append(Volume(last.steps[-1].output, tuple(self.waiting), last))
            self.waiting = []

    def finished(self) -> Row:
        """Return the row."""
        self.flush()
        return tuple(self.row)


def _fork(step: Step, parts: list[Row]) -> Fork:
    """Return a fork; the last operation of an only part goes together with the merge."""
    sign = Operation(step.type, MERGE, (step,))
    fork = Fork(step, tuple(parts), Volume(step.output, (sign,), sign))
    last = fork.inner[-1] if fork.inner and len(fork.inner) > 1 else None
    if not isinstance(last, Volume):
        return fork
    merged = Volume(step.output, (*last.operations, sign), last.maker)
    if step.type == "concat":
        bands = ((last.shape[0], last.role) if part else (step.input[0], "input") for part in parts)
        merged = replace(merged, bands=tuple(bands))
    return Fork(step, tuple(part[:-1] for part in parts), merged)


def _has_merge(step: Step) -> bool:
    return is_composition(step) or any(map(_has_merge, step.children))


def _leaves_shape(step: Step) -> bool:
    """Tell whether a step is one of the small ones, which are told with the volume before them."""
    if step.layer:
        return step.input == step.output and step.layer.family != "convolution" and step.type != "fc"
    return step.input == step.output and all(map(_leaves_shape, step.children))


def _layer(leaf: Step) -> Operation:
    assert leaf.layer
    return Operation(window_label(leaf), leaf.layer.family, (leaf,))


def _block(line: Line) -> Operation:
    """Return the operation of a line that is not opened: a block, or its repetitions."""
    steps = line.steps
    if len(steps) == 1 and is_repetition(line.last):
        steps = line.last.children
    first = steps[0]
    return Operation(first.name if first.type == "sequence" else first.type, MERGE, steps)
