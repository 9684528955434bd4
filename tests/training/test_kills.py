"""A training that is killed at any moment goes on from its folder as if nothing had happened."""

import json
import random
from dataclasses import replace
from pathlib import Path

import mortal
import pytest
from data_fixtures import _declared, write_files
from mortal import Data, Told

import cnnspec
from cnnspec import catalog

KILLS = 200


@pytest.fixture(scope="module")
def data(tiny_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Data:
    """The small MNIST, on disk."""
    files = {key: _declared(catalog.MNIST.files[key], found) for key, found in tiny_files.items()}
    data_set = replace(catalog.MNIST, files=files, mirrors=())
    root = tmp_path_factory.mktemp("data")
    write_files(root, data_set, tiny_files)
    return Data(data_set, root)


@pytest.fixture(scope="module")
def whole(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What a training comes to that nobody kills, and its file operations."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    told = mortal.run(mortal.train_until_operation, data, folder, -1)
    assert told is not None
    assert "previous.safetensors" in {file.name for file in folder.iterdir()}
    return told | {"files": contents(folder)}


def contents(folder: Path) -> dict[str, bytes]:
    """Return what a run's files hold, without what is another each time: the clock's."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    best = cnnspec.load_run(folder)
    return {
        "spec": (folder / "spec.yaml").read_bytes(),
        "metrics": json.dumps([{k: v for k, v in row.items() if k != "seconds"} for row in rows]).encode(),
        "best": f"{best.best_epoch} {cnnspec.training.checkpoint.weights_hash(best.model)}".encode(),
    }


def is_as_whole(told: Told | None, folder: Path, whole: Told) -> bool:
    """Tell whether a training ended in the very weights and rows that it would have without kills."""
    assert told is not None
    assert told["history"] == whole["history"]
    assert contents(folder) == whole["files"]
    assert {file.name for file in folder.iterdir()} == {
        *("spec.yaml", "environment.json", "metrics.jsonl"),
        *("best.safetensors", "last.safetensors", "previous.safetensors"),
    }
    return bool(told["hash"] == whole["hash"])


def test_200_kills(data: Data, whole: Told, tmp_path: Path) -> None:
    """After 200 kills at random times, every run has ended in the weights of the one that nobody killed."""
    draw = random.Random()  # noqa: S311  # other times in every run of the tests
    usual = mortal.run(mortal.train, data, tmp_path / "0")
    assert usual is not None
    kills = runs = 0
    while kills < KILLS or runs < 10:
        runs += 1
        folder, told = tmp_path / str(runs), None
        while told is None:
            told = mortal.run(mortal.train, data, folder, seconds=draw.uniform(0, usual["seconds"]))
            kills += told is None
        assert is_as_whole(told, folder, whole)


def test_killed_at_each_operation(data: Data, whole: Told, tmp_path: Path) -> None:
    """Wherever in an epoch's saves it is killed, a training goes on to the very same weights."""
    operations = whole["operations"]
    files = [at for at, name in enumerate(operations) if name == "open to write"]
    # Those of the first epoch: environment, spec, a checkpoint within, the best, the last, metrics.
    second = range(files[6], len(operations))
    kinds = {"open to write", "write", "flush", "fsync", "link", "replace", "open", "unlink"}
    assert {operations[at] for at in second} == kinds
    for at in second:
        folder = tmp_path / str(at)
        assert mortal.run(mortal.train_until_operation, data, folder, at) is None
        assert is_as_whole(mortal.run(mortal.train, data, folder), folder, whole)


@pytest.mark.parametrize("saves", [1, 2, 3, 4])
def test_killed_after_each_checkpoint(saves: int, data: Data, whole: Told, tmp_path: Path) -> None:
    """From a checkpoint within an epoch or at its end, a fresh process goes on to the very same weights."""
    folder = tmp_path / "run"
    assert mortal.run(mortal.train_until_save, data, folder, saves) is None
    assert is_as_whole(mortal.run(mortal.train, data, folder), folder, whole)
