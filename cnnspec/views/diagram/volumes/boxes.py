"""A feature map as a figure shows it: a box of its height, width and channels in oblique projection.

Sizes grow with the square root of height, width and channels, and those of vectors with the logarithm
of their length, so that 224 and 7, or 3 and 2048, are legible in one picture. The scales are those of
the whole network: what is larger is never drawn smaller, and a square is drawn as a square.

Few channels are a stack of sheets, more of them a solid box. A map with one axis is a flat sheet,
its length from top to bottom and its channels from left to right; one with three axes is a row of cubes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cnnspec.shape import Shape
from cnnspec.views.drawing.scene import Point, Polygon, Rect
from cnnspec.views.drawing.scene import Shape as Drawn

BACK = (0.78, -0.52)
"""Where a pixel of depth goes to: to the right and up."""
FACE, LARGEST_VALUE, SMALLEST_FACE = 118, 20, 8
"""Pixels of the largest height or width of a network, of a single value at most, and of the smallest."""
DEPTH, LARGEST_SHEET, FIRST_SHEETS = 96, 17, 7
"""Pixels of the most channels, of a single one at most, and those that few channels are apart at least."""
SPACED = 3.4
"""Pixels of depth that sheets must be apart to be drawn as such."""
COLUMNS, NARROWEST = 64, 10
"""Width of a sheet with the most channels, and with the fewest, where maps have one axis."""
BAR, BAR_WIDTH, BAR_BIT = 124, 12, 13
"""Pixels of the longest vector, of all vectors' width, and of doubling one's length at most."""
CELL, CELLS = 5, 10
"""Pixels of a value of a vector that is drawn value by value, and how many such values one may have."""
CUBE = 0.34
"""How deep a cube's depth goes back, over its size."""
BETWEEN_CUBES = 9


Bands = tuple[tuple[int, str], ...]
"""Numbers of channels with their colours, front to back."""


@dataclass(frozen=True, slots=True)
class Box:
    """A drawn volume, from its upper left corner; `face` is the front as x, y, width and height.

    `back` is how far its depth goes to the right and up.
    """

    width: float
    height: float
    face: tuple[float, float, float, float]
    shapes: tuple[Drawn, ...]

    @property
    def back(self) -> Point:
        """How far the depth goes to the right, and up."""
        _, _, width, height = self.face
        return self.width - width, self.height - height

    def left_at(self, y: float) -> float:
        """Return where the outline begins at a height."""
        dx, dy = self.back
        return dx * (1 - y / dy) if y < dy else 0

    def right_at(self, y: float) -> float:
        """Return where the outline ends at a height."""
        dx, dy = self.back
        low = y - self.face[3]
        return self.width - (dx * low / dy if low > 0 and dy else 0)

    def on_face(self, x: float, y: float) -> Point:
        """Return a place on the front, by its shares of width and height."""
        left, top, width, height = self.face
        return left + x * width, top + y * height


