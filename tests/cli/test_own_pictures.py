"""One's own pictures on the command line: trained on, tested, predicted, and what is wrong with them told."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from own_data import make_folder, make_tar, samples

import cnnspec
from cnnspec import machine
from cnnspec.cli import run

CLASSES = {"cat": 30, "dog": 24, "eel": 18}

NET = """
input: [1, 8, 8]
layers: [flatten, fc: 3]
data: {folder: pictures}
train: {epochs: 2, batch_size: 16}
"""

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A spec beside a folder of pictures, seen from another folder."""
    project = tmp_path / "project"
    make_folder(project / "pictures", CLASSES)
    (project / "net.yaml").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return "project/net.yaml"


def train(*arguments: str) -> int:
    return run(["train", *arguments, "--threads", "1", "--device", "cpu"])


def test_train_evaluate_predict(net: str, tmp_path: Path, capsys: Capture) -> None:
    """From a folder to a prediction, without a line of code."""
    assert train(net, "--out", "run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "net on pictures: 57 + 15 pictures of 3 classes"
    assert lines[1] == "57 pictures to learn from, 15 to test; cpu, 1 thread; run"
    assert lines[-2].endswith(", on pictures.")
    assert run(["evaluate", "run", "--format", "json"]) == 0
    tested = json.loads(capsys.readouterr().out)
    assert (tested["dataset"], tested["classes"]) == ("pictures", list(CLASSES))
    assert [one["support"] for one in tested["per_class"]] == [6, 5, 4]
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert tested["accuracy"] == max(row["test_accuracy"] for row in rows)
    assert run(["predict", "run", "project/pictures/dog/001.png", "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert list(found["probabilities"]) == list(CLASSES)


def test_trains_as_json(net: str, capsys: Capture) -> None:
    """For a program, the result names the folder as its data set."""
    assert train(net, "--out", "run", "--format", "json", "--quiet") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["dataset"], result["asked"], result["epochs"]) == ("pictures", "pictures", 2)


def test_dry_run(net: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """A dry run says whether the pictures are held, or read when they are needed."""
    assert train(net, "--dry-run") == 0
    assert "57 pictures to learn from, 15 to test; held on the device" in capsys.readouterr().out
    monkeypatch.setattr(machine, "free", lambda: 1)
    assert train(net, "--dry-run") == 0
    assert "57 pictures to learn from, 15 to test; read from disk when needed" in capsys.readouterr().out


def test_damaged_pictures_are_counted(net: str, tmp_path: Path, capsys: Capture) -> None:
    """At each epoch's end it is told how many pictures could not be read, and what was done about them."""
    make_folder(tmp_path / "project/parts/train", CLASSES)
    make_folder(tmp_path / "project/parts/test", CLASSES)
    for name in ("train/cat/003.png", "train/dog/004.png", "test/cat/005.png"):
        path = tmp_path / "project/parts" / name
        path.write_bytes(path.read_bytes()[:60])
    (tmp_path / "project/net.yaml").write_text(NET.replace("pictures", "parts, damaged: skip"))
    assert train(net, "--out", "run") == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "cannot be read" in line]
    text = "Pictures that cannot be read: 2 to learn from, which others of their classes stand in for; "
    assert told == [f"{text}1 of the test pictures, which are left out"] * 2
    assert run(["evaluate", "run"]) == 0
    assert "1 pictures cannot be read, and are left out" in capsys.readouterr().out
    assert run(["evaluate", "run", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["damaged"] == 1


WRONG = {
    "no folder": ("folder: picturs", "{}/picturs: there is no such folder. Check the name"),
    "no file": ("arrays: a.npz", "{}/a.npz: there is no such file. Check the name"),
    "no shard": ("shards: 'a-{0..2}.tar'", "3 shards are missing; a-0.tar, a-1.tar, a-2.tar"),
    "a class": ("folder: pictures/cat", "{}/pictures/cat: there are no classes"),
    "two sources": (
        "folder: pictures, dataset: mnist",
        "net.yaml:4:26: data has both 'folder' and 'dataset'; a network learns from one of them. Remove one.",
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong_data(case: tuple[str, str], net: str, tmp_path: Path, capsys: Capture) -> None:
    """What is wrong with the place of the pictures is told in the one form, and no run folder is left."""
    section, message = case
    (tmp_path / net).write_text(NET.replace("folder: pictures", section))
    assert train(net, "--out", "run") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert message.format(tmp_path / "project") in err
    assert not (tmp_path / "run").exists()


def test_units(net: str, tmp_path: Path, capsys: Capture) -> None:
    """A network with another number of outputs than classes is told so at its place, once they are known."""
    (tmp_path / net).write_text(NET.replace("fc: 3", "fc: 4"))
    assert train(net, "--out", "run") == 1
    assert "net.yaml:3:19: fc1 has 4 units; pictures has 3 classes" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_what_is_wrong_is_told_before_the_pictures_are_read(
    net: str, tmp_path: Path, capsys: Capture
) -> None:
    """What needs no picture to be known, such as an input of two channels, is told at once."""
    (tmp_path / net).write_text(NET.replace("[1, 8, 8]", "[2, 8, 8]").replace("pictures", "nowhere"))
    assert train(net, "--out", "run") == 1
    err = capsys.readouterr().err
    assert (
        "input has 2 channels, but nowhere holds pictures; they can be given as 3 channels, or in grey" in err
    )


def test_check_resolved(net: str, tmp_path: Path, capsys: Capture) -> None:
    """The spec with all its defaults has the pictures' whole path, so that it is the same spec anywhere."""
    assert run(["check", "--resolved", net]) == 0
    spec = cnnspec.loads(capsys.readouterr().out)
    assert (spec.data.folder, spec.data.test_share) == (str(tmp_path / "project/pictures"), 0.2)
    assert spec.data.damaged == "error"


def test_standard_input(net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a spec from standard input, paths are relative to the working folder."""
    text = NET.replace("pictures", "project/pictures")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert train("-", "--out", "run", "--quiet") == 0
    assert cnnspec.load(tmp_path / "run/spec.yaml").data.folder == str(tmp_path / "project/pictures")


def test_moved_pictures(net: str, tmp_path: Path, capsys: Capture) -> None:
    """Where the pictures have moved to is told by --data-root: that folder itself, or the one it is in."""
    assert train(net, "--out", "run", "--quiet") == 0
    (tmp_path / "disk").mkdir()
    (tmp_path / "project/pictures").rename(tmp_path / "disk/pictures")
    capsys.readouterr()
    assert run(["evaluate", "run"]) == 1
    assert f"{tmp_path}/project/pictures: there is no such folder" in capsys.readouterr().err
    for root in ("disk", "disk/pictures"):
        assert run(["evaluate", "run", "--data-root", root]) == 0
    assert train("--resume", "run", "--epochs", "3", "--data-root", "disk", "--quiet") == 0


def test_dataset_instead(net: str, tiny_root: Path, tmp_path: Path, capsys: Capture) -> None:
    """--dataset goes before the folder that the spec names."""
    (tmp_path / net).write_text(NET.replace("fc: 3", "fc: 10"))
    assert train(net, "--out", "run", "--dataset", "mnist", "--quiet") == 0
    data = cnnspec.load(tmp_path / "run/spec.yaml").data
    assert (data.dataset, data.folder) == ("mnist", None)


def test_shards(net: str, tmp_path: Path, capsys: Capture) -> None:
    """Shards for training and for the test are named by their patterns."""
    for number in range(2):
        folder = tmp_path / f"project/part-{number}"
        folder.mkdir()
        make_tar(folder / "train.tar", samples(30 * number, 30, classes=3))
        make_tar(folder / "test.tar", samples(60 + 6 * number, 6, classes=3))
    section = "shards: {train: 'part-{0..1}/train.tar', test: 'part-{0..1}/test.tar'}"
    (tmp_path / net).write_text(NET.replace("folder: pictures", section))
    assert train(net, "--out", "run") == 0
    assert "60 pictures to learn from, 12 to test" in capsys.readouterr().out
    assert run(["evaluate", "run"]) == 0


def test_all_named_sets_can_be_asked_for(net: str, capsys: Any) -> None:
    """--dataset offers every data set that has a name."""
    assert train(net, "--dataset", "imagenet") == 2
    err = capsys.readouterr().err
    for name in (
        "mnist",
        "fashion-mnist",
        "kmnist",
        "qmnist",
        "usps",
        "cifar10",
        "cifar100",
        "svhn",
        "stl10",
    ):
        assert f"'{name}'" in err
