"""The flow graph of a network: boxes in rows, branches beside each other, frames, and panels.

A `Row` is what a list of layers becomes, top to bottom. A layer is a `Cell` in a `Stack`: layers
that leave the shape as it is stand directly below the one before them. A composition is a `Fork`
whose branches are rows and meet in its sign. A block is a cell, too, and a `Panel` shows once what
is in it; one that is no more than a stack is shown as that wherever it is used.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from cnnspec.plan import Step
from cnnspec.shape import Shape

SIGNS = {"residual": "+", "add": "+", "multiply": "×"}
"""What stands where branches meet; otherwise it is the composition's name."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A box: a layer, or a block that is not opened; `steps` are its repetitions.

    A `minor` layer leaves the shape as it is. A cell without steps stands for `text`.
    """

    steps: tuple[Step, ...]
    text: str
    detail: str = ""
    role: str = "block"
    minor: bool = False

    @property
    def closed(self) -> bool:
        """Whether there is more inside."""
        return any(step.children for step in self.steps)


@dataclass(frozen=True, slots=True)
class Stack:
    """Cells directly below each other."""

    cells: tuple[Cell, ...]
    output: Shape


@dataclass(frozen=True, slots=True)
class Frame:
    """A named row, or one that stands for `count` of its kind."""

    title: str
    row: "Row"
    steps: tuple[Step, ...]

    @property
    def output(self) -> Shape:
        """The shape that leaves it, after its last repetition."""
        return self.steps[-1].output


@dataclass(frozen=True, slots=True)
class Branch:
    """A way from a fork to where its branches meet; a `count` stands for that many alike."""

    name: str
    row: "Row"
    count: int = 1


@dataclass(frozen=True, slots=True)
class Fork:
    """Branches beside each other, and how they meet."""

    step: Step
    branches: tuple[Branch, ...]

    @property
    def output(self) -> Shape:
        """The shape after the branches have met."""
        return self.step.output

    @property
    def sign(self) -> str:
        """What stands where they meet."""
        return SIGNS.get(self.step.type, self.step.type)


Piece = Cell | Stack | Frame | Fork
Unit = Stack | Frame | Fork


@dataclass(frozen=True, slots=True)
class Row:
    """Units from top to bottom; without any it is the input itself."""

    input: Shape
    units: tuple[Unit, ...] = ()

    @property
    def output(self) -> Shape:
        """The shape that leaves the row."""
        return self.units[-1].output if self.units else self.input

    def cells(self) -> Iterator[Cell]:
        """Yield all boxes, those within frames and branches, too."""
        for unit in self.units:
            match unit:
                case Stack(cells):
                    yield from cells
                case Frame(row=row):
                    yield from row.cells()
                case Fork(branches=branches):
                    for branch in branches:
                        yield from branch.row.cells()

    def forks(self) -> Iterator[Fork]:
        """Yield all forks, those within frames and branches, too."""
        for unit in self.units:
            match unit:
                case Frame(row=row):
                    yield from row.forks()
                case Fork(branches=branches):
                    yield unit
                    for branch in branches:
                        yield from branch.row.forks()


@dataclass(frozen=True, slots=True)
class Panel:
    """The inside of a block, as one of its uses has it; `others` are alike but for their numbers.

    `left_out` counts forms of the block that have no panel.
    """

    title: str
    detail: str
    row: Row
    step: Step
    others: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Graph:
    """A network's own row, and a panel for each block in it that is a box there or in a panel."""

    row: Row
    panels: tuple[Panel, ...] = ()


def form(row: Row, *, numbers: bool = False) -> Hashable:
    """Return what rows have in common that look alike; with `numbers`, they also read alike."""
    return tuple(_form(unit, numbers) for unit in row.units)


def _form(unit: Unit, numbers: bool) -> Hashable:  # as form
    match unit:
        case Stack(cells):
            return tuple((cell.text, cell.detail) if numbers else _kind(cell) for cell in cells)
        case Frame(title, row):
            return title if numbers else "", form(row, numbers=numbers)
        case Fork(branches=branches):
            return unit.sign, tuple(form(branch.row, numbers=numbers) for branch in branches)


def _kind(cell: Cell) -> str:
    """Return what a cell is: minor layers of a family are alike."""
    if cell.minor or not cell.steps:
        return cell.role
    return cell.steps[0].type
