"""Pictures from memory and from files: what is read, and what happens where one cannot be."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from own_data import cut, make_folder, picture
from PIL import Image
from torch.utils.data import DataLoader

from cnnspec.data import folder
from cnnspec.data.entries import Entries, Members, Names
from cnnspec.data.source import Files, Pictures, Reader, checked, evenly, typical_shape
from cnnspec.data.statistics import statistics
from cnnspec.errors import DataError

SHAPE = (3, 8, 8)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of two classes with six pictures each."""
    return make_folder(tmp_path / "pets", {"cat": 6, "dog": 6})


def files_of(root: Path, damaged: str = "error") -> Files:
    """Return all pictures of a folder of two classes, in order, whatever their bytes are now."""
    names = Names()
    for file in sorted(root.glob("*/*")):
        names.append(file.relative_to(root).as_posix())
    labels = torch.tensor([int(name.startswith("dog")) for name in names])
    return Files(Entries(root, names), np.arange(len(names)), labels, damaged)  # type: ignore[arg-type]


def pixels(file: Path) -> torch.Tensor:
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)


def test_names_are_kept_whole() -> None:
    """Names come back as they were, with signs of any language, or bytes that are no Unicode."""
    names, texts = Names(), ["a.png", "", "mèo/ảnh 1.png", "猫.png", "bad\udcff.png"]
    for text in texts:
        names.append(text)
    assert list(names) == texts
    assert len(names) == 5


def test_a_million_files_fit_into_memory() -> None:
    """A picture takes fewer than 100 bytes, in memory and on the way to a worker."""
    names, count = Names(), 20_000
    for i in range(count):
        names.append(f"train/class_of_many/picture_{i:08}.jpg")
    files = Files(Entries(Path("root"), names), np.arange(count), torch.zeros(count, dtype=torch.int64))
    assert len(pickle.dumps(files)) < 100 * count


def test_reads_what_pil_reads(root: Path) -> None:
    """A picture comes from disk with the pixels that PIL sees, also after the way to a worker."""
    files = pickle.loads(pickle.dumps(files_of(root)))  # noqa: S301  # our own
    assert files.name(7) == "dog/001.png"
    assert torch.equal(files.read(7, SHAPE), pixels(root / "dog/001.png"))
    read = files.batch(torch.tensor([7, 0, 7]), SHAPE)
    assert torch.equal(read.inputs, torch.stack([pixels(root / files.name(i)) for i in (7, 0, 7)]))
    assert not read.damaged.any()


def test_selected() -> None:
    """Both sources give what is asked for by number or by truth value, with the labels."""
    images, labels = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1), torch.tensor([0, 1, 0, 1])
    names = Names()
    for name in "abcd":
        names.append(name)
    for source in (Pictures(images, labels), Files(Entries(Path(), names), np.arange(4), labels)):
        some = source.select(torch.tensor([3, 0]))
        odd = source.select(labels == 1)
        assert (len(some), some.labels.tolist(), odd.labels.tolist()) == (2, [1, 0], [1, 1])
        assert some.bytes_as((3, 4, 4)) == 2 * (3 * 4 * 4 + 8)
        if isinstance(odd, Files):
            assert [odd.name(i) for i in range(2)] == ["b", "d"]
        else:
            assert odd.images.flatten().tolist() == [1, 3]


def test_part_of_a_file(tmp_path: Path) -> None:
    """A picture within a larger file is read from there, and the message of a damaged one names both."""
    one, other = picture(1), picture(2)
    (tmp_path / "a.tar").write_bytes(b"x" * 10 + one + other[:-30])
    names = Names()
    names.append("1.png")
    names.append("2.png")
    offsets, sizes = np.array([10, 10 + len(one)]), np.array([len(one), len(other)])
    where = Members(("a.tar",), np.zeros(2, np.int32), offsets, sizes)
    files = Files(Entries(tmp_path, names, where), np.arange(2), torch.zeros(2, dtype=torch.int64))
    (tmp_path / "1.png").write_bytes(one)
    assert torch.equal(files.read(0, SHAPE), pixels(tmp_path / "1.png"))
    with pytest.raises(DataError, match=r"a\.tar: 2\.png"):
        files.read(1, SHAPE)
    (tmp_path / "a.tar").unlink()
    with pytest.raises(DataError, match=r"a\.tar: 1\.png.*No such file"):
        files.read(0, SHAPE)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "PPM"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 0.5, 0.9])
def test_truncated_picture(kind: str, share: float, tmp_path: Path) -> None:
    """A picture of any format that breaks off anywhere is an error that names the file, never another one."""
    file = tmp_path / "cat" / "0.x"
    file.parent.mkdir()
    file.write_bytes(picture(0, (32, 32), kind))
    files = files_of(tmp_path)
    assert files.read(0, SHAPE).shape == SHAPE
    cut(file, share)
    with warnings.catch_warnings(), pytest.raises(DataError, match=r"0\.x"):
        files.read(0, SHAPE)


