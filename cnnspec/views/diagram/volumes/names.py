"""What stands above volumes: their shapes, and what they are of the network."""

from collections.abc import Iterator
from dataclasses import dataclass

from cnnspec.shape import times
from cnnspec.views.diagram.volumes.model import Volume
from cnnspec.views.diagram.volumes.windows import Spot
from cnnspec.views.drawing.letters import text_width
from cnnspec.views.drawing.scene import Line, Text

SIZE, LINE = 11.5, 14
"""Of a name: its font, and the height of a line."""
ABOVE, BELOW = 7, 4
"""Pixels from a volume up to its name's baseline, and from there down to where lines may be."""


@dataclass(slots=True)
class Name:
    """What stands above a volume: its shape, and above that what it is of the network; lifted by so much."""

    volume: Volume
    spot: Spot
    lift: float = 0

    @property
    def middle(self) -> float:
        """Where its middle is, which is the volume's."""
        box, x, _ = self.spot
        return x + box.width / 2

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.middle - name_width(self.volume) / 2

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.middle + name_width(self.volume) / 2

    @property
    def above(self) -> float:
        """How far it reaches above the axis."""
        return ABOVE + self.lift - self.spot[2] + LINE * (2 if self.volume.note else 1)

    def rise_over(self, line: Line) -> None:
        """Lift it above a straight line that leads from one volume to the next."""
        (x0, y0), (x1, y1) = sorted(line.points)
        left, right = max(self.left, x0), min(self.right, x1)
        if left < right:
            top = y0 + (y1 - y0) * ((left if y0 < y1 else right) - x0) / (x1 - x0)
            self.lift = max(self.lift, self.spot[2] - ABOVE + BELOW - top)

    def texts(self) -> Iterator[Text]:
        """Yield its lines."""
        y = self.spot[2] - ABOVE - self.lift
        yield Text(self.middle, y, times(self.volume.shape), size=SIZE, anchor="middle")
        if self.volume.note:
            yield Text(self.middle, y - LINE, self.volume.note, "faint", SIZE, "middle")


def name_width(volume: Volume) -> float:
    """Return how wide a volume's name is at most."""
    return max(text_width(times(volume.shape), SIZE), text_width(volume.note, SIZE))
