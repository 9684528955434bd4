"""A run's folder tells without torch what was trained, how well, and where the run is, whatever is in it."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults import DEAD, die, fail, in_child
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnspec
from cnnspec.errors import CheckpointError, CnnspecError, Problem
from cnnspec.training import Reporter, find_runs, read_record
from cnnspec.training.folder import RunFolder
from cnnspec.training.record import MAX_BYTES

NET = """
name: net
input: [1, 28, 28]
layers: [flatten, {fc: 10}]
train: {epochs: 2, batch_size: 100, optimizer: {adam: {lr: 0.01}}}
"""


def train(out: Path, *, text: str = NET, **options: Any) -> None:
    cnnspec.train(cnnspec.loads(text), out=out, device="cpu", threads=1, **options)


class Stop(Reporter):
    """Asks the training to stop in a step of an epoch, as Ctrl-C does."""

    def __init__(self, epoch: int) -> None:
        self.at = epoch

    def step(self, epoch: int, *_: object) -> None:
        if epoch == self.at:
            signal.raise_signal(signal.SIGINT)


def stopped(work: Callable[[], object]) -> None:
    with pytest.raises(KeyboardInterrupt):
        work()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs on the sample of MNIST, both done."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    train(folder, dataset="mnist-sample")
    return folder


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(finished, tmp_path / "run")


def test_what_it_tells(finished: Path) -> None:
    """All that a record tells agrees with the run that torch reads, and with its environment."""
    record, run = read_record(finished), cnnspec.load_run(finished)
    assert (record.folder, record.history, record.environment) == (finished, run.history, run.environment)
    assert record.state == "finished"
    assert record.best is not None
    assert record.best["epoch"] == run.best_epoch
    assert record.accuracy == run.history[run.best_epoch - 1]["test_accuracy"]
    assert record.seconds == pytest.approx(sum(row["seconds"] for row in run.history))
    assert record.started is not None
    assert record.started.isoformat(timespec="seconds") == record.environment["started"]
    assert (record.asked, record.sample_of) == ("mnist-sample", "mnist")
    assert record.plan.params == sum(p.numel() for p in run.model.parameters())


def test_running(tiny_root: Path, tmp_path: Path) -> None:
    """While it trains, a run is running, with the epochs so far; looking at it takes nothing from it."""
    seen: list[tuple[str, int]] = []

    class Look(Reporter):
        def begin(self, *_: object) -> None:
            self.epoch()

        def epoch(self, *_: object) -> None:
            record = read_record(tmp_path / "run")
            record.check_weights()
            seen.append((record.state, len(record.history)))

    train(tmp_path / "run", reporter=Look())
    assert seen == [("running", 0), ("running", 1), ("running", 2)]
    assert read_record(tmp_path / "run").state == "finished"


def state(folder: Path) -> tuple[str, int, int]:
    """Return a run's state, its epochs, and how many were asked for; its weights are there."""
    record = read_record(folder)
    record.check_weights()
    return record.state, len(record.history), record.spec.train.epochs


def test_interrupted(tiny_root: Path, tmp_path: Path) -> None:
    """A run that was stopped is interrupted until all its epochs are done, also those asked for later."""
    folder = tmp_path / "run"
    stopped(lambda: train(folder, reporter=Stop(1)))
    assert state(folder) == ("interrupted", 0, 2)
    assert not (folder / "metrics.jsonl").exists()
    go_on: dict[str, Any] = {"resume": folder, "device": "cpu", "threads": 1}
    stopped(lambda: cnnspec.train(**go_on, reporter=Stop(1)))
    assert (folder / "metrics.jsonl").read_text() == ""
    assert state(folder) == ("interrupted", 0, 2)
    stopped(lambda: cnnspec.train(**go_on, reporter=Stop(2)))
    assert state(folder) == ("interrupted", 1, 2)
    cnnspec.train(**go_on)
    assert state(folder) == ("finished", 2, 2)
    stopped(lambda: cnnspec.train(**go_on, epochs=4, reporter=Stop(4)))
    assert state(folder) == ("interrupted", 3, 4)


def test_stopped_early(tiny_root: Path, tmp_path: Path) -> None:
    """A run that early stopping ended is neither finished nor interrupted."""
    train(
        tmp_path / "run",
        text=NET.replace("epochs: 2", "epochs: 9, early_stopping: 1").replace("0.01", "1e-12"),
    )
    assert state(tmp_path / "run") == ("stopped early", 2, 9)


def test_killed(copied: Path) -> None:
    """A process that dies leaves its lock behind, and the run is interrupted, not running."""
    text = (copied / "spec.yaml").read_text().replace("epochs: 2", "epochs: 3")
    (copied / "spec.yaml").write_text(text)

    def killed() -> None:
        folder = RunFolder.open(copied)
        assert read_record(folder.path).state == "running"
        die()

    assert in_child(killed) == DEAD
    assert (copied / ".lock").exists()
    assert read_record(copied).state == "interrupted"


