"""A run folder survives full disks and deaths of its process, and belongs to one process at a time."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from faults import DEAD, Faults, die, fail, in_child
from safetensors.torch import save
from torch import nn

import cnnspec
from cnnspec.errors import CheckpointError
from cnnspec.training.checkpoint import State, weights_hash
from cnnspec.training.folder import RunFolder

SAVE = [
    "open to write",
    *["write"] * 6,
    "flush",
    "fsync",
    "unlink",
    "link",
    "replace",
    "replace",
    "open",
    "fsync",
]


def new_state(number: int) -> State:
    """A state that says its number: all its weights are that."""
    model = nn.Linear(3, 2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(number)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for parameter in model.parameters():
        optimizer.state[parameter]["momentum_buffer"] = torch.full_like(parameter, number)
    return State(model, optimizer)


def facts(number: int) -> dict[str, Any]:
    return {
        "epoch": number,
        "step": 0,
        "history": [{"epoch": n, "test_accuracy": 0.5} for n in range(number)],
    }


def latest(path: Path, notices: list[str]) -> int:
    """Return the number of the state that a process would go on from; it must be one state throughout."""
    state = new_state(-1)
    found = RunFolder(path).latest(state, notices.append)
    assert found is not None
    number = int(found["epoch"])
    assert found == facts(number)
    assert weights_hash(state.model) == weights_hash(new_state(number).model)
    for values in state.optimizer.state.values():
        assert bool((values["momentum_buffer"] == number).all())
    return number


def saved(path: Path, *numbers: int) -> RunFolder:
    """Return a folder in which states were saved one after the other."""
    folder = RunFolder.create(path, "net")
    for number in numbers:
        folder.save(new_state(number), facts(number))
    return folder


@pytest.fixture
def spec() -> cnnspec.Spec:
    return cnnspec.loads("input: [1, 2, 2]\nlayers: [flatten, {fc: 2}]")


def parts(path: Path) -> list[str]:
    return [file.name for file in path.iterdir() if file.name.endswith(".part")]


def test_operations_of_a_save(tmp_path: Path) -> None:
    """The tests below know every file operation of a save; flushing and syncing come before renaming."""
    folder, faults = saved(tmp_path / "run", 1, 2), Faults()
    with faults.injected():
        folder.save(new_state(3), facts(3))
    assert [name for name in faults.names if name != "unlink"] == [name for name in SAVE if name != "unlink"]


@pytest.mark.parametrize(
    ("number", "before"),
    [
        (errno.ENOSPC, []),
        (errno.ENOSPC, [1]),
        (errno.ENOSPC, [1, 2]),
        (errno.EIO, [1, 2]),
        (errno.EROFS, [1, 2]),
    ],
)
def test_each_operation_fails(number: int, before: list[int], tmp_path: Path) -> None:
    """Wherever a save fails, the checkpoint before is there without a word, or the new one is, and no part."""
    told = 0
    for at in range(30):
        folder, faults = saved(tmp_path / str(at), *before), Faults(at, fail(number))
        try:
            with faults.injected():
                folder.save(new_state(3), facts(3))
        except CheckpointError as error:
            told += os.strerror(number) in str(error)
        else:
            assert faults.names[at : at + 1] in ([], ["link"], ["unlink"])
        notices: list[str] = []
        if before or (folder.path / "last.safetensors").exists():
            assert latest(folder.path, notices) in {*before[-1:], 3}
        assert notices == []
        assert parts(folder.path) == [] or faults.names[at] == "unlink"
        folder.save(new_state(4), facts(4))
        assert latest(folder.path, notices) == 4
        folder.close()
        if at >= len(faults.names):
            break
    assert told > 10
    assert at > 10


@pytest.mark.parametrize("before", [[], [1], [1, 2]], ids=len)
def test_each_operation_is_the_last(before: list[int], tmp_path: Path) -> None:
    """Wherever a process dies in a save, the next one goes on from the checkpoint before or the new one."""
    deaths = 0
    for at in range(30):
        path = tmp_path / str(at)
        saved(path, *before).close()
        (path / "spec.yaml").touch()

        def save(path: Path = path, at: int = at) -> None:
            folder = RunFolder.open(path)
            with Faults(at, die).injected():
                folder.save(new_state(3), facts(3))

        code = in_child(save)
        notices: list[str] = []
        folder = RunFolder.open(path)  # the lock died with its process
        assert parts(path) == []
        if before or (path / "last.safetensors").exists():
            assert latest(path, notices) in {*before[-1:], 3}
        else:
            assert folder.latest(new_state(0), notices.append) is None
        assert notices == []
        folder.save(new_state(4), facts(4))
        assert latest(path, notices) == 4
        folder.close()
        if code != DEAD:
            assert code == 0
            break
        deaths += 1
    assert deaths > 10


def test_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without hard links keeps the one before as well, also when the process dies between the renames."""
    monkeypatch.setattr(os, "link", fail(errno.EPERM))
    folder = saved(tmp_path / "run", 1, 2)
    notices: list[str] = []
    assert latest(folder.path, notices) == 2
    before = SAVE.index("link") + 2  # the second rename, which never comes

    def save() -> None:
        with Faults(before, die).injected():
            folder.save(new_state(3), facts(3))

    assert in_child(save) == DEAD
    assert not (folder.path / "last.safetensors").exists()
    assert latest(folder.path, notices) == 2
    assert len(notices) == 1


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [damage, Path.unlink, lambda path: path.write_bytes(b"")])
def test_damaged_one_falls_back(harm: Callable[[Path], object], tmp_path: Path) -> None:
    """For a damaged or missing checkpoint the one before is taken, loudly, and is kept until there is a new one."""
    folder = saved(tmp_path / "run", 1, 2)
    harm(folder.path / "last.safetensors")
    notices: list[str] = []
    state = new_state(0)
    found = folder.latest(state, notices.append)
    assert found == facts(1)
    assert weights_hash(state.model) == weights_hash(new_state(1).model)
    (text,) = notices
    assert text.startswith(str(folder.path / "last.safetensors"))
    assert text.endswith("Training goes on from the one before it, previous.safetensors.")
    good = (folder.path / "previous.safetensors").read_bytes()
    folder.save(new_state(2), facts(2))
    assert (folder.path / "previous.safetensors").read_bytes() == good
    folder.save(new_state(3), facts(3))
    harm(folder.path / "last.safetensors")
    assert latest(folder.path, notices) == 2


