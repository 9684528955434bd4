"""A folder of pictures: its classes and parts, and everything that can be wrong with it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from own_data import cut, make_folder, picture
from torchvision.datasets import ImageFolder

from cnnspec.data import folder
from cnnspec.data.own import Own, for_test
from cnnspec.data.source import Files
from cnnspec.errors import DataError

PETS = {"cat": 10, "dog": 5, "Zebra": 6}
PARTS = {"train/cat": 3, "train/dog": 4, "test/cat": 2, "test/dog": 1}


def names(source: object) -> list[str]:
    assert isinstance(source, Files)
    return [source.name(i) for i in range(len(source))]


def read(root: Path, damaged: str = "error", test_share: float = 0.2) -> Own:
    return folder.read(root, test_share=test_share, damaged=damaged)  # type: ignore[arg-type]


def test_same_order_as_torchvision(tmp_path: Path) -> None:
    """Classes, files and labels of each part come in ImageFolder's order."""
    make_folder(tmp_path, PARTS | {"train/Zebra": 2, "test/Zebra": 2})
    own = read(tmp_path)
    for name, source in (("train", own.train), ("test", own.test)):
        theirs = ImageFolder(str(tmp_path / name))
        assert list(own.data_set.classes) == theirs.classes == ["Zebra", "cat", "dog"]
        assert [tmp_path / n for n in names(source)] == [Path(path) for path, _ in theirs.samples]
        assert source.labels.tolist() == theirs.targets
    assert own.data_set.shape == (3, 8, 8)
    assert own.data_set.title == f"{tmp_path.name}: 9 + 5 pictures of 3 classes"
    assert own.left_out == ()


def test_automatic_test_part(tmp_path: Path) -> None:
    """Without a test part a share of each class is for the test, at least one picture and never all."""
    own = read(make_folder(tmp_path, PETS))
    assert own.data_set.classes == ("Zebra", "cat", "dog")
    assert torch.bincount(own.test.labels).tolist() == [1, 2, 1]
    assert torch.bincount(own.train.labels).tolist() == [5, 8, 4]
    assert sorted(names(own.train) + names(own.test)) == sorted(
        f"{name}/{i:03}.png" for name, count in PETS.items() for i in range(count)
    )
    for share, count in ((0.01, [1, 1, 1]), (0.99, [5, 9, 4])):
        assert torch.bincount(read(tmp_path, test_share=share).test.labels).tolist() == count


def test_split_follows_from_names(tmp_path: Path) -> None:
    """A new picture moves none of another class, and at most one of its own, between the parts."""
    make_folder(tmp_path, {"cat": 24, "dog": 24})
    before = set(names(read(tmp_path).test))
    for i in range(8):
        (tmp_path / "dog" / f"new{i}.png").write_bytes(picture(i))
        now = set(names(read(tmp_path).test))
        assert {n for n in now if n.startswith("cat")} == {n for n in before if n.startswith("cat")}
        assert len(before - now) <= 1
        before = now
    shutil.copytree(tmp_path, tmp_path.with_name("elsewhere"))
    assert set(names(read(tmp_path.with_name("elsewhere")).test)) == now


def test_split_is_a_fair_draw() -> None:
    """The draw depends on all of a name: it takes about as many of the first numbers as of any last digit."""
    labels = torch.zeros(1000, dtype=torch.int64)
    chosen = for_test((f"cat/{i:04}.png" for i in range(1000)), labels, 0.2)
    assert int(chosen.sum()) == 200
    assert 10 < int(chosen[:100].sum()) < 30
    assert all(10 < int(chosen[digit::10].sum()) < 30 for digit in range(10))


@pytest.mark.parametrize(
    ("folders", "train", "test"),
    [
        (["train", "test", "val"], 8, 4),  # val/ is not used where there is a test/
        (["train", "val"], 8, 4),
        (["train", "valid"], 8, 4),
        (["train", "validation"], 8, 4),
        (["train"], 6, 2),  # a share of train/
    ],
)
def test_parts(folders: list[str], train: int, test: int, tmp_path: Path) -> None:
    """The test part is in test/, or in a folder for validation, or else a share of train/."""
    for name in folders:
        count = 4 if name == "train" else 2 if name == folders[1] else 1
        make_folder(tmp_path, {f"{name}/cat": count, f"{name}/dog": count})
    own = read(tmp_path, test_share=0.25)
    assert (len(own.train), len(own.test)) == (train, test)
    assert own.data_set.classes == ("cat", "dog")


