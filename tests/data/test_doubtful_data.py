"""What is doubtful in the data is told before training, and what just is not is left alone."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from own_data import make_folder, make_tar, picture
from PIL import Image

from cnnspec import catalog
from cnnspec.catalog import DataSet
from cnnspec.data import Loaded, duplicates, folder, inspect, load_data, shards
from cnnspec.data.inspect import warnings
from cnnspec.data.own import Own
from cnnspec.data.source import Pictures

SHAPE = (3, 8, 8)


def in_memory(counts: dict[str, int], tests: int = 10, side: int = 8) -> Loaded:
    """Return pictures of noise: so many for training of each class, and as many of each for the test."""
    draw = torch.Generator().manual_seed(1)
    parts = []
    for numbers in (list(counts.values()), [tests] * len(counts)):
        labels = torch.arange(len(numbers)).repeat_interleave(torch.tensor(numbers))
        images = torch.randint(256, (len(labels), 3, side, side), dtype=torch.uint8, generator=draw)
        parts.append(Pictures(images, labels))
    data_set = DataSet("pets", "Pets", tuple(counts), (3, side, side), 0.5, 0.5, "arrays")
    return Loaded(data_set, parts[0], parts[1], "pets.npz")


def from_disk(own: Own, source: Path) -> Loaded:
    return Loaded(own.data_set, own.train, own.test, str(source), own.hashes)


def pets(root: Path, cats: int = 12, dogs: int = 12, tests: int = 12) -> Path:
    """Write a folder in which nothing is doubtful."""
    return make_folder(root, {"train/cat": cats, "train/dog": dogs, "test/cat": tests, "test/dog": tests})


def told(root: Path, shape: tuple[int, ...] = SHAPE) -> list[str]:
    return [str(w) for w in warnings(from_disk(folder.read(root, test_share=0.2), root), shape)]


def one(found: list[str]) -> str:
    assert len(found) == 1
    return found[0]


# Classes that are rare

CLASSES = {
    "ten times as many": ({"cat": 100, "dog": 10}, ""),
    "more than that": (
        {"cat": 201, "dog": 20, "mouse": 100},
        "1 class has few training pictures; cat has 201, and what is rarely seen is hardly learned: dog (20). Add some, or give rare classes more weight with the loss's class_weights.",
    ),
    "nine": (
        {"cat": 9, "dog": 10},
        "1 class has few training pictures; what is rarely seen is hardly learned: cat (9).",
    ),
    "none": ({"cat": 20, "dog": 20, "mouse": 0}, "mouse (0)"),
    "many": (
        {"a": 1000, "b": 5, "c": 4, "d": 3, "e": 2},
        "4 classes have few training pictures; a has 1,000, and what is rarely seen is hardly learned: e (2), d (3), c (4) and 1 more.",
    ),
}


@pytest.mark.parametrize("case", CLASSES.values(), ids=CLASSES)
def test_rare_classes(case: tuple[dict[str, int], str]) -> None:
    """Classes are named that have fewer than ten pictures, or a tenth of the most frequent one's."""
    counts, expected = case
    found = warnings(in_memory(counts), SHAPE)
    assert len(found) == bool(expected)
    assert expected in "".join(map(str, found))
    assert all(str(w).startswith("pets.npz: warning: ") and w.severity == "warning" for w in found)


# Duplicates


def test_no_duplicates(tmp_path: Path) -> None:
    """Where nothing is doubtful, nothing is told."""
    assert warnings(in_memory({"cat": 20, "dog": 20}), SHAPE) == []
    assert told(pets(tmp_path)) == []


def test_one_pixel_differs() -> None:
    """Pictures that differ in the last bit of a single value are two."""
    loaded = in_memory({"cat": 20, "dog": 20})
    assert isinstance(loaded.train, Pictures)
    assert isinstance(loaded.test, Pictures)
    loaded.test.images[3] = loaded.train.images[5]
    loaded.test.images[3, 2, 7, 7] ^= 1
    assert warnings(loaded, SHAPE) == []


