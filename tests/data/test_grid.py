"""The picture of a data set shows what it should, where it should, and the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from cnnspec.data import Pictures, folder, grid
from cnnspec.data.prepare import to_input
from cnnspec.language.augment import Augment

NAMES = tuple("0123456789")
GRAY, COLOR = (1, 28, 28), (3, 20, 28)


@pytest.fixture(scope="module")
def source(digits: Tensor) -> Pictures:
    """Digits, of which class 4 has none."""
    labels = torch.arange(10).repeat_interleave(len(digits) // 10)
    return Pictures(digits[labels != 4], labels[labels != 4])


def array(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image))


def test_samples(source: Pictures) -> None:
    """Each class that has pictures has a row with so many of its own, no one twice, as an input sees them."""
    rows = grid.samples(source, NAMES, COLOR, 5, 3)
    assert [row.label for row in rows] == [name for name in NAMES if name != "4"]
    prepared = to_input(source.images, COLOR)
    for row in rows:
        mine = {bytes(p.contiguous().numpy()) for p in prepared[source.labels == int(row.label)]}
        shown = {bytes(tile.picture.contiguous().numpy()) for tile in row.tiles}
        assert len(shown) == 5
        assert shown <= mine


def test_seed(source: Pictures) -> None:
    """The same seed draws the same pictures and changes, another one others."""
    options = Augment(rotation=20.0, mixup=1.0)

    def drawn(seed: int) -> list[Tensor]:
        plain = grid.samples(source, NAMES, GRAY, 4, seed)
        changed = grid.changed(source, NAMES, GRAY, 4, seed, augment=options)
        return [array(grid.draw("", "", rows)) for rows in (plain, changed)]

    for first, again, other in zip(drawn(1), drawn(1), drawn(2), strict=True):
        assert torch.equal(first, again)
        assert not torch.equal(first, other)


def test_more_than_there_are(source: Pictures) -> None:
    """A class of fewer pictures shows those it has."""
    few = source.select(torch.arange(1, len(source), 60))
    rows = grid.samples(few, NAMES, GRAY, 5, 0)
    assert sum(len(row.tiles) for row in rows) == len(few)
    assert grid.draw("t", "s", rows).width > 0


def test_changed(source: Pictures) -> None:
    """Beside a picture as it is stand changed ones, from the same picture, and no two alike."""
    for row in grid.changed(source, NAMES, GRAY, 6, 0, augment=Augment(shift=3.0)):
        original, *others = (tile.picture for tile in row.tiles)
        assert (row.first, len(others)) == (1, 6)
        assert all(tile.caption == () for tile in row.tiles)
        assert len({bytes(p.numpy()) for p in others}) > 3
        for other in others:
            moved = pad(original, (3, 3, 3, 3)).unfold(1, 28, 1).unfold(2, 28, 1)
            assert bool((moved == other.view(1, 1, 1, 28, 28)).flatten(3).all(3).any())


def test_mixed_pictures_tell_of_what(source: Pictures) -> None:
    """Below a mixed picture stand the shares of its classes, which are those of its pixels."""
    rows = grid.changed(source, NAMES, GRAY, 8, 0, augment=Augment(mixup=1.0))
    originals = {row.label: row.tiles[0].picture.float() for row in rows}
    captions = [(row, tile) for row in rows for tile in row.tiles[1:]]
    for row, tile in captions:
        shares = {line.split("% ")[1]: int(line.split("% ")[0]) / 100 for line in tile.caption}
        assert row.label in shares or shares[next(iter(shares))] > 0.99
        expected = sum((share * originals[name] for name, share in shares.items()), torch.zeros(GRAY))
        torch.testing.assert_close(tile.picture.float(), expected, atol=3, rtol=0)
    assert len({tile.caption for _, tile in captions}) > 40


def test_whole_pixels(source: Pictures) -> None:
    """Small pictures are enlarged by whole numbers without blur, at even distances, on light paper."""
    rows = grid.samples(source, NAMES, GRAY, 2, 0)
    sheet = array(grid.draw("Digits", "some", rows))
    enlarged = rows[0].tiles[0].picture[0].repeat_interleave(3, 0).repeat_interleave(3, 1)
    windows = sheet[..., 0].unfold(0, 84, 1).unfold(1, 84, 1)
    corners = (windows[..., ::7, ::7] == enlarged[::7, ::7]).flatten(2).all(2).nonzero().tolist()
    top, left = next(c for c in corners if torch.equal(windows[c[0], c[1]], enlarged))
    second = rows[0].tiles[1].picture[0].repeat_interleave(3, 0).repeat_interleave(3, 1)
    assert torch.equal(windows[top, left + 84 + grid.GAP], second)
    assert torch.equal(windows[top + 84 + grid.GAP, left][::3, ::3], rows[1].tiles[0].picture[0])
    light = (sheet.float().mean(2) > 240).float()
    margins = [
        light[: grid.MARGIN // 2],
        light[-grid.MARGIN :],
        light[:, : grid.MARGIN],
        light[:, -grid.MARGIN :],
    ]
    assert all(bool(margin.all()) for margin in margins)
    assert float(light[top : top + 84, grid.MARGIN : left].min()) == 0  # the class's name


@pytest.mark.parametrize(
    ("size", "shown"),
    [((28, 28), (84, 84)), ((1, 1), (96, 96)), ((20, 40), (80, 40)), ((100, 100), (100, 100)), ((300, 600), (160, 80))],
)  # fmt: skip
def test_size_of_a_picture(size: tuple[int, int], shown: tuple[int, int]) -> None:
    """Small pictures are enlarged by whole numbers, large ones made smaller, and none is distorted."""
    assert grid.shown_size(torch.zeros(3, *size)) == shown
    assert grid.shown(torch.zeros(3, *size, dtype=torch.uint8), shown).size == shown


@pytest.mark.parametrize("shape", [(1, 784), (28, 28)])
def test_sequences(source: Pictures, shape: tuple[int, int]) -> None:
    """A sequence is shown as the picture that it was read from, changed or not."""
    expected = grid.samples(source, NAMES, GRAY, 2, 0)
    for one, other in zip(grid.samples(source, NAMES, shape, 2, 0), expected, strict=True):
        assert all(torch.equal(a.picture, b.picture) for a, b in zip(one.tiles, other.tiles, strict=True))
    changed = grid.changed(source, NAMES, shape, 1, 0, augment=Augment(brightness=0.5))
    assert changed[0].tiles[1].picture.shape == GRAY


def test_many_classes() -> None:
    """Of very many classes some are shown, evenly chosen, in columns; names of any length and script fit."""
    labels = torch.arange(1000)
    source = Pictures(torch.zeros(1000, 3, 8, 8, dtype=torch.uint8), labels)
    names = tuple(f"класс {i} {'ö' * (i % 60)}" for i in labels)
    rows = grid.samples(source, names, (3, 8, 8), 2, 0)
    assert [row.label.split()[1] for row in rows] == [str(10 * i) for i in range(100)]
    sheet = grid.draw("Many", "classes", rows)
    assert 0.5 < sheet.width / sheet.height < 3


def test_pictures_in_files(tmp_path: Path) -> None:
    """Pictures on disk are read only where they are shown; one that cannot be read has a stand-in, if so asked."""
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for number in range(5):
            color = (number * 20, 200 if label == "cat" else 0, 0)
            Image.new("RGB", (30, 20), color).save(tmp_path / label / f"{number}.png")
    own = folder.read(tmp_path, test_share=0.2, damaged="skip")
    broken = sorted((tmp_path / "dog").iterdir())[2]
    broken.write_bytes(broken.read_bytes()[:60])
    rows = grid.samples(own.train, own.data_set.classes, (3, 10, 15), 4, 0)
    assert [(row.label, len(row.tiles)) for row in rows] == [("cat", 4), ("dog", 4)]
    assert {int(tile.picture[1, 5, 5]) for tile in rows[0].tiles} == {200}
    assert {int(tile.picture[1, 5, 5]) for tile in rows[1].tiles} == {0}
