"""How the axes of a tensor in the traced code stand to those of the feature maps that it holds.

The feature maps are (N, C, …), channels first; the code may hold them with their channels last, in one
row, or split into groups. Each of its dimensions is a list of digits: parts of the axes, the slowest first.
So whatever is only a view, the code's `view` and `permute`, moves digits about.
"""

from typing import NamedTuple

from cnnspec.shape import Shape, volume


class Digit(NamedTuple):
    """A part of an axis, of `size` values: index // stride % size. Axis 0 is the batch."""

    axis: int
    stride: int
    size: int


Dims = tuple[tuple[Digit, ...], ...]
"""The digits of each dimension of a tensor; of one that has size 1, none."""


def plain(sizes: Shape) -> Dims:
    """Return the dimensions of maps as they are; the sizes are those of the batch and of each axis."""
    return tuple((Digit(axis, 1, size),) if size > 1 else () for axis, size in enumerate(sizes))


def reshaped(dims: Dims, sizes: Shape) -> Dims | None:
    """Return the dimensions of a view with other sizes; None where it cuts an axis unevenly."""
    left = [digit for dim in dims for digit in dim][::-1]
    found = []
    for size in sizes:
        dim: list[Digit] = []
        while size > 1:
            if not left:
                return None
            digit = left.pop()
            if digit.size > size:
                if digit.size % size:
                    return None
                inner = digit.size // size
                left.append(Digit(digit.axis, digit.stride, inner))
                digit = Digit(digit.axis, digit.stride * inner, size)
            elif size % digit.size:
                return None
            dim.append(digit)
            size //= digit.size  # noqa: PLW2901  # what is left of it
        found.append(_joined(dim))
    return None if left else tuple(found)


def _joined(digits: list[Digit]) -> tuple[Digit, ...]:
    """Return the digits with neighbours that are parts of one axis put together."""
    joined: list[Digit] = []
    for digit in digits:
        last = joined[-1] if joined else None
        if last and last.axis == digit.axis and last.stride == digit.stride * digit.size:
            joined[-1] = Digit(digit.axis, digit.stride, last.size * digit.size)
        else:
            joined.append(digit)
    return tuple(joined)


def axes(dims: Dims, sizes: Shape) -> tuple[int, ...] | None:
    """Return the axis that each dimension is, for maps of these sizes; None where they are no whole axes."""
    if len(dims) != len(sizes):
        return None
    taken = [dim[0].axis for dim in dims if dim]
    free = [axis for axis in range(len(sizes)) if axis not in taken]
    if len(free) != sum(not dim for dim in dims):
        return None
    whole = plain(sizes)
    if any(dim and dim != whole[dim[0].axis] for dim in dims):
        return None
    order = iter(free)
    return tuple(dim[0].axis if dim else next(order) for dim in dims)


def shuffled_groups(dims: Dims, sizes: Shape) -> int:
    """Return the groups that channels are dealt out of, where that is all that is done to them; else 0."""
    if len(dims) != len(sizes) or len(dims) < 3 or len(dims[1]) != 2:
        return 0
    inner, outer = dims[1]
    expected = (Digit(1, 1, sizes[1] // outer.size), Digit(1, sizes[1] // outer.size, outer.size))
    rest = plain(sizes)
    return outer.size if (inner, outer) == expected and (dims[0], *dims[2:]) == (rest[0], *rest[2:]) else 0


def pixel_shuffled(dims: Dims, sizes: Shape) -> int:
    """Return the factor by which channels become height and width, where that is all that is done; else 0."""
    if len(dims) != 4 or len(sizes) != 4 or len(dims[2]) != 2 or len(dims[3]) != 2:
        return 0
    factor = dims[3][1].size
    channels = sizes[1] // factor**2
    whole = plain(sizes)
    expected = (
        whole[0],
        (Digit(1, factor**2, channels),) if channels > 1 else (),
        (*whole[2], Digit(1, factor, factor)),
        (*whole[3], Digit(1, 1, factor)),
    )
    return factor if dims == expected else 0


def flat(dims: Dims, sizes: Shape) -> bool:
    """Tell whether these are the maps in one row, channel after channel."""
    return len(dims) == 2 < len(sizes) and dims == reshaped(plain(sizes), (sizes[0], volume(sizes[1:])))