def test_training_pictures_in_the_test(tmp_path: Path) -> None:
    """Test pictures that are among the training pictures are counted and named, in memory and on disk."""
    loaded = in_memory({"cat": 20, "dog": 20})
    assert isinstance(loaded.train, Pictures)
    assert isinstance(loaded.test, Pictures)
    loaded.test.images[3] = loaded.train.images[5]
    expected = (
        "pets.npz: warning: 1 test picture is among the training pictures, too; so the test tells less of new "
        "pictures than it seems to: test picture 3 is training picture 5. Remove them from one of the two parts."
    )
    assert [str(w) for w in warnings(loaded, SHAPE)] == [expected]
    root = pets(tmp_path)
    for i in range(5):
        shutil.copy(root / f"train/cat/{i + 3:03}.png", root / f"test/cat/copy{i}.png")
    text = one(told(root))
    assert "5 test pictures are among the training pictures, too" in text
    assert "test/cat/copy0.png is train/cat/003.png, " in text
    assert "and 2 more. Remove" in text


def test_equal_pictures_of_different_classes(tmp_path: Path) -> None:
    """A picture that is in two classes is told with both, whichever part it is in."""
    loaded = in_memory({"cat": 20, "dog": 20})
    assert isinstance(loaded.train, Pictures)
    loaded.train.images[30] = loaded.train.images[5]
    expected = "1 picture is in more than one class; their labels cannot all be right: training picture 5 (cat) is training picture 30 (dog). Keep"
    assert expected in one([str(w) for w in warnings(loaded, SHAPE)])
    root = pets(tmp_path)
    shutil.copy(root / "test/cat/001.png", root / "test/dog/same.png")
    assert "test/cat/001.png (cat) is test/dog/same.png (dog)" in one(told(root))
    shutil.copy(root / "test/cat/002.png", root / "train/dog/same.png")
    assert len(told(root)) == 2


def test_copies_within_a_class(tmp_path: Path) -> None:
    """Copies in the same class of the same part are the user's choice."""
    root = pets(tmp_path)
    shutil.copy(root / "train/cat/001.png", root / "train/cat/again.png")
    assert told(root) == []


def test_large_files_are_compared_as_a_whole(tmp_path: Path) -> None:
    """Files of the same size with the same bytes in their middle are not equal yet."""
    root = pets(tmp_path)
    page = Image.new("RGB", (64, 64), "white")
    page.putpixel((0, 0), (0, 0, 0))
    page.save(root / "train/cat/page.bmp")
    page.putpixel((1, 0), (0, 0, 0))
    page.save(root / "test/cat/page.bmp")
    assert told(root) == []
    page.save(root / "train/cat/page2.bmp")
    assert "test/cat/page.bmp is train/cat/page2.bmp" in one(told(root))


def test_shards(tmp_path: Path) -> None:
    """In shards, pictures are found by their part of the file, and named by shard and key."""
    for name, first in (("train", 0), ("test", 100)):
        members = []
        for i in range(first, first + 30):
            members += [(f"{i:03}.png", picture(7 if i == 107 else i)), (f"{i:03}.cls", b"%d" % (i % 2))]
        make_tar(tmp_path / f"{name}.tar", members)
    own = shards.read(tmp_path, "train.tar", "test.tar", test_share=0.2, damaged="error")
    assert "test.tar: 107.png is train.tar: 007.png" in one(
        [str(w) for w in warnings(from_disk(own, tmp_path), SHAPE)]
    )


