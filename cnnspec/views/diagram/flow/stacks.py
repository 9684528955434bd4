"""Boxes that follow each other, on stacks as far as they belong together."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cnnspec.shape import Shape
from cnnspec.views.diagram.flow.graph import Cell, Piece, Row, Stack, Unit

TALLEST = 8
"""Cells of a stack."""
LONGEST = 120
"""Units of a row that are shown; of more, those in the middle are left out."""


def stacked(x: Shape, pieces: Iterable[Piece]) -> Row:
    """Return pieces as a row of units.

    Layers that leave the shape as it is stand below the layer before them, or above the one after
    them where there is none.
    """
    stacks = _Stacks()
    for piece in pieces:
        stacks.add(piece)
    stacks.end()
    return Row(x, _without_middle(stacks.units))


@dataclass(slots=True)
class _Stacks:
    """The units so far, and the cells of the stack that may still grow."""

    units: list[Unit] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)

    def add(self, piece: Piece) -> None:
        """Add a piece; a stack that has a main layer begins a new one."""
        match piece:
            case Stack(cells) if not all(cell.minor for cell in cells):
                self.end()
                self.cells += cells
            case Stack(cells):
                for cell in cells:
                    self.add(cell)
            case Cell():
                if not self.takes(piece):
                    self.end()
                self.cells.append(piece)
            case _:
                self.end()
                self.units.append(piece)

    def takes(self, cell: Cell) -> bool:
        """Tell whether a cell belongs to the stack."""
        if len(self.cells) == TALLEST or cell.closed or any(one.closed for one in self.cells):
            return False
        begins = all(one.minor for one in self.cells) and any(step.macs for step in cell.steps)
        return cell.minor or begins

    def end(self) -> None:
        """Let the stack be as it is."""
        if self.cells:
            self.units.append(Stack(tuple(self.cells), self.cells[-1].steps[-1].output))
            self.cells.clear()


def _without_middle(units: list[Unit]) -> tuple[Unit, ...]:
    """Return units without those in the middle where there are too many."""
    if len(units) <= LONGEST:
        return tuple(units)
    hidden = units[LONGEST // 2 : -LONGEST // 2 + 1]
    more = Stack((Cell((), f"{len(hidden):,} more"),), hidden[-1].output)
    return (*units[: LONGEST // 2], more, *units[-LONGEST // 2 + 1 :])