def test_both_damaged(tmp_path: Path) -> None:
    """Where the one before is damaged as well, both are named, and nothing is made up."""
    folder = saved(tmp_path / "run", 1, 2)
    for name in ("last", "previous"):
        damage(folder.path / f"{name}.safetensors")
    with pytest.raises(CheckpointError, match=r"(?s)last.*is damaged.*previous.*is damaged"):
        folder.latest(new_state(0), pytest.fail)


def test_no_checkpoint_yet(tmp_path: Path) -> None:
    """A run that was killed before its first checkpoint has none; one that lost all of them says so."""
    folder = saved(tmp_path / "run")
    assert folder.latest(new_state(0), pytest.fail) is None
    folder.write_metrics([{"epoch": 1}])
    with pytest.raises(CheckpointError, match="there is no such checkpoint"):
        folder.latest(new_state(0), pytest.fail)


def test_a_run_of_the_first_version(tmp_path: Path) -> None:
    """A checkpoint of format 1 is gone on from, with the history from the metrics."""
    folder = saved(tmp_path / "run")
    rows = [{"epoch": n, "test_accuracy": n / 10} for n in (1, 2, 3)]
    folder.write_metrics(rows)
    theirs = new_state(7)
    tensors = {f"model.{key}": value for key, value in theirs.model.state_dict().items()}
    header = {"format": 1, "optimizer": theirs.optimizer.state_dict()["param_groups"], **rows[1]}
    (folder.path / "last.safetensors").write_bytes(save(tensors, {"cnnspec": json.dumps(header)}))
    state = new_state(0)
    assert folder.latest(state, pytest.fail) == {"epoch": 2, "step": 0, "history": rows[:2]}
    assert weights_hash(state.model) == weights_hash(theirs.model)
    (folder.path / "metrics.jsonl").write_text("nonsense")
    with pytest.raises(CheckpointError, match="the metrics cannot be read"):
        folder.latest(state, pytest.fail)


def in_use(path: Path) -> list[str]:
    """Return what another process is told that wants the folder, to begin and to go on."""
    told = []
    for take in (lambda: RunFolder.create(path, "net"), lambda: RunFolder.open(path)):
        read, write = os.pipe()

        def work(take: Callable[[], RunFolder] = take, write: int = write) -> None:
            try:
                take()
            except CheckpointError as error:
                os.write(write, str(error).encode())

        assert in_child(work) == 0
        os.close(write)
        told.append(os.read(read, 1000).decode())
        os.close(read)
    return told