def test_no_time_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all would take too long, it is told how many pictures were looked at."""
    root = pets(tmp_path)
    alone = [*root.glob("test/*/00?.png")]
    for number, file in enumerate(alone):  # a file of a size of its own needs no time
        file.write_bytes(file.read_bytes().ljust(1000 + number))
    monkeypatch.setattr(duplicates, "SECONDS", -1.0)
    assert f"only {len(alone)} of 48 pictures were looked at for duplicates" in told(root)[-1]
    assert "only 0 of 60 pictures" in str(warnings(in_memory({"cat": 20, "dog": 20}), SHAPE)[-1])


# Small and constant pictures


def test_small_pictures(tmp_path: Path) -> None:
    """Pictures whose short side is less than half of the input's are told, those of just half are not."""
    loaded = in_memory({"cat": 20, "dog": 20})
    assert warnings(loaded, (3, 16, 16)) == []
    expected = (
        "the pictures are 8×8, and the input is 17×17; enlarged, they show no more than before. Use a smaller"
    )
    assert expected in str(warnings(loaded, (3, 17, 17))[0])
    root = pets(tmp_path)
    assert told(root, (3, 16, 16)) == []
    (root / "train/cat/long.png").write_bytes(picture(1, (40, 7)))
    text = one(told(root, (1, 16, 16)))
    assert "1 of 49 pictures is much smaller than the input; it is 16×16" in text
    assert "than before: train/cat/long.png. Use" in text


def test_constant_pictures(tmp_path: Path) -> None:
    """Pictures of one colour are told, and one with a single other pixel is not."""
    loaded = in_memory({"cat": 20, "dog": 20})
    assert isinstance(loaded.test, Pictures)
    loaded.test.images[4] = torch.tensor([9, 200, 30], dtype=torch.uint8).view(3, 1, 1)
    loaded.test.images[5] = 0
    loaded.test.images[5, 1, 0, 0] = 1
    assert "1 of 60 pictures has one colour only; there is nothing to be seen: test picture 4. Remove" in one(
        [str(w) for w in warnings(loaded, SHAPE)]
    )
    root = pets(tmp_path)
    one_pixel = Image.new("RGB", (8, 8), "red")
    one_pixel.save(root / "train/dog/red.png")
    one_pixel.putpixel((3, 3), (255, 0, 1))
    one_pixel.save(root / "train/dog/speck.png")
    for shape in (SHAPE, (1, 64)):
        text = one(told(root, shape))
        assert "train/dog/red.png. Remove" in text if shape == SHAPE else "red.png" in text


def test_of_many_files_some_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more files than can be opened, those with the fewest bytes are among those that are."""
    root = pets(tmp_path)
    Image.new("RGB", (8, 8), "red").save(root / "test/dog/red.png")
    monkeypatch.setattr(inspect, "OPENED", 10)
    assert "1 of 10 pictures looked at has one colour only" in one(told(root))


def test_opening_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening pictures stops when its time is over."""
    root = pets(tmp_path)
    Image.new("RGB", (8, 8), "red").save(root / "test/dog/red.png")
    monkeypatch.setattr(inspect, "SECONDS", -1.0)
    assert told(root) == []


def test_damaged_files_are_others_concern(tmp_path: Path) -> None:
    """A picture that breaks off, or is gone meanwhile, is no reason to fail here."""
    root = pets(tmp_path)
    file = root / "train/cat/003.png"
    file.write_bytes(file.read_bytes()[:60])
    own = folder.read(root, test_share=0.2)
    (root / "test/dog/001.png").unlink()
    assert warnings(from_disk(own, root), SHAPE) == []


# Known data sets


def test_sets_of_the_catalog_are_known(
    tiny: DataSet, tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A data set that was held to its hashes is not looked through; only its pictures' size is told."""
    loaded = load_data("mnist")
    assert isinstance(loaded.train, Pictures)
    loaded.train.images[:] = 0
    assert warnings(loaded, (1, 28, 28)) == []
    assert "the pictures are 28×28, and the input is 64×64" in one(
        [str(w) for w in warnings(loaded, (1, 64, 64))]
    )
    unknown = replace(tiny, files={k: replace(f, sha256="", md5="") for k, f in tiny.files.items()})
    monkeypatch.setitem(catalog.DATA_SETS, "mnist", unknown)
    assert len(warnings(replace(loaded, data_set=unknown), (1, 28, 28))) == 2


def test_hundred_thousand_pictures_in_memory_take_no_time() -> None:
    """A hundred thousand small pictures in memory are looked through in a second or two."""
    loaded = in_memory({"cat": 50_000, "dog": 49_990})
    start = time.process_time()
    assert warnings(loaded, SHAPE) == []
    assert time.process_time() - start < 5