def test_class_called_train(tmp_path: Path) -> None:
    """A folder train/ among others that has pictures itself is a class, as of vehicles."""
    assert read(make_folder(tmp_path, {"bus": 3, "car": 3, "train": 3})).data_set.classes == (
        "bus",
        "car",
        "train",
    )


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    """Hidden files and folders, and what systems leave behind, are no pictures and no classes."""
    make_folder(tmp_path, PETS)
    before = read(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "README.md").write_text("Pets.")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._000.png"):
        (tmp_path / "cat" / name).write_bytes(b"x")
    after = read(tmp_path)
    assert after.data_set == before.data_set
    assert names(after.train) == names(before.train)
    assert after.hashes == before.hashes


def test_links(tmp_path: Path) -> None:
    """Links to pictures and to folders of them are followed."""
    make_folder(tmp_path / "store", {"a": 3})
    make_folder(tmp_path / "pets", {"dog": 3})
    (tmp_path / "pets/cat").symlink_to(tmp_path / "store/a")
    (tmp_path / "pets/dog/linked.png").symlink_to(tmp_path / "store/a/000.png")
    own = read(tmp_path / "pets")
    assert own.data_set.classes == ("cat", "dog")
    assert len(own.train) + len(own.test) == 7


def test_hash_tells_other_data(tmp_path: Path) -> None:
    """The hash stays when data is copied, and changes with a name, a size, or a byte of a file's head."""
    root = make_folder(tmp_path / "a", PETS)
    first = read(root).hashes["folder"]
    copied = Path(shutil.copytree(root, tmp_path / "b"))
    os.utime(copied / "cat/000.png", (0, 0))
    assert read(copied).hashes == {"folder": first}
    file = copied / "cat/000.png"
    data = file.read_bytes()
    file.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
    second = read(copied).hashes["folder"]
    file.write_bytes(data + b"\0")
    third = read(copied).hashes["folder"]
    file.write_bytes(data)
    file.rename(file.with_name("new.png"))
    assert len({first, second, third, read(copied).hashes["folder"]}) == 4


def _text_named_png(root: Path) -> None:
    (root / "cat/003.png").write_text("hello world")


def _empty_files(root: Path) -> None:
    for i in range(5):
        (root / f"cat/{i:03}.png").write_bytes(b"")


def _half_a_head(root: Path) -> None:
    cut(root / "cat/003.png", 0.02)


def _html(root: Path) -> None:
    (root / "dog/001.png").write_text("<!DOCTYPE html><title>403 Forbidden</title>")


def _zeros(root: Path) -> None:
    (root / "dog/001.png").write_bytes(bytes(100))


def _other_format(root: Path) -> None:
    (root / "dog/001.png").write_bytes(b"\0\0\0\x20ftypavif" + bytes(100))


def _bmp_of_words(root: Path) -> None:
    (root / "dog/001.bmp").write_text("BMW, Audi, Opel and others")


def _empty_class(root: Path) -> None:
    (root / "horse").mkdir()


def _hidden_class(root: Path) -> None:
    (root / "horse").mkdir()
    (root / "horse/.nothing").touch()


def _nested(root: Path) -> None:
    make_folder(root / "cat", {"more": 2})


def _loop(root: Path) -> None:
    (root / "cat/again").symlink_to(root)


def _own_link(root: Path) -> None:
    (root / "cat/self.png").symlink_to(root / "cat/self.png")


def _dead_link(root: Path) -> None:
    (root / "cat/gone.png").symlink_to(root / "nowhere.png")


def _pipe(root: Path) -> None:
    os.mkfifo(root / "cat/pipe.png")


def _loose_picture(root: Path) -> None:
    (root / "000.JPG").write_bytes(picture(0))


def _single_picture(root: Path) -> None:
    make_folder(root, {"horse": 1})


def _only_one_class(root: Path) -> None:
    shutil.rmtree(root / "cat")
    shutil.rmtree(root / "Zebra")


def _no_class(root: Path) -> None:
    for name in PETS:
        shutil.rmtree(root / name)


def _only_pictures(root: Path) -> None:
    _no_class(root)
    (root / "000.png").write_bytes(picture(0))


def _gone(root: Path) -> None:
    shutil.rmtree(root)


