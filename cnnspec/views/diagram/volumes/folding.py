"""Volumes that are told as one, so that a picture can be looked at: repetitions, and what is too much."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

from cnnspec.plan import Step
from cnnspec.views.diagram.volumes.model import Fork, Operation, Row, Volume, count, volumes_of

MANY = 14
"""Volumes from which on operations that are alike are told together, wherever they are written."""
MOST = 40
"""Volumes that are drawn at most; of more, those in the middle are told as one."""
MOST_INSIDE, DEEPEST = 30, 6
"""Volumes in the parts of a merge, and merges within each other, at most; a larger one is not opened."""


def folded(row: Row) -> Row:
    """Return a row that is not too long to be looked at, with repetitions as one volume."""
    row = together(row, _are_repetitions)
    if count(row) > MANY:
        row = together(row, _are_maps)
    return _bounded(row)


def together(row: Row, alike: Callable[[Volume, Volume], bool]) -> Row:
    """Return a row in which neighbours that are made in the same way, and are `alike`, are one volume."""
    runs: list[list[Volume] | Fork] = []
    for element in row:
        run = runs[-1] if runs else None
        if isinstance(element, Fork):
            runs.append(replace(element, parts=tuple(together(part, alike) for part in element.parts)))
        elif isinstance(run, list) and _are_equal(run[-1], element) and alike(run[-1], element):
            run.append(element)
        else:
            runs.append([element])
    return tuple(run if isinstance(run, Fork) else _joined(run) for run in runs)


def _bounded(row: Row, level: int = 0) -> Row:
    """Return a row that is not too long or too deep to be looked at."""
    drawn: list[Volume | Fork] = []
    for element in row:
        bounded = element
        if isinstance(element, Fork):
            bounded = replace(element, parts=tuple(_bounded(part, level + 1) for part in element.parts))
            if level == DEEPEST or count((bounded,)) > MOST_INSIDE:
                bounded = element.closed()
        drawn.append(bounded)
    return tuple(drawn) if level else _without_middle(drawn)


def _without_middle(row: list[Volume | Fork]) -> Row:
    """Return a row with its middle as one volume, where it is too long."""
    if count(tuple(row)) <= MOST:
        return tuple(row)
    first, last = 1, len(row)
    while count(tuple(row[:first])) < MOST // 2:
        first += 1
    while count(tuple(row[last:])) < MOST // 2 - 1:
        last -= 1
    middle = tuple(volumes_of(tuple(row[first:last])))
    if len(middle) < 2:
        return tuple(row)
    steps = tuple(step for element in row[first:last] for step in _steps(element))
    rest = Operation(f"… {len(middle):,} more", "", steps, repeats=False)
    return (*row[:first], Volume(middle[-1].shape, (rest,), rest), *row[last:])


def _steps(element: Volume | Fork) -> Iterator[Step]:
    """Yield the steps that a volume or a fork stands for, none twice."""
    if isinstance(element, Fork):
        element = element.closed()
    for operation in element.operations:
        yield from operation.steps


def _are_equal(one: Volume, other: Volume) -> bool:
    """Tell whether two volumes differ in nothing but the channels that their first operation gets."""
    if not one.maker or not other.maker or one.shape != other.shape:
        return False
    if _is_block(one) and _is_block(other):
        return one.maker.label == other.maker.label
    return _told(one) == _told(other)


def _told(volume: Volume) -> list[tuple[str, int]]:
    """Return the labels of a volume, and how often each operation happens at a time."""
    return [(one.label, len(one.steps) // volume.times) for one in volume.operations]


def _is_block(volume: Volume) -> bool:
    """Tell whether a volume is made by a block, or its repetitions, and nothing else."""
    return len(volume.operations) == 1 and volume.operations[0].layer is None


def _joined(run: list[Volume]) -> Volume:
    """Return volumes that are made in the same way as one."""
    first = run[0]
    if len(run) == 1 or not first.maker:
        return first
    operations = tuple(
        replace(same[0], steps=tuple(chain.from_iterable(one.steps for one in same)))
        for same in zip(*(volume.operations for volume in run), strict=True)
    )
    maker = next(new for new, old in zip(operations, first.operations, strict=True) if old is first.maker)
    times = 1 if _is_block(first) else sum(volume.times for volume in run)
    return Volume(first.shape, operations, maker, times)


def _are_repetitions(one: Volume, other: Volume) -> bool:
    """Tell whether the spec writes two volumes once: it repeats them, or uses their block again."""
    assert one.maker
    assert other.maker
    return one.maker.steps[0].place == other.maker.steps[0].place


def _are_maps(one: Volume, other: Volume) -> bool:
    """Tell whether two volumes have places; each vector is a layer that people count."""
    return len(one.shape) > 1 and len(other.shape) > 1
