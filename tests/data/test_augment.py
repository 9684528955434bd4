"""Augmentation moves pixels where the formulas say, within its limits, each picture in its own way."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as peer

from cnnspec.data import Loaded
from cnnspec.data.augment import POINTS, Augmenter
from cnnspec.language.augment import Augment
from cnnspec.training.device import available

CPU = torch.device("cpu")
ALL = Augment(shift=2.0, rotation=20.0, scale=0.2, shear=15.0, elastic=1.0)
EACH = [
    Augment(shift=3.0),
    Augment(shift=2.5),
    Augment(rotation=30.0),
    Augment(scale=0.3),
    Augment(shear=20.0),
    Augment(elastic=1.5),
    ALL,
]


def generator(seed: int = 0, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


@pytest.fixture(scope="module")
def pictures(sample: Loaded) -> Tensor:
    """Real digits as pixel values, 28×28."""
    return sample.test.images[::50].float()


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
    augment = Augmenter(Augment(shift=3.0), (28, 28), torch.device(device))
    changed = augment(pictures.to(device), generator(device=device)).cpu()
    drawn = augment.draw(len(pictures), generator(device=device)).tolist()
    for before, after, (right, down) in zip(pictures, changed, drawn, strict=True):
        assert torch.equal(after, rolled(before, right, down))
    assert {n for shift in drawn for n in shift} == {-3, -2, -1, 0, 1, 2, 3}


@pytest.mark.parametrize(("right", "down"), [(0, 0), (2, 0), (0, -3), (-4, 5)])
def test_shift_by_sampling(pictures: Tensor, right: int, down: int) -> None:
    """Sampling at whole pixels gives the shifted picture, too."""
    augment = Augmenter(ALL.model_copy(update={"elastic": 0.0}), (28, 28), CPU)
    changed = augment.apply(pictures, row((right, down)).expand(len(pictures), -1))
    torch.testing.assert_close(changed, rolled(pictures, right, down), atol=0.01, rtol=0)


def test_half_a_pixel(pictures: Tensor) -> None:
    """A shift by half a pixel is the mean of the two neighbours, black outside of the picture."""
    changed = Augmenter(Augment(shift=0.5), (28, 28), CPU).apply(
        pictures, row((0.5, 0)).expand(len(pictures), -1)
    )
    torch.testing.assert_close(changed, (pictures + rolled(pictures, 1, 0)) / 2, atol=0.01, rtol=0)


@pytest.mark.parametrize("limit", [28.0, 1e6])
def test_shift_out_of_the_picture(pictures: Tensor, limit: float) -> None:
    """However far a picture may move, what is left of it is right, and memory suffices."""
    augment = Augmenter(Augment(shift=limit), (28, 28), CPU)
    drawn = torch.tensor([[0, 0], [0, 28], [-28, 0], [int(limit), 3]])
    changed = augment.apply(pictures[:4], drawn)
    assert torch.equal(changed[0], pictures[0])
    assert not changed[1:].any()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns(pictures: Tensor, turns: int) -> None:
    """Rotations by quarter turns are those of the array, clockwise."""
    augment = Augmenter(Augment(rotation=180.0), (28, 28), CPU)
    changed = augment.apply(pictures, row(rotation=90 * turns).expand(len(pictures), -1))
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
    ours = Augmenter(ALL.model_copy(update={"elastic": 0.0}), (20, 28), CPU).apply(
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
    augment = Augmenter(Augment(scale=0.5, rotation=90.0), (28, 28), CPU)
    for turn, width, height in [(0.0, 10, 20), (math.pi / 2, 20, 10)]:
        changed = augment.apply(block, torch.tensor([[0, 0, turn, -0.5, 0, 0]]))[0, 0] > 100
        assert (int(changed[14].sum()), int(changed[:, 14].sum())) == (width, height)


def test_elastic_moves_the_points(pictures: Tensor) -> None:
    """Where all points of the grid move alike, the picture does; a single point moves only what is near to it."""
    augment = Augmenter(Augment(elastic=1.0), (28, 28), CPU)
    alike = torch.cat([row(), torch.tensor([[2.0] * POINTS**2 + [-3.0] * POINTS**2])], 1)
    changed = augment.apply(pictures, alike.expand(len(pictures), -1))
    torch.testing.assert_close(changed, rolled(pictures, -2, 3), atol=0.02, rtol=0)
    corner = torch.cat([row(), torch.eye(2 * POINTS**2)[:1] * 5], 1)
    changed = augment.apply(torch.rand(1, 1, 28, 28, generator=generator()), corner)
    flat = torch.rand(1, 1, 28, 28, generator=generator())
    torch.testing.assert_close(changed[..., 15:, 15:], flat[..., 15:, 15:], atol=1e-4, rtol=0)
    assert not torch.allclose(changed[..., :3, :3], flat[..., :3, :3], atol=0.1)


def test_nothing_asked(pictures: Tensor) -> None:
    """Without a change that is allowed, pictures stay as they are, to the bit."""
    assert torch.equal(Augmenter(Augment(), (28, 28), CPU)(pictures, generator()), pictures)


@pytest.mark.parametrize("device", available())
@pytest.mark.parametrize("options", EACH)
def test_follows_from_the_generator(pictures: Tensor, options: Augment, device: str) -> None:
    """The changes follow from the generator alone, differ from picture to picture, and from draw to draw."""
    augment = Augmenter(options, (28, 28), torch.device(device))
    same = pictures[:1].to(device).expand(16, -1, -1, -1)
    source = generator(7, device)
    first, second = augment(same, source), augment(same, source)
    assert torch.equal(first, augment(same, generator(7, device)))
    assert not torch.equal(first, second)
    assert len({bytes(p.cpu().to(torch.int16).numpy()) for p in first}) > 8


@pytest.mark.parametrize("options", EACH)
def test_parts_are_those_of_the_whole(pictures: Tensor, options: Augment) -> None:
    """A part of a batch is changed as it is when the whole batch is, so that processes can share it."""
    augment = Augmenter(options, (28, 28), CPU)
    whole = augment(pictures, generator())
    parts = [
        augment(pictures[start:end], generator(), total=len(pictures), start=start)
        for start, end in [(0, 7), (7, 8), (8, len(pictures))]
    ]
    torch.testing.assert_close(torch.cat(parts), whole, atol=0.01, rtol=0)


@pytest.mark.parametrize("shift", [2.0, 2.5])
def test_limits(shift: float) -> None:
    """Draws are uniform from one limit to the other, and those of elastic changes have their deviation."""
    options = ALL.model_copy(update={"shift": shift})
    drawn = Augmenter(options, (28, 28), CPU).draw(20_000, generator())
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
    drawn = Augmenter(ALL, (28, 28), CPU).draw(20_000, generator())
    assert float((torch.corrcoef(drawn.T) - torch.eye(drawn.shape[1])).abs().max()) < 0.05


def test_outside_is_black() -> None:
    """What comes from outside of a picture is 0, and no value goes beyond those of the picture."""
    white = torch.full((64, 3, 20, 28), 255.0)
    changed = Augmenter(ALL, (20, 28), CPU)(white, generator())
    assert changed.shape == white.shape
    assert float(changed.min()) == 0
    assert float(changed.max()) <= 255.01
    assert torch.equal(changed[:, 0], changed[:, 2])