class Scale:
    """How large the volumes of a network are drawn: as large as usual, or that times `share`."""

    def __init__(self, shapes: Sequence[Shape], share: float = 1) -> None:
        maps = [shape for shape in shapes if len(shape) > 1]
        sizes = max((max(shape[1:]) for shape in maps), default=1)
        channels = max((shape[0] for shape in maps), default=1)
        longest = max((shape[0] for shape in shapes if len(shape) == 1), default=1)
        self.size = share * min(FACE / math.sqrt(sizes), LARGEST_VALUE)
        self.channel = share * min(DEPTH / math.sqrt(channels), LARGEST_SHEET)
        self.column = share * min(COLUMNS / math.sqrt(channels), NARROWEST)
        self.bit = share * min(BAR / math.log2(1 + longest), BAR_BIT)

    def face(self, n: int) -> float:
        """Return the height or width of n values, in pixels."""
        return max(self.size * math.sqrt(n), SMALLEST_FACE)

    def depth(self, channels: int) -> float:
        """Return how deep so many channels are: 0 for a single one."""
        if channels == 1:
            return 0
        return max(self.channel * math.sqrt(channels), FIRST_SHEETS * min(channels - 1, 3))

    def box(self, shape: Shape, role: str, bands: Bands = ()) -> Box:
        """Return a volume of that shape and colour; its channels may have `bands` of other ones."""
        match shape:
            case (length,):
                return self._bar(length, role)
            case (channels, length):
                return self._sheet(channels, length, role)
            case (channels, height, width):
                return self._stack(bands or ((channels, role),), self.face(width), self.face(height))
            case (channels, depth, height, width):
                return self._cubes(
                    channels, self.face(depth) * CUBE, self.face(width), self.face(height), role
                )
        raise AssertionError(shape)  # there are no maps of more axes

    def _bar(self, length: int, role: str) -> Box:
        """Return a vector: a thin bar, or its values below each other where there are few."""
        height = max(self.bit * math.log2(1 + length), CELL * min(length, CELLS), SMALLEST_FACE)
        count = length if length <= CELLS else 1
        cells = (Rect(0, height * i / count, BAR_WIDTH, height / count, role) for i in range(count))
        return Box(BAR_WIDTH, height, (0, 0, BAR_WIDTH, height), tuple(cells))

    def _sheet(self, channels: int, length: int, role: str) -> Box:
        width, height = max(self.column * math.sqrt(channels), NARROWEST), self.face(length)
        count = channels if width / channels >= SPACED else 1
        columns = (Rect(width * i / count, 0, width / count, height, role) for i in range(count))
        return Box(width, height, (0, 0, width, height), tuple(columns))

    def _stack(self, bands: Bands, width: float, height: float) -> Box:
        """Return a box, or a sheet for each channel."""
        channels = sum(count for count, _ in bands)
        depth = self.depth(channels)
        dx, dy = depth * BACK[0], -depth * BACK[1]
        shapes: list[Drawn] = []
        if channels == 1 or depth / (channels - 1) >= SPACED:
            roles = [role for count, role in bands for _ in range(count)]
            for i, role in reversed(list(enumerate(roles))):
                back = i / max(channels - 1, 1)
                shapes.append(Rect(dx * back, dy * (1 - back), width, height, role))
        else:
            end = 1.0
            for count, role in reversed(bands):
                share = count / channels
                end -= share
                front = Rect(dx * end, dy * (1 - end), width, height, role)
                shapes += _solid(front, (dx * share, dy * share))
        return Box(width + dx, height + dy, (0, dy, width, height), tuple(shapes))

    def _cubes(self, channels: int, depth: float, width: float, height: float, role: str) -> Box:
        """Return a row of cubes that go back; more channels are more cubes, but not as many."""
        count = 1 if channels == 1 else min(channels, 1 + math.ceil(math.log2(channels) / 2))
        whole = count * depth + (count - 1) * BETWEEN_CUBES
        dx, dy = whole * BACK[0], -whole * BACK[1]
        back = depth * BACK[0], -depth * BACK[1]
        shapes: list[Drawn] = []
        for i in reversed(range(count)):
            far = i * (depth + BETWEEN_CUBES)
            front = Rect(far * BACK[0], dy + far * BACK[1], width, height, role)
            shapes += _solid(front, back)
        return Box(width + dx, height + dy, (0, dy, width, height), tuple(shapes))


def _solid(front: Rect, back: Point) -> tuple[Drawn, ...]:
    """Return a solid box by its front, and how far it goes back to the right and up."""
    x, y, right, low, (dx, dy) = front.x, front.y, front.x + front.width, front.y + front.height, back
    top = ((x, y), (x + dx, y - dy), (right + dx, y - dy), (right, y))
    side = ((right, y), (right + dx, y - dy), (right + dx, low - dy), (right, low))
    return (Polygon(top, front.role), Polygon(side, front.role), Polygon(side, "shade"), front)
