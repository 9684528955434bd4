"""Erasing blackens a rectangle of the area and the aspect that the paper says, where it is drawn."""

import pytest
import torch
from torchvision.transforms.v2 import functional as peer

from cnnspec.data.boxes import Boxes
from cnnspec.data.erasing import AREA, ASPECT, Erased
from cnnspec.training.device import available

CPU = torch.device("cpu")


def generator(seed: int = 0, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


@pytest.mark.parametrize("device", available())
def test_as_torchvision(device: str) -> None:
    """What a picture loses is what torchvision erases there, in all its channels; the others lose nothing."""
    pictures = torch.rand(40, 3, 20, 28, generator=generator()) * 255
    erased = Erased(0.7, (20, 28), torch.device(device))
    drawn = erased.draw(len(pictures), generator(device=device))
    changed = erased.apply(pictures.to(device), drawn).cpu()
    for before, after, ((top, left), (bottom, right)) in zip(
        pictures, changed, drawn.int().tolist(), strict=True
    ):
        expected = peer.erase(before, top, left, bottom - top, right - left, torch.zeros(3, 1, 1))
        assert torch.equal(after, expected)
    assert 5 < int((drawn.flatten(1) == 0).all(1).sum()) < 20


@pytest.mark.parametrize("size", [(224, 224), (32, 32), (64, 128), (300, 20), (5, 200)])
def test_within_bounds(size: tuple[int, int]) -> None:
    """Area and aspect are within their bounds, but for whole pixels, and rectangles within the picture."""
    boxes = Erased(1.0, size, CPU).draw(5_000, generator())
    first, last = boxes.unbind(1)
    assert bool((first >= 0).all() and (last <= torch.tensor(size)).all() and (last > first).all())
    assert first.amin(0).tolist() == [0, 0]
    assert last.amax(0).tolist() == list(size)
    rows, columns = (last - first).unbind(1)
    whole = size[0] * size[1]
    assert bool(((rows - 0.5) * (columns - 0.5) <= AREA[1] * whole).all())
    if max(size) <= 2 * min(size):  # else nearly all are cut to fit
        assert bool(((rows + 0.5) * (columns + 0.5) >= AREA[0] * whole).all())
        assert bool(((rows + 0.5) / (columns - 0.5) >= ASPECT[0]).all())
        assert bool(((rows - 0.5) / (columns + 0.5) <= ASPECT[1]).all())


def test_statistics() -> None:
    """Areas are uniform, upright rectangles as likely as lying ones, places uniform, and the probability is right."""
    boxes = Erased(0.25, (256, 256), CPU).draw(40_000, generator())
    chosen = boxes[boxes.flatten(1).any(1)]
    assert len(chosen) == pytest.approx(10_000, rel=0.04)
    first, last = chosen.unbind(1)
    sides = last - first
    area = sides.prod(1) / 256**2
    quarters = torch.quantile(area, torch.tensor([0.25, 0.5, 0.75]))
    expected = AREA[0] + (AREA[1] - AREA[0]) * torch.tensor([0.25, 0.5, 0.75])
    torch.testing.assert_close(quarters, expected, atol=0.006, rtol=0)
    assert float((sides[:, 0] > sides[:, 1]).float().mean()) == pytest.approx(0.5, abs=0.02)
    where = first / (256 - sides).clamp_min(1)
    assert float(where.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(where.var()) == pytest.approx(1 / 12, rel=0.05)


def test_rectangles() -> None:
    """A rectangle has its first row and column, and not those where it ends; an empty one has no pixel."""
    first, last = torch.tensor([[1.0, 2], [0, 0], [0, 0]]), torch.tensor([[3.0, 4], [3, 5], [0, 0]])
    found = Boxes((3, 5), CPU).inside(first, last)[:, 0].int()
    assert found[0].tolist() == [[0] * 5, [0, 0, 1, 1, 0], [0, 0, 1, 1, 0]]
    assert (int(found[1].sum()), int(found[2].sum())) == (15, 0)
