"""What shows between two volumes how one is made of the other.

A convolution or pooling is a window on the input whose corners' lines meet in the value that it makes,
at the same place of the output; a transposed convolution is the same turned round. Between vectors,
and where a map becomes one, lines show that each value may come from all. All else is an arrow.
"""

from cnnspec.layers import Layer
from cnnspec.shape import Shape as Sizes
from cnnspec.shape import TransposedWindow
from cnnspec.views.diagram.volumes.boxes import Box
from cnnspec.views.diagram.volumes.model import Volume
from cnnspec.views.drawing.scene import Line, Point, Rect, Shape

LEAST, VALUE = 5, 3
"""Pixels of the smallest window, and of a value."""
ACROSS, PLACES = 0.6, (0.34, 0.7)
"""Where the windows are, as shares of width and height; one volume's two windows take turns."""
CLEAR = 4
"""Pixels between an arrow's ends and the volumes."""

Spot = tuple[Box, float, float]
"""A volume with its place."""


def between(one: Spot, other: Spot, volume: Volume, before: Sizes, number: int) -> tuple[Shape, ...]:
    """Return what is drawn from a volume of the shape `before` to the next, the `number`th of the row."""
    layer = volume.maker.layer if volume.maker else None
    if layer is None or volume.operations[0] is not volume.maker:
        return (arrow(one, other),)
    if layer.type in ("fc", "flatten"):
        return _all_lines(one, other)
    share = _window(layer, before, volume.shape)
    if share is None:
        return (arrow(one, other),)
    turned = bool(layer.windows(before)) and isinstance(layer.windows(before)[0], TransposedWindow)
    wide, small = (other, one) if turned else (one, other)
    return _lines(wide, small, share, PLACES[number % 2], turned=turned)


def arrow(one: Spot, other: Spot) -> Line:
    """Return an arrow from one volume to the next, at the height of their middle."""
    (box, x, y), (next_box, next_x, _) = one, other
    middle = y + box.height / 2
    start, end = x + box.right_at(box.height / 2), next_x + next_box.left_at(next_box.height / 2)
    return Line(((start + CLEAR, middle), (end - CLEAR, middle)), arrow=True)


def _window(layer: Layer, before: Sizes, after: Sizes) -> tuple[float, float] | None:
    """Return the window's shares of the width and height of a map; None for a layer without one."""
    if not 2 <= len(before) == len(after):
        return None
    windows = layer.windows(before)
    if windows:
        sizes = after[1:] if isinstance(windows[0], TransposedWindow) else before[1:]
        shares = [min(w.span / n, 1) for w, n in zip(windows, sizes, strict=True)][-2:]
    elif layer.family == "pooling" and set(after[1:]) == {1}:
        shares = [1.0, 1.0]
    else:
        return None
    return (1.0, shares[0]) if len(before) == 2 else (shares[1], shares[0])  # a sheet's width is its channels


def _lines(
    wide: Spot, small: Spot, share: tuple[float, float], down: float, *, turned: bool
) -> tuple[Shape, ...]:
    """Return a window, a value, and the lines between them."""
    rect = _on(wide, share, down)
    x, y = _at(small, down)
    near = rect.x if turned else rect.x + rect.width
    value = Rect(x - VALUE / 2, y - VALUE / 2, VALUE, VALUE, "window")
    rays = tuple(Line(((near, corner), (x, y)), "ray") for corner in (rect.y, rect.y + rect.height))
    return (rect, *rays, value)


def _on(placed: Spot, share: tuple[float, float], down: float) -> Rect:
    """Return the window on the front of a volume."""
    box, x, y = placed
    left, top, width, height = box.face
    w, h = max(share[0] * width, min(LEAST, width)), max(share[1] * height, min(LEAST, height))
    from_left = min(max(ACROSS * width - w / 2, 0), width - w)
    from_top = min(max(down * height - h / 2, 0), height - h)
    return Rect(x + left + from_left, y + top + from_top, w, h, "window")


def _at(placed: Spot, down: float) -> Point:
    box, x, y = placed
    across, along = box.on_face(ACROSS, down)
    return x + across, y + along


def _all_lines(one: Spot, other: Spot) -> tuple[Shape, ...]:
    """Return lines from both ends of a volume's outermost edge to both ends of a vector."""
    (box, x, y), (next_box, next_x, next_y) = one, other
    starts = ((x + box.width, y), (x + box.width, y + box.face[3]))
    ends = ((next_x, next_y), (next_x, next_y + next_box.height))
    return tuple(Line((start, end), "hairline") for start in starts for end in ends)
