"""From the flow graph to measured units: how wide boxes are, and which branch stays in line."""

from cnnspec.shape import times
from cnnspec.views.diagram.flow.boxes import box, natural_width
from cnnspec.views.diagram.flow.forks import Arm, ForkBox, side_by_side
from cnnspec.views.diagram.flow.graph import Fork, Frame, Row, Stack, Unit
from cnnspec.views.diagram.flow.layout import LABEL, FrameBox, Measured, RowBox, StackBox, title_room
from cnnspec.views.diagram.labels import merge_hover
from cnnspec.views.drawing.letters import shortened

WIDEST_NAME = 140
"""Width of a branch's name at most."""


def measure_row(row: Row, width: float | None = None) -> RowBox:
    """Return a row, measured; its boxes are as wide as the widest, or as is given."""
    width = width or widest(row)
    room = max((title_room(unit.title) for unit in row.units if isinstance(unit, Frame)), default=0)
    units = tuple(measure(unit, width, room) for unit in row.units)
    return RowBox(units, tuple(times(unit.output) for unit in row.units))


def widest(row: Row) -> float:
    """Return the width of the widest box on a row's spine."""
    widths = [0.0]
    for unit in row.units:
        match unit:
            case Stack(cells):
                widths += map(natural_width, cells)
            case Frame(row=within):
                widths.append(widest(within))
            case Fork(branches=branches):
                main = main_branch(unit)
                widths += [] if main is None else [widest(branches[main].row)]
    return max(widths)


def measure(unit: Unit, width: float, room: float) -> Measured:
    """Return a unit, measured, whose boxes on the spine are so wide, with that room for frames' titles."""
    match unit:
        case Stack(cells):
            return StackBox(tuple(box(cell, width) for cell in cells), width)
        case Frame(title, row):
            return FrameBox(title, measure_row(row, width), room)
        case Fork():
            return measure_fork(unit, width)


def main_branch(fork: Fork) -> int | None:
    """Return the number of the branch that stays on the spine: a residual's layers, or the only one with any.

    None is for branches that stand about it.
    """
    filled = [number for number, branch in enumerate(fork.branches) if branch.row.units]
    alone = len(filled) == 1 or (fork.step.type == "residual" and bool(filled))
    return filled[0] if alone else None


def measure_fork(fork: Fork, width: float) -> ForkBox:
    """Return a fork, measured: around its main branch, or with its branches about the spine."""
    main = main_branch(fork)
    arms = []
    for number, branch in enumerate(fork.branches):
        own = measure_row(branch.row, width if number == main else None) if branch.row.units else None
        name = f"{branch.name} ×{branch.count}" if branch.count > 1 else branch.name
        arms.append(Arm(0, own, shortened(name, LABEL, WIDEST_NAME), times(branch.row.output)))
    if main is not None:
        arms.insert(0, arms.pop(main))
    return ForkBox(side_by_side(arms, about_first=main is not None), fork.sign, merge_hover(fork))