def test_picture_that_is_gone(root: Path) -> None:
    """A file that was deleted since the data was looked through is an error that names it."""
    files = files_of(root)
    (root / "cat/003.png").unlink()
    with pytest.raises(DataError, match=r"cat/003\.png: there is no such file"):
        files.batch(torch.arange(6), SHAPE)


def test_one_of_its_class_stands_in(root: Path) -> None:
    """With `damaged: skip` the sample before it of its class takes its place, whatever else is in the batch."""
    files = files_of(root, "skip")
    for name in ("cat/000.png", "dog/002.png", "dog/003.png"):
        cut(root / name, 0.5)
    read = files.batch(torch.arange(12), SHAPE)
    assert read.damaged.nonzero().flatten().tolist() == [0, 8, 9]
    for place, instead in ((0, "cat/005.png"), (8, "dog/001.png"), (9, "dog/001.png"), (10, "dog/004.png")):
        assert torch.equal(read.inputs[place], pixels(root / instead))
    alone = files.batch(torch.tensor([9]), SHAPE)
    assert torch.equal(alone.inputs[0], read.inputs[9])


def test_no_stand_in(root: Path) -> None:
    """Where no picture of a class can be read any more, skipping ends in an error that says why."""
    files = files_of(root, "skip")
    for file in (root / "dog").iterdir():
        cut(file, 0.5)
    with pytest.raises(DataError, match=r"dog/002.png cannot be read, nor .* its class"):
        files.batch(torch.tensor([8]), SHAPE)


def test_workers_tell_what_is_damaged(root: Path) -> None:
    """What a worker of a DataLoader finds damaged arrives: as a mark, or as the error it would be here."""
    cut(root / "dog/002.png", 0.5)
    orders = [torch.tensor([8, 1]), torch.tensor([2, 3])]

    def answers(damaged: str) -> list[object]:
        reader = Reader(files_of(root, damaged), SHAPE)
        return list(DataLoader(reader, batch_size=None, sampler=orders, num_workers=1))  # type: ignore[arg-type]

    first, second = (checked(answer) for answer in answers("skip"))  # type: ignore[arg-type]
    assert first.damaged.tolist() == [True, False]
    assert not second.damaged.any()
    assert torch.equal(second.inputs[1], pixels(root / "cat/003.png"))
    with pytest.raises(DataError, match=r"dog/002\.png"):
        checked(answers("error")[0])  # type: ignore[arg-type]


def test_typical_shape(tmp_path: Path) -> None:
    """The typical shape is of median sizes, in colour if any picture is, and damaged ones do not count."""
    root = make_folder(tmp_path, {"cat": 3}, mode="L")
    (root / "cat/001.png").write_bytes(picture(0, (20, 30), mode="L"))
    (root / "cat/002.png").write_bytes(picture(0, (10, 12), mode="L"))
    assert typical_shape(files_of(root)) == (1, 10, 12)
    (root / "cat/000.png").write_bytes(picture(0, (100, 4), "JPEG"))
    assert typical_shape(files_of(root)) == (3, 20, 12)
    cut(root / "cat/001.png", 0.02)
    assert typical_shape(files_of(root))[0] == 3
    for file in root.glob("*/*"):
        cut(file, 0)
    with pytest.raises(DataError, match=r"cat/002\.png"):
        typical_shape(files_of(root))


def test_evenly_chosen() -> None:
    """Numbers are chosen evenly, all of them where there are few."""
    assert evenly(10, 3) == [0, 3, 6]
    assert evenly(3, 10) == [0, 1, 2]


def test_statistics_are_those_of_numpy(root: Path) -> None:
    """Mean and deviation are exact, for each channel, from memory and from disk alike."""
    files = files_of(root)
    images = torch.stack([pixels(root / files.name(i)) for i in range(12)])
    values = images.numpy() / 255
    for source in (files, Pictures(images, files.labels)):
        mean, std = statistics(source, SHAPE)
        assert mean == pytest.approx(values.mean((0, 2, 3)), rel=1e-3)
        assert std == pytest.approx(values.std((0, 2, 3)), rel=1e-3)
    gray, spread = statistics(files, (1, 64))
    assert isinstance(gray, float)
    assert isinstance(spread, float)


def test_statistics_of_damaged_pictures(root: Path) -> None:
    """Stand-ins do not count twice, and a single colour has a deviation of 1."""
    white = torch.full((4, 1, 2, 2), 255, dtype=torch.uint8)
    assert statistics(Pictures(white, torch.zeros(4)), (1, 2, 2)) == (1.0, 1.0)
    for file in root.glob("*/*"):
        Image.new("RGB", (8, 8), "white" if file.name < "003" else "black").save(file)
    for i in range(3):
        cut(root / f"cat/00{i}.png", 0.5)
    assert statistics(files_of(root, "skip"), SHAPE)[0] == (0.3333, 0.3333, 0.3333)


def test_folder_gives_files(root: Path) -> None:
    """What is read from a folder is of these sources."""
    read = folder.read(root, test_share=0.5)
    assert isinstance(read.train, Files)
    assert read.train.read(0, SHAPE).shape == SHAPE