def test_locks_of_others(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a run is running can be seen of another user's, too, whose files cannot be written."""
    real = os.open

    def to_read(path: str, flags: int, *more: Any, **options: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, flags, *more, **options)

    folder = RunFolder.open(copied)
    monkeypatch.setattr(os, "open", to_read)
    assert read_record(copied).state == "running"
    folder.close()


def test_a_look_is_waited_for(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wants to train in a folder just when someone looks whether it is held gets it all the same."""
    fcntl = pytest.importorskip("fcntl")
    (copied / ".lock").touch()
    with (copied / ".lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        real = fcntl.flock

        def flock(descriptor: int, operation: int) -> None:
            try:
                real(descriptor, operation)
            finally:
                real(looking, fcntl.LOCK_UN)  # the look is over by the next attempt

        monkeypatch.setattr(fcntl, "flock", flock)
        RunFolder.open(copied).close()


def damage(name: str, text: str | bytes | None) -> Callable[[Path], None]:
    """Return what replaces a file, or removes it."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        if text is not None:
            (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)

    return change


def pipe(folder: Path) -> None:
    """Put a pipe in the place of the metrics: who opens it would wait forever."""
    (folder / "metrics.jsonl").unlink()
    os.mkfifo(folder / "metrics.jsonl")


def grow(folder: Path) -> None:
    """Make the environment larger than anything a run writes."""
    with (folder / "environment.json").open("r+b") as stream:
        stream.truncate(MAX_BYTES + 1)


ROW = '{"epoch": 1, "train_loss": 0.5, "test_accuracy": %s}\n'

BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no spec": (damage("spec.yaml", None), "this is not a whole run; spec.yaml is missing"),
    "no environment": (damage("environment.json", None), "environment.json is missing"),
    "no weights": (damage("best.safetensors", None), "best.safetensors is missing"),
    "spec is a list": (damage("spec.yaml", "- relu"), "spec.yaml:1:1: the file holds a list, not a mapping"),
    "spec is binary": (damage("spec.yaml", b"\xff\xfe"), "is not UTF-8 text"),
    "spec is a bomb": (damage("spec.yaml", "[" * 100_000), "spec.yaml:1:"),
    "half a row": (damage("metrics.jsonl", '{"epoch": 1'), "metrics.jsonl:1:1: this is not valid JSON"),
    "NaN": (damage("metrics.jsonl", ROW % "NaN"), "there is no NaN in JSON"),
    "infinite": (damage("metrics.jsonl", ROW % "1e999"), "no line of metrics; 'test_accuracy' is inf"),
    "more than all": (damage("metrics.jsonl", ROW % "1.5"), "'test_accuracy' is 1.5"),
    "a text": (damage("metrics.jsonl", ROW % '"high"'), "'test_accuracy' is 'high'"),
    "true": (damage("metrics.jsonl", ROW % "true"), "'test_accuracy' is true"),
    "no epoch": (damage("metrics.jsonl", '{"train_loss": 1}'), "'epoch' is missing"),
    "many digits": (damage("metrics.jsonl", ROW % ("9" * 5000)), "this is not valid JSON"),
    "deep": (damage("metrics.jsonl", "[" * 100_000), "this is not valid JSON"),
    "second row": (damage("metrics.jsonl", ROW % "0.5" + "\n"), "metrics.jsonl:2:1: this is not valid JSON"),
    "a pipe": (pipe, "metrics.jsonl: this is not a file"),
    "environment is a list": (damage("environment.json", "[]"), "environment.json: this is not a JSON object"),
    "environment is large": (grow, "environment.json: the file is larger than 64 MiB"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_damaged(bad: tuple[Callable[[Path], None], str], copied: Path) -> None:
    """What is wrong with a run is told at its place, and nothing hangs."""
    change, message = bad
    change(copied)
    with pytest.raises(CnnspecError) as caught:
        read_record(copied).check_weights()
    assert str(copied) in str(caught.value)
    assert message in str(caught.value)


def test_nothing_to_go_on_with(tiny_root: Path, tmp_path: Path) -> None:
    """An interrupted run that lost its checkpoints cannot go on; one that is finished needs none of them."""
    train(tmp_path / "run")
    for name in ("last", "previous"):
        (tmp_path / "run" / f"{name}.safetensors").unlink()
    read_record(tmp_path / "run").check_weights()
    text = (tmp_path / "run/spec.yaml").read_text().replace("epochs: 2", "epochs: 3")
    (tmp_path / "run/spec.yaml").write_text(text)
    with pytest.raises(CheckpointError, match=r"last.safetensors is missing"):
        read_record(tmp_path / "run").check_weights()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=9,
)
NAMES = st.sampled_from(["epoch", "train_loss", "test_accuracy", "test_loss", "seconds", "lr", "dataset"])
ROWS = st.lists(st.fixed_dictionaries({"epoch": st.integers(1, 3) | JSON}, optional={"train_loss": JSON}))
ENVIRONMENTS = st.dictionaries(st.sampled_from(["started", "data", "device", "seed"]), JSON)
DATES = st.datetimes(timezones=st.none() | st.timezones()).map(lambda time: {"started": time.isoformat()})


@settings(max_examples=60)
@given(rows=ROWS | st.lists(st.dictionaries(NAMES, JSON | st.floats(0, 1))), environment=ENVIRONMENTS | DATES)
def test_any_values(rows: list[Any], environment: Any, finished: Path) -> None:
    """Whatever JSON stands in its files, a run is read, or named with what is wrong; all it tells is finite."""
    folder = finished.parent / "any"
    folder.mkdir(exist_ok=True)
    (folder / "spec.yaml").write_text(NET)
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        record = read_record(folder)
    except CheckpointError:
        return
    told = [record.accuracy, record.seconds, record.best, record.history]
    json.dumps(told, allow_nan=False)
    assert isinstance(record.asked, str)
    assert record.started is None or record.started.tzinfo


@settings(max_examples=60)
@given(name=st.sampled_from(["spec.yaml", "metrics.jsonl", "environment.json"]), content=st.binary())
def test_any_bytes(name: str, content: bytes, finished: Path) -> None:
    """Whatever bytes a file of a run holds, the run is read, or named with what is wrong."""
    folder = finished.parent / "bytes"
    shutil.copytree(finished, folder, dirs_exist_ok=True)
    (folder / name).write_bytes(content)
    problems: tuple[Problem, ...] = ()
    try:
        assert read_record(folder).folder == folder
    except CnnspecError as error:
        problems = error.problems
    assert all(problem.place and problem.place.file == str(folder / name) for problem in problems)


def test_without_torch(finished: Path) -> None:
    """Reading a run and finding it imports neither torch nor numpy."""
    code = (
        "import sys; from cnnspec.training import find_runs, read_record\n"
        f"assert read_record(find_runs({str(finished)!r})[0][0]).best\n"
        "print({'torch', 'numpy', 'safetensors', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def fake(folder: Path) -> Path:
    """Make a folder that looks like a run."""
    folder.mkdir(parents=True)
    for name in ("spec.yaml", "environment.json"):
        (folder / name).touch()
    return folder


def test_finding(tmp_path: Path) -> None:
    """Runs are found in a folder and some levels below, once each, by name in each level; a run is one itself."""
    names = ["b", "a", "group/c", "group/deep/d", "group/deep/deeper/e", ".hidden/f", "b/within"]
    for name in sorted(names):
        fake(tmp_path / name)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/spec.yaml").touch()
    (tmp_path / "note.txt").touch()
    found, problems = find_runs(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a", "b", "group/c", "group/deep/d"]
    assert problems == []
    assert find_runs(tmp_path / "b") == ([tmp_path / "b"], [])
    assert find_runs(tmp_path / "specs") == ([], [])


def test_finding_through_links(tmp_path: Path) -> None:
    """Links to folders are followed, once each place; those that lead in circles, or nowhere, are no trouble."""
    run = fake(tmp_path / "far/away/run")
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "linked").symlink_to(run)
    (runs / "again").symlink_to(run)
    (runs / "up").symlink_to(tmp_path / "runs")
    (runs / "self").symlink_to("self")
    (runs / "nowhere").symlink_to(tmp_path / "none")
    assert find_runs(runs) == ([runs / "again"], [])


def test_finding_what_is_forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be read is told, and the others are found."""
    fake(tmp_path / "a/run")
    fake(tmp_path / "b/run")
    real = os.scandir

    def scan(path: Path) -> Any:
        return fail(errno.EACCES)() if path == tmp_path / "a" else real(path)

    monkeypatch.setattr(os, "scandir", scan)
    found, (problem,) = find_runs(tmp_path)
    assert found == [tmp_path / "b/run"]
    assert str(problem) == f"{tmp_path / 'a'}: warning: the folder cannot be read; Permission denied."


@pytest.mark.parametrize(
    ("name", "message"), [("none", "there is no such folder"), ("file", "this is a file")]
)
def test_no_folder(name: str, message: str, tmp_path: Path) -> None:
    """Where there is no folder, that is an error."""
    (tmp_path / "file").touch()
    for read in (find_runs, read_record):
        with pytest.raises(CheckpointError, match=f"{name}: {message}. Name a run folder"):
            read(tmp_path / name)
