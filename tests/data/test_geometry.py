"""What moves pictures puts pixels where the formulas say, within its limits."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as peer

from cnnspec.data.geometry import POINTS, Flipped, Moved
from cnnspec.language.augment import Augment
from cnnspec.training.device import available

CPU = torch.device("cpu")
ALL = Augment(shift=2.0, rotation=20.0, scale=0.2, shear=15.0, elastic=1.0)


def generator(seed: int = 0, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


@pytest.fixture(scope="module")
def pictures(digits: Tensor) -> Tensor:
    """Real digits as pixel values, 28×28."""
    return digits[::50].float()


def row(
    shift: tuple[float, float] = (0, 0), rotation: float = 0, scale: float = 0, shear: float = 0
) -> Tensor:
    """Draws of the same changes for a picture, angles in degrees."""
    return torch.tensor([[*shift, math.radians(rotation), scale, scale, math.radians(shear)]])


def rolled(picture: Tensor, right: int, down: int) -> Tensor:
    """The picture moved, black where it came from."""
    moved = torch.roll(picture, (down, right), (-2, -1))
    if down:
        moved[..., slice(0, down) if down > 0 else slice(down, None), :] = 0
    if right:
        moved[..., slice(0, right) if right > 0 else slice(right, None)] = 0
    return moved


@pytest.mark.parametrize("device", available())
def test_shift_by_whole_pixels(pictures: Tensor, device: str) -> None:
    """A whole shift alone moves each picture by whole pixels, both ways along both axes, exactly."""
    moved = Moved(Augment(shift=3.0), (28, 28), torch.device(device))
    drawn = moved.draw(len(pictures), generator(device=device))
    changed = moved.apply(pictures.to(device), drawn).cpu()
    for before, after, (right, down) in zip(pictures, changed, drawn.tolist(), strict=True):
        assert torch.equal(after, rolled(before, right, down))
    assert {n for shift in drawn.tolist() for n in shift} == {-3, -2, -1, 0, 1, 2, 3}


@pytest.mark.parametrize(("right", "down"), [(0, 0), (2, 0), (0, -3), (-4, 5)])
def test_shift_by_sampling(pictures: Tensor, right: int, down: int) -> None:
    """Sampling at whole pixels gives the shifted picture, too."""
    moved = Moved(ALL.model_copy(update={"elastic": 0.0}), (28, 28), CPU)
    changed = moved.apply(pictures, row((right, down)).expand(len(pictures), -1))
    torch.testing.assert_close(changed, rolled(pictures, right, down), atol=0.01, rtol=0)


def test_half_a_pixel(pictures: Tensor) -> None:
    """A shift by half a pixel is the mean of the two neighbours, black outside of the picture."""
    changed = Moved(Augment(shift=0.5), (28, 28), CPU).apply(
        pictures, row((0.5, 0)).expand(len(pictures), -1)
    )
    torch.testing.assert_close(changed, (pictures + rolled(pictures, 1, 0)) / 2, atol=0.01, rtol=0)


@pytest.mark.parametrize("limit", [28.0, 1e6])
def test_shift_out_of_the_picture(pictures: Tensor, limit: float) -> None:
    """However far a picture may move, what is left of it is right, and memory suffices."""
    moved = Moved(Augment(shift=limit), (28, 28), CPU)
    drawn = torch.tensor([[0, 0], [0, 28], [-28, 0], [int(limit), 3]])
    changed = moved.apply(pictures[:4], drawn)
    assert torch.equal(changed[0], pictures[0])
    assert not changed[1:].any()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns(pictures: Tensor, turns: int) -> None:
    """Rotations by quarter turns are those of the array, clockwise."""
    moved = Moved(Augment(rotation=180.0), (28, 28), CPU)
    changed = moved.apply(pictures, row(rotation=90 * turns).expand(len(pictures), -1))
    torch.testing.assert_close(changed, torch.rot90(pictures, -turns, (-2, -1)), atol=0.02, rtol=0)


@pytest.mark.parametrize(
    "changes",
    [
        {"rotation": 20},
        {"scale": 0.3},
        {"scale": -0.25},
        {"shear": 25},
        {"shift": (3, -2)},
        {"shift": (-1, 2), "rotation": -35, "scale": 0.15, "shear": -10},
    ],
)
def test_as_torchvision(pictures: Tensor, changes: dict[str, Any]) -> None:
    """Each change, and all together, mean what they mean to torchvision's affine, also where pictures are not square."""
    oblong = pictures[..., 3:23, :]
    ours = Moved(ALL.model_copy(update={"elastic": 0.0}), (20, 28), CPU).apply(
        oblong, row(**changes).expand(len(oblong), -1)
    )
    theirs = peer.affine(
        oblong,
        angle=changes.get("rotation", 0),
        translate=list(changes.get("shift", (0, 0))),
        scale=1 + changes.get("scale", 0),
        shear=[changes.get("shear", 0), 0],
        interpolation=peer.InterpolationMode.BILINEAR,
    )
    torch.testing.assert_close(ours, theirs, atol=0.05, rtol=0)


def test_scale_has_axes_of_its_own() -> None:
    """Half the width leaves the height as it is, and means the picture's own width, however it is turned then."""
    block = torch.zeros(1, 1, 28, 28)
    block[..., 4:24, 4:24] = 200
    moved = Moved(Augment(scale=0.5, rotation=90.0), (28, 28), CPU)
    for turn, width, height in [(0.0, 10, 20), (math.pi / 2, 20, 10)]:
        changed = moved.apply(block, torch.tensor([[0, 0, turn, -0.5, 0, 0]]))[0, 0] > 100
        assert (int(changed[14].sum()), int(changed[:, 14].sum())) == (width, height)


