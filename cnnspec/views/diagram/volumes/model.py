"""What is drawn of a network as volumes: feature maps, and the operations that make them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cnnspec.layers import Layer
from cnnspec.plan import Step
from cnnspec.shape import Shape
from cnnspec.views.drawing.palette import role_of

MERGE = "composition"
"""The family of merges, and of blocks."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a label tells: a layer or a block; `steps` are its repetitions.

    They are none where they stand for all that is left out, which is of no family.
    """

    label: str
    family: str
    steps: tuple[Step, ...]
    repeats: bool = True

    @property
    def role(self) -> str:
        """The role of its colour."""
        return role_of(self.family) if self.family else "block"

    @property
    def layer(self) -> Layer | None:
        """The layer, where it is one."""
        return self.steps[0].layer


@dataclass(frozen=True, slots=True)
class Volume:
    """A feature map with the operations that make it, of which `maker` gives it its shape.

    They happen `times` times, one after the other. The input has no maker. `note` tells
    what it is of the network. `bands` are the channels that come from each part of a
    concatenation, with their colours, where these are told.
    """

    shape: Shape
    operations: tuple[Operation, ...] = ()
    maker: Operation | None = None
    times: int = 1
    note: str = ""
    bands: tuple[tuple[int, str], ...] = ()

    @property
    def role(self) -> str:
        """The role of its colour."""
        return self.maker.role if self.maker else "input"

    def followed(self, operation: Operation) -> "Volume":
        """Return the volume after one more operation, which leaves the shape."""
        return replace(self, operations=(*self.operations, operation))

    def noted(self, note: str) -> "Volume":
        """Return the volume with a note."""
        return replace(self, note=note)


@dataclass(frozen=True, slots=True)
class Fork:
    """A merge and its parts, each a row; one without elements is the input itself.

    Where just one part has elements, its last operation makes the volume `merged`, together with the merge.
    """

    step: Step
    parts: tuple["Row", ...]
    merged: Volume

    @property
    def inner(self) -> "Row | None":
        """The part that goes past the input, where there is just one."""
        parts = [part for part in self.parts if part]
        return parts[0] if len(parts) == 1 and len(self.parts) > 1 else None

    def followed(self, operation: Operation) -> "Fork":
        """Return the fork with one more operation after the merge."""
        return replace(self, merged=self.merged.followed(operation))

    def noted(self, note: str) -> "Fork":
        """Return the fork with a note at what comes out."""
        return replace(self, merged=self.merged.noted(note))

    def closed(self) -> Volume:
        """Return the merge as one operation, whose parts are not drawn."""
        whole = closed_merge(self.step, len(self.parts))
        place = next(i for i, one in enumerate(self.merged.operations) if one.steps == (self.step,))
        return Volume(self.merged.shape, (whole, *self.merged.operations[place + 1 :]), whole)


Row = tuple[Volume | Fork, ...]


def count(row: Row) -> int:
    """Return the number of volumes in a row, those of its forks, too."""
    return sum(1 for _ in volumes_of(row))


def volumes_of(row: Row) -> Iterator[Volume]:
    """Yield the volumes in a row, those of its forks, too."""
    for element in row:
        if isinstance(element, Fork):
            for part in element.parts:
                yield from volumes_of(part)
            yield element.merged
        else:
            yield element


def closed_merge(step: Step, parts: int) -> Operation:
    """Return a merge of so many parts, none of which is drawn."""
    label = f"{step.type} of {parts}" if parts > 2 else step.type
    return Operation(label, MERGE, (step,))
