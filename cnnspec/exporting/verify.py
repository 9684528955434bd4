"""What an exported file computes, held to what the network computes, before the file gets its name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cnnspec.errors import CnnspecError, Place, Problem
from cnnspec.exporting.preparation import Preparation
from cnnspec.exporting.program import Program
from cnnspec.exporting.quiet import quiet
from cnnspec.shape import Shape, volume

TOLERANCE = 1e-4
"""Share of the largest output by which an output may differ: sums are in other orders, and layers fused."""

BATCHES = (1, 2, 5)
"""Samples that are given at once."""

CLEAR = 0.002
"""How far a resized pixel must be from the middle between two levels, so that rounding cannot change it."""

TRIES = 1000
"""Pictures that are looked at for one without such pixels, at most; of all sizes that were tried, 15."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a file compares with its network: the largest difference of outputs, and the largest output.

    `inputs` is the number of samples that both were given.
    """

    difference: float
    largest: float
    inputs: int

    @property
    def holds(self) -> bool:
        """Whether they compute the same, but for rounding."""
        return self.difference <= TOLERANCE * self.largest


def verify(run: Callable[[Tensor], Tensor], program: Program, name: str, path: Path) -> Agreement:
    """Return how a file's outputs compare with those of the program that it was made of, the network `name`.

    Raises CnnspecError where they are not the same.
    """
    with quiet():
        found = compare(run, program)
    if not found.holds:
        what = f"the file does not compute what {name} does"
        why = f"outputs differ by {found.difference:.2g}, and the largest is {found.largest:.2g}"
        fix = "Nothing was written. Report it together with the spec, or try another version of torch"
        raise CnnspecError(Problem(what, why, fix, Place(str(path))))
    return found


@torch.inference_mode()
def compare(run: Callable[[Tensor], Tensor], program: Program) -> Agreement:
    """Return how outputs of `run` compare with those of a program, on batches of several sizes."""
    difference = largest = 0.0
    given = 0
    for inputs in _inputs(program):
        ours, theirs = program.module(inputs), run(inputs)
        if theirs.shape != ours.shape:
            return Agreement(torch.inf, 0.0, given)
        same = (ours == theirs) | (ours.isnan() & theirs.isnan())
        apart = torch.where(same, 0.0, (ours - theirs).abs().nan_to_num(torch.inf, torch.inf))
        difference = max(difference, float(apart.max()))
        largest = max(largest, float(ours.abs().nan_to_num(0.0, 0.0, 0.0).max()))
        given += len(inputs)
    return Agreement(difference, largest, given)


def _inputs(program: Program) -> Iterator[Tensor]:
    draw = torch.Generator().manual_seed(0)
    shape = tuple(program.example.shape[1:])
    if program.preparation is None:
        for batch in BATCHES:
            yield torch.randn(batch, *shape, generator=draw)
        yield _structured(shape)
        return
    height, width = program.preparation.size
    for batch in BATCHES:
        yield torch.randint(256, (batch, shape[0], height, width), generator=draw, dtype=torch.uint8)
    for size in ((height // 2 + 1, width), (2 * height + 1, 3 * width), (height + 1, width // 3 + 1)):
        yield _patches(program.preparation, shape[0], size)


def _structured(shape: Shape) -> Tensor:
    """Return samples with nothing, ones, a slope, signs that alternate, and one point in the middle."""
    values = volume(shape)
    point = torch.zeros(values)
    point[values // 2] = 1
    signs = torch.arange(values) % 2 * 2.0 - 1
    flat = (torch.zeros(values), torch.ones(values), torch.linspace(-1, 1, values), signs, point)
    return torch.stack(flat).view(-1, *shape)


def _patches(preparation: Preparation, channels: int, size: tuple[int, int]) -> Tensor:
    """Return a gray picture of four flat parts, whose edges are where they are seen.

    Where resizing makes a value in the middle between two levels, rounding may go either way, and the outputs
    change by more than is tolerated. So the levels are chosen not to make such values.
    """
    height, width = size
    rows, columns = (torch.arange(height) * 2 >= height).long(), (torch.arange(width) * 2 >= width).long()
    for seed in range(TRIES):
        draw = torch.Generator().manual_seed(seed)
        levels = torch.randint(16, (1, 1, 2, 2), generator=draw, dtype=torch.uint8) * 16
        picture = levels[:, :, rows][..., columns]
        resized = preparation.resized(picture)
        if bool(((resized - resized.floor() - 0.5).abs() > CLEAR).all()):
            break
    return picture.expand(-1, channels, -1, -1).contiguous()