def test_elastic_moves_the_points(pictures: Tensor) -> None:
    """Where all points of the grid move alike, the picture does; a single point moves only what is near to it."""
    moved = Moved(Augment(elastic=1.0), (28, 28), CPU)
    alike = torch.cat([row(), torch.tensor([[2.0] * POINTS**2 + [-3.0] * POINTS**2])], 1)
    changed = moved.apply(pictures, alike.expand(len(pictures), -1))
    torch.testing.assert_close(changed, rolled(pictures, -2, 3), atol=0.02, rtol=0)
    corner = torch.cat([row(), torch.eye(2 * POINTS**2)[:1] * 5], 1)
    changed = moved.apply(torch.rand(1, 1, 28, 28, generator=generator()), corner)
    flat = torch.rand(1, 1, 28, 28, generator=generator())
    torch.testing.assert_close(changed[..., 15:, 15:], flat[..., 15:, 15:], atol=1e-4, rtol=0)
    assert not torch.allclose(changed[..., :3, :3], flat[..., :3, :3], atol=0.1)


@pytest.mark.parametrize("shift", [2.0, 2.5])
def test_limits(shift: float) -> None:
    """Draws are uniform from one limit to the other, and those of elastic changes have their deviation."""
    options = ALL.model_copy(update={"shift": shift})
    drawn = Moved(options, (28, 28), CPU).draw(20_000, generator())
    turn, slant = math.radians(20), math.radians(15)
    for values, limit in zip(drawn[:, :6].T, [shift, shift, turn, 0.2, 0.2, slant], strict=True):
        assert float(values.abs().max()) <= limit
        assert float(values.min()) == pytest.approx(-limit, rel=0.01)
        assert float(values.max()) == pytest.approx(limit, rel=0.01)
        assert float(values.mean()) == pytest.approx(0, abs=0.02 * limit)
        assert float(values.std()) == pytest.approx(limit / math.sqrt(3), rel=0.02)
    assert float(drawn[:, 6:].std()) == pytest.approx(1, rel=0.01)
    assert float(drawn[:, 6:].mean()) == pytest.approx(0, abs=0.01)


def test_columns_are_drawn_alone() -> None:
    """No two draws of a picture hang together."""
    drawn = Moved(ALL, (28, 28), CPU).draw(20_000, generator())
    assert float((torch.corrcoef(drawn.T) - torch.eye(drawn.shape[1])).abs().max()) < 0.05


def test_outside_is_black() -> None:
    """What comes from outside of a picture is 0, and no value goes beyond those of the picture."""
    white = torch.full((64, 3, 20, 28), 255.0)
    moved = Moved(ALL, (20, 28), CPU)
    changed = moved.apply(white, moved.draw(len(white), generator()))
    assert changed.shape == white.shape
    assert float(changed.min()) == 0
    assert float(changed.max()) <= 255.01
    assert torch.equal(changed[:, 0], changed[:, 2])


@pytest.mark.parametrize(
    "options", [Augment(crop=4), Augment(crop=4, shift=3.0), Augment(crop=4, rotation=1e-6)]
)
def test_crop_moves_by_whole_pixels(pictures: Tensor, options: Augment) -> None:
    """A crop is torchvision's from a picture with a black border, alone and beside what else moves the picture."""
    moved = Moved(options, (28, 28), CPU)
    drawn = moved.draw(len(pictures), generator())
    changed = moved.apply(pictures, drawn)
    room = 4 + int(options.shift)
    for before, after, (right, down) in zip(pictures, changed, drawn[:, :2].int().tolist(), strict=True):
        cut = peer.crop(peer.pad(before, [room] * 4), room - down, room - right, 28, 28)
        torch.testing.assert_close(after, cut, atol=0.01 if options.rotation else 0, rtol=0)
    assert 4 <= drawn[:, :2].abs().max() <= room


def test_crop_is_uniform() -> None:
    """Every place from which a picture can be cut is alike likely, and a shift comes on top of it."""
    drawn = Moved(Augment(crop=2), (28, 28), CPU).draw(20_000, generator())
    counts = torch.stack([torch.bincount(column + 2, minlength=5) for column in drawn.T])
    assert counts.min() > 3_700
    both = Moved(Augment(crop=2, shift=0.5), (28, 28), CPU).draw(20_000, generator())[:, :2]
    assert 2.49 < float(both.abs().max()) <= 2.5
    assert float(both.var()) == pytest.approx(2 + 1 / 12, rel=0.03)


def test_crop_out_of_every_picture(pictures: Tensor) -> None:
    """However large the border is, memory suffices, and nearly all pictures are out of sight."""
    moved = Moved(Augment(crop=10**30), (28, 28), CPU)
    assert not moved.apply(pictures, moved.draw(len(pictures), generator())).any()


@pytest.mark.parametrize("device", available())
def test_flip_is_torchvisions(pictures: Tensor, device: str) -> None:
    """A flip is torchvision's, of those pictures for which it is drawn; twice, it changes nothing."""
    flipped = Flipped(0.5, torch.device(device))
    drawn = flipped.draw(len(pictures), generator(device=device))
    there = pictures.to(device)
    changed = flipped.apply(there, drawn)
    for before, after, is_flipped in zip(there, changed, drawn.tolist(), strict=True):
        assert torch.equal(after, peer.horizontal_flip(before) if is_flipped else before)
    assert torch.equal(flipped.apply(changed, drawn), there)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_flip_has_its_probability(probability: float) -> None:
    """As many pictures are flipped as was asked for; with 0 none, with 1 all."""
    drawn = Flipped(probability, CPU).draw(20_000, generator())
    assert float(drawn.float().mean()) == pytest.approx(probability, abs=0.01 if 0 < probability < 1 else 0)