def test_two_processes(spec: cnnspec.Spec, tmp_path: Path) -> None:
    """While one process trains in a folder no other can; after its end, or its death, another can go on."""
    path = tmp_path / "run"
    folder = RunFolder.create(path, "net")
    folder.begin(spec, {})
    folder.save(new_state(1), facts(1))
    before = (path / "last.safetensors").read_bytes()
    assert ["another process trains in this folder" in text for text in in_use(path)] == [True, True]
    assert (path / "last.safetensors").read_bytes() == before
    folder.close()
    assert not (path / ".lock").exists()
    RunFolder.open(path).close()
    first, second = in_use(path)
    assert "the folder is not empty" in first
    assert second == ""

    def killed() -> None:
        assert RunFolder.open(path).lock.is_locked
        die()

    assert in_child(killed) == DEAD
    RunFolder.open(path).close()


def test_nothing_to_resume(tmp_path: Path) -> None:
    """A folder that is no run is told, and nothing is written into it."""
    with pytest.raises(CheckpointError, match=r"there is no run to resume; spec.yaml is missing"):
        RunFolder.open(tmp_path)
    with pytest.raises(CheckpointError, match="there is no run to resume"):
        RunFolder.open(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_died_before_it_began(spec: cnnspec.Spec, tmp_path: Path) -> None:
    """Wherever a process dies before there is a run, the same command begins it in the same folder."""
    deaths = 0
    for at in range(60):
        path = tmp_path / str(at)

        def begin(path: Path = path, at: int = at) -> None:
            with Faults(at, die).injected():
                RunFolder.create(path, "net").begin(spec, {"seed": 0})

        code = in_child(begin)
        if (path / "spec.yaml").exists():
            assert json.loads((path / "environment.json").read_text()) == {"seed": 0}
            RunFolder.open(path).close()
        else:
            RunFolder.create(path, "net").close()
        if code != DEAD:
            break
        deaths += 1
    assert deaths > 10


@pytest.mark.parametrize("name", ["environment.json", "thesis.txt", ".hidden"])
def test_what_is_there_is_not_ours(name: str, tmp_path: Path) -> None:
    """A folder with files of others is refused, and left without a trace."""
    (tmp_path / name).write_text("years of work")
    with pytest.raises(CheckpointError, match="the folder is not empty"):
        RunFolder.create(tmp_path, "net")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(name, "years of work")]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "No space left on device. Make room, or use another folder"),
        (errno.EROFS, "Read-only file system. Make the folder writable, or use another one"),
        (errno.EACCES, "Permission denied. Make the folder writable, or use another one"),
        (errno.EPERM, "Operation not permitted. Make the folder writable, or use another one"),
    ],
)
def test_folder_that_cannot_be_written(number: int, message: str, tmp_path: Path, monkeypatch: Any) -> None:
    """A read-only folder, another owner's, or one on a full disk is told before training, new and to go on with."""
    saved(tmp_path / "run", 1).close()
    (tmp_path / "run" / "spec.yaml").touch()
    monkeypatch.setattr(os, "open", fail(number))
    with pytest.raises(CheckpointError, match=f"run: the run folder cannot be written; {message}"):
        RunFolder.open(tmp_path / "run")
    with pytest.raises(CheckpointError, match=f"new: the run folder cannot be written; {message}"):
        RunFolder.create(tmp_path / "new", "net")
    assert not (tmp_path / "new").exists()
    assert latest(tmp_path / "run", []) == 1


def test_discard(spec: cnnspec.Spec, tmp_path: Path) -> None:
    """Without a checkpoint, nothing stays that was made here; with one, or of another's run, all does."""
    (tmp_path / "mine").mkdir()
    for path in (tmp_path / "mine", tmp_path / "a" / "b"):
        folder = RunFolder.create(path, "net")
        folder.begin(spec, {})
        folder.save_best(new_state(1), facts(1))
        folder.discard()
    assert [file.name for file in tmp_path.rglob("*")] == ["mine"]
    folder = RunFolder.create(tmp_path / "run", "net")
    folder.begin(spec, {})
    shutil.copytree(tmp_path / "run", tmp_path / "killed")
    folder.save(new_state(1), facts(1))
    folder.discard()
    RunFolder.open(tmp_path / "killed").discard()
    assert sorted(file.name for file in (tmp_path / "run").iterdir()) == [
        "environment.json",
        "last.safetensors",
        "spec.yaml",
    ]
    assert (tmp_path / "killed" / "spec.yaml").exists()