def _a_file(root: Path) -> None:
    _gone(root)
    root.write_bytes(picture(0))


def _test_alone(root: Path) -> None:
    make_folder(root, {"test/cat": 2, "test/dog": 2})


def _parts_that_differ(root: Path) -> None:
    _no_class(root)
    make_folder(root, {"train/cat": 2, "train/dog": 2, "test/cat": 2, "test/dogs": 2})


def _empty_train(root: Path) -> None:
    _parts_that_differ(root)
    shutil.rmtree(root / "train")
    (root / "train").mkdir()


DAMAGE = [
    (_text_named_png, "1 file does not begin as .* cat/003.png begins with 'hello wo'. Convert or delete"),
    (_empty_files, r"5 pictures are empty \(0 bytes\); cat/000.png, cat/001.png, cat/002.png and 2 more"),
    (_half_a_head, "cat/003.png begins with 89 50 4e 47"),
    (_html, "dog/001.png begins with '<!DOCTYP'"),
    (_zeros, "dog/001.png begins with 00 00 00 00"),
    (_other_format, "dog/001.png begins with 00 00 00 20 66 74 79 70"),
    (_bmp_of_words, "dog/001.bmp begins with 'BMW, Aud'"),
    (_empty_class, "1 class has no pictures in its folder; horse. Add some"),
    (_hidden_class, "1 class has no pictures in its folder; horse"),
    (_nested, "1 folder is inside that of a class; cat/more. Put all"),
    (_loop, "1 folder is inside that of a class; cat/again"),
    (_own_link, r"1 entry is not a file .*cat/self.png"),
    (_dead_link, r"1 entry is not a file .*cat/gone.png"),
    (_pipe, r"1 entry is not a file .*cat/pipe.png"),
    (_loose_picture, "1 picture is in no class's folder; 000.JPG"),
    (_single_picture, "1 class has only one picture, and none for the test; horse"),
    (_only_one_class, "there is only one class, dog"),
    (_no_class, "there are no classes"),
    (_only_pictures, "there are no classes"),
    (_gone, "pets: there is no such folder"),
    (_a_file, "pets: this is a file"),
    (_test_alone, r"there is a folder test/, but no folder train/"),
    (_parts_that_differ, "missing in the test part; dog. (.|\n)*missing in the training part; dogs"),
    (_empty_train, "train: there are no classes"),
]


@pytest.mark.parametrize(("harm", "message"), DAMAGE, ids=lambda c: getattr(c, "__name__", ""))
def test_damage(harm: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    """What is wrong with a folder is told before training, with what to do."""
    root = make_folder(tmp_path / "pets", PETS)
    harm(root)
    with pytest.raises(DataError, match=message):
        read(root)


def test_everything_at_once(tmp_path: Path) -> None:
    """All that is wrong with a folder is told in one error."""
    root = make_folder(tmp_path / "pets", PETS)
    for harm in (_html, _empty_files, _nested, _empty_class, _loose_picture):
        harm(root)
    with pytest.raises(DataError) as caught:
        read(root)
    assert len(caught.value.problems) == 5
    assert all(p.place and p.place.file == str(root) for p in caught.value.problems)


def test_damaged_files_left_out(tmp_path: Path) -> None:
    """With `damaged: skip` empty files and those that are no pictures are left out, and counted."""
    root = make_folder(tmp_path / "pets", PETS)
    _empty_files(root)
    _html(root)
    own = read(root, "skip")
    assert len(own.train) + len(own.test) == sum(PETS.values()) - 6
    told = [str(problem) for problem in own.left_out]
    assert any("warning: 5 pictures are empty" in text for text in told)
    assert any("warning: 1 file does not begin as" in text and "left out" in text for text in told)
    for file in (root / "dog").iterdir():
        file.write_text("no picture")
    with pytest.raises(DataError, match="1 class has no training picture; dog"):
        read(root, "skip")
    _nested(root)
    with pytest.raises(DataError, match="inside that of a class"):
        read(root, "skip")


def test_long_names_leave_room_for_the_fix(tmp_path: Path) -> None:
    """A message stays readable where names are as long as a disk allows."""
    root = make_folder(tmp_path / "pets", PETS)
    for i in range(9):
        (root / "cat" / f"{str(i) * 240}.png").touch()
    with pytest.raises(DataError, match=r"…2.* and 6 more\. Replace or delete"):
        read(root)
