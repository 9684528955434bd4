"""One's own pictures are learned from, in memory or from disk, exactly and each once an epoch."""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import crew
import numpy as np
import pytest
import torch
from own_data import make_folder, make_tar, picture, samples
from torch import Tensor

import cnnspec
from cnnspec import machine
from cnnspec.catalog import DATA_SETS
from cnnspec.data import load_data, source
from cnnspec.data.source import Files
from cnnspec.errors import DataError, SpecError
from cnnspec.language.data import Data
from cnnspec.training import Reporter, Stopped, dry_run
from cnnspec.training.decoders import workers
from cnnspec.training.reporter import Job

CLASSES = {"cat": 30, "dog": 24, "eel": 18}

NET = """
input: [3, 8, 8]
layers: [conv: {filters: 4, kernel: 3}, batchnorm, relu, flatten, dropout: 0.2, fc: 3]
data: {folder: pictures, augment: {shift: 1}}
train: {epochs: 2, batch_size: 16, validation: 0.2, evaluate_every: 2, optimizer: {adam: {lr: 0.01}}}
"""

Row = dict[str, Any]


@pytest.fixture
def spec(tmp_path: Path) -> cnnspec.Spec:
    """A network for a folder of pictures beside its file."""
    make_folder(tmp_path / "pictures", CLASSES)
    return cnnspec.loads(NET, file=str(tmp_path / "net.yaml"))


@pytest.fixture
def parted(tmp_path: Path) -> cnnspec.Spec:
    """The same, with parts for training and test."""
    make_folder(tmp_path / "pictures/train", CLASSES)
    make_folder(tmp_path / "pictures/test", dict.fromkeys(CLASSES, 5))
    return cnnspec.loads(NET.replace(", validation: 0.2", ""), file=str(tmp_path / "net.yaml"))


@pytest.fixture
def from_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory is free, and there is one processor."""
    monkeypatch.setattr(machine, "free", lambda: 1)
    monkeypatch.setattr(machine, "processors", lambda: 1)


class Listener(Reporter):
    """Knows the job and all warnings, and asks to stop once so many samples of the second epoch are done."""

    job: Job

    def __init__(self, stop: int = -1) -> None:
        self.stop = stop
        self.warnings: list[str] = []

    def begin(self, job: Job) -> None:
        self.job = job

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def step(self, epoch: int, done: int, loss_sum: Tensor) -> None:  # noqa: ARG002  # the base class's
        if (epoch, done) == (2, self.stop):
            signal.raise_signal(signal.SIGINT)


class Trained:
    """A training on one thread."""

    def __init__(self, spec: cnnspec.Spec | None, folder: Path, **options: Any) -> None:
        self.told = options.setdefault("reporter", Listener())
        options |= {"out": folder} if spec else {"resume": folder}
        result = cnnspec.train(spec, device="cpu", threads=1, **options)
        self.hash, self.run = result.weights_hash, result.run
        self.rows = [{k: v for k, v in row.items() if k != "seconds"} for row in result.history]

    def is_as(self, other: "Trained") -> bool:
        """Tell whether both came to the very same weights and figures."""
        return (self.hash, self.rows) == (other.hash, other.rows)


def stopped(spec: cnnspec.Spec, folder: Path, at: int) -> None:
    """Train until so many samples of the second epoch are done."""
    with pytest.raises(Stopped):
        Trained(spec, folder, reporter=Listener(at))


def damage(path: Path) -> None:
    """Leave only the head of a picture, so that it is one until it is decoded."""
    path.write_bytes(path.read_bytes()[:60])


def test_from_disk_as_in_memory(spec: cnnspec.Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the pictures are held, and how many processes decode them, makes no difference to any bit."""
    held = Trained(spec, tmp_path / "held")
    assert not held.told.job.data_on_disk
    monkeypatch.setattr(machine, "free", lambda: 1)
    for processors in (1, 2):
        monkeypatch.setattr(machine, "processors", lambda number=processors: number)
        read = Trained(spec, tmp_path / str(processors))
        assert read.told.job.data_on_disk
        assert not read.told.job.data_on_device
        assert read.is_as(held)
        assert multiprocessing.active_children() == []


def test_a_quarter_of_the_free_memory(
    spec: cnnspec.Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures are held in memory where they take at most a quarter of what is free, or the spec wants it."""
    size = sum(CLASSES.values()) * (3 * 8 * 8 + 8)
    for free, wanted, on_disk in [(4 * size, None, False), (4 * size - 1, None, True), (1, True, False)]:
        monkeypatch.setattr(machine, "free", lambda free=free: free)
        changed = spec.overridden(settings={} if wanted is None else {"data_on_device": wanted})
        assert dry_run(changed, device="cpu", threads=1).job.data_on_disk is on_disk


@pytest.mark.usefixtures("from_disk")
def test_goes_on_exactly(spec: cnnspec.Spec, tmp_path: Path) -> None:
    """A training from disk that stopped in the middle of an epoch, or at its end, ends as one that did not."""
    whole = Trained(spec, tmp_path / "whole")
    for at in (16, 46):
        stopped(spec, tmp_path / str(at), at)
        assert Trained(None, tmp_path / str(at)).is_as(whole)


def test_what_is_damaged_is_left_out(
    parted: cnnspec.Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `damaged: skip`, what cannot be read is counted in every epoch: in memory, from disk, or going on."""
    wrong = ("train/cat/003.png", "train/cat/010.png", "train/dog/020.png", "train/eel/000.png")
    for name in (*wrong, "test/dog/002.png"):
        damage(tmp_path / "pictures" / name)
    text = NET.replace("pictures", "pictures, damaged: skip").replace(", validation: 0.2", "")
    spec = cnnspec.loads(text, file=str(tmp_path / "net.yaml"))
    held = Trained(spec, tmp_path / "held")
    assert [row["train_damaged"] for row in held.rows] == [4, 4]
    assert held.rows[-1]["test_damaged"] == 1
    monkeypatch.setattr(machine, "free", lambda: 1)
    monkeypatch.setattr(machine, "processors", lambda: 1)
    assert int(held.run.evaluate().confusion.sum()) == 14
    stopped(spec, tmp_path / "read", 48)
    assert Trained(None, tmp_path / "read").is_as(held)


def test_nothing_is_counted_where_damage_is_an_error(spec: cnnspec.Spec, tmp_path: Path) -> None:
    """Without `damaged: skip` there is nothing to count, and the metrics say nothing of it."""
    assert not any("damaged" in key for row in Trained(spec, tmp_path / "run").rows for key in row)


@pytest.mark.usefixtures("from_disk")
def test_damage_within_an_epoch(parted: cnnspec.Spec, tmp_path: Path) -> None:
    """A picture that cannot be read any more ends training with its name, and the last checkpoint is kept."""
    whole = Trained(parted, tmp_path / "whole")
    path = tmp_path / "pictures/train/dog/007.png"
    before = path.read_bytes()

    class Destroyer(Listener):
        def epoch(self, row: Row) -> None:  # noqa: ARG002  # the base class's
            damage(path)

    with pytest.raises(DataError) as caught:
        Trained(parted, tmp_path / "run", reporter=Destroyer())
    assert str(caught.value).startswith(f"{path}: the picture cannot be read; ")
    path.write_bytes(before)
    assert Trained(None, tmp_path / "run").is_as(whole)


@pytest.mark.parametrize(("free", "processors"), [(1, 2), (None, 1)], ids=["disk", "memory"])
def test_damage_from_the_start(
    spec: cnnspec.Spec, free: int | None, processors: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged picture is an error by default, wherever it is found, and no run is left behind."""
    monkeypatch.setattr(machine, "free", lambda: free)
    monkeypatch.setattr(machine, "processors", lambda: processors)
    given = spec.normalized(0.5, 0.2)  # else it is found when these are computed
    damage(tmp_path / "pictures/cat/003.png")
    for one in (spec, given):
        with pytest.raises(DataError, match=r"pictures/cat/003\.png: the picture cannot be read"):
            Trained(one, tmp_path / "run")
        assert not (tmp_path / "run").exists()
    assert multiprocessing.active_children() == []


@dataclass(frozen=True)
class Seen:
    """What the processes of a training read in an epoch: the names of its pictures, in each process."""

    parts: list[list[str]]

    def check(self, names: set[str]) -> None:
        """Hold them to the pictures that there are: each was read by one process, once."""
        read = [name for part in self.parts for name in part]
        assert sorted(read) == sorted(names)
        assert abs(len(self.parts[0]) - len(self.parts[1])) <= len(read) // 16 + 1


def _train_together(path: Path, out: Path) -> Row:
    vars(machine)["free"] = lambda: 1
    seen: list[str] = []
    real = Files.read

    def read(files: Files, index: int, shape: tuple[int, ...]) -> Tensor:
        seen.append(files.name(index))
        return real(files, index, shape)

    class Forgetter(Listener):
        def begin(self, job: Job) -> None:  # noqa: ARG002  # the base class's
            seen.clear()  # what was read for the statistics

    vars(source)["Files"].read = read  # in this process alone
    told = Forgetter()
    trained = Trained(cnnspec.load(path), out, reporter=told, epochs=1)
    return {"hash": trained.hash, "rows": trained.rows, "seen": seen, "data": trained.run.environment["data"]}


def test_several_processes_share_the_reading(parted: cnnspec.Spec, tmp_path: Path) -> None:
    """Each of two processes reads its own part of every batch, and they come to one and the same network."""
    (tmp_path / "net.yaml").write_text(NET.replace(", validation: 0.2", ""))
    first, second = crew.run(_train_together, tmp_path / "net.yaml", tmp_path / "run")
    assert (first["hash"], first["rows"]) == (second["hash"], second["rows"])
    root = tmp_path / "pictures"
    names = {str(path.relative_to(root)) for path in root.rglob("*.png")}
    Seen([first["seen"], second["seen"]]).check(names)
    alone = Trained(parted, tmp_path / "alone", epochs=1)
    assert first["rows"][0]["train_loss"] == pytest.approx(alone.rows[0]["train_loss"], rel=1e-4)


def test_decoders_leave_signals_to_the_trainer(
    spec: cnnspec.Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that a terminal or a scheduler sends to all processes does not end those that decode."""
    monkeypatch.setattr(machine, "free", lambda: 1)
    monkeypatch.setattr(machine, "processors", lambda: 2)
    whole = Trained(spec, tmp_path / "whole")
    numbers = {16: signal.SIGINT, 32: signal.SIGTERM}

    class Signaller(Listener):
        def step(self, epoch: int, done: int, loss_sum: Tensor) -> None:  # noqa: ARG002  # the base class's
            children = multiprocessing.active_children()
            assert len(children) == 2
            for child in children if epoch == 1 and done in numbers else ():
                os.kill(child.pid or 0, numbers[done])

    assert Trained(spec, tmp_path / "run", reporter=Signaller()).is_as(whole)


def test_decoder_is_killed(spec: cnnspec.Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system ends a process that decodes, the error says so, and the run can go on."""
    monkeypatch.setattr(machine, "free", lambda: 1)
    monkeypatch.setattr(machine, "processors", lambda: 2)
    whole = Trained(spec, tmp_path / "whole")

    class Killer(Listener):
        def step(self, epoch: int, done: int, loss_sum: Tensor) -> None:  # noqa: ARG002  # the base class's
            if (epoch, done) == (2, 16):
                for child in multiprocessing.active_children():
                    child.kill()

    with pytest.raises(DataError, match="a process that reads pictures was killed"):
        Trained(spec, tmp_path / "run", reporter=Killer())
    assert Trained(None, tmp_path / "run").is_as(whole)


def test_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a process for each processor, shared among those that train; none beside a single processor."""
    monkeypatch.setattr(machine, "processors", lambda: 8)
    assert [workers(size) for size in (1, 2, 3, 8, 16)] == [8, 4, 2, 0, 0]
    monkeypatch.setattr(multiprocessing.current_process(), "_config", {"daemon": True})
    assert workers() == 0


def test_the_run_knows_all(spec: cnnspec.Spec, tmp_path: Path) -> None:
    """Classes, statistics and the place of the pictures are recorded, so that a run needs nothing else."""
    trained = Trained(spec, tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "elsewhere/run")
    run = cnnspec.load_run(tmp_path / "elsewhere/run")
    assert run.classes == tuple(CLASSES)
    data = run.plan.spec.data
    assert data.folder == str(tmp_path / "pictures")
    assert data.normalize
    pixels = torch.stack([load_data(data).train.read(i, (3, 8, 8)) for i in range(5)]).float() / 255  # type: ignore[union-attr]
    assert np.allclose(data.normalize.mean, pixels.mean((0, 2, 3)), atol=0.1)
    test = run.evaluate()
    rows = [row for row in trained.rows if row["epoch"] == run.best_epoch]
    assert (test.accuracy, test.loss) == (rows[0]["test_accuracy"], rows[0]["test_loss"])
    shutil.rmtree(tmp_path / "pictures/dog")
    found = run.predict(tmp_path / "pictures/cat/000.png")
    assert tuple(found.probabilities) == run.classes
    assert sum(found.probabilities.values()) == pytest.approx(1)


def test_prediction_is_prepared_as_training_was(spec: cnnspec.Spec, tmp_path: Path) -> None:
    """What the network sees of a picture to predict is to the bit what it saw of it in training."""
    run = Trained(spec, tmp_path / "run").run
    seen: list[Tensor] = []
    run.model.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    loaded = load_data(run.plan.spec.data)
    assert isinstance(loaded.test, Files)
    run.evaluate(loaded)
    predicted = run.predict(tmp_path / "pictures" / loaded.test.name(3))
    assert torch.equal(seen[0][3], seen[1][0])
    assert predicted.label in run.classes


def test_other_data(spec: cnnspec.Spec, tmp_path: Path) -> None:
    """A run can be tested on a folder elsewhere, but not on one with other classes."""
    run = Trained(spec, tmp_path / "run").run
    make_folder(tmp_path / "moved/more", dict.fromkeys(CLASSES, 10))
    located = run.plan.spec.located(tmp_path / "moved/more").data
    assert int(run.evaluate(load_data(located)).confusion.sum()) == 6
    make_folder(tmp_path / "others", {"ant": 5, "bee": 5, "cat": 5})
    with pytest.raises(DataError) as caught:
        run.evaluate(load_data(Data(folder=str(tmp_path / "others"))))
    assert "others has the classes ant, bee, cat; the network tells cat, dog, eel apart" in str(caught.value)


def test_goes_on_with_the_same_pictures_only(spec: cnnspec.Spec, tmp_path: Path) -> None:
    """A run goes on where its pictures have moved to, and refuses others in their place."""
    whole = Trained(spec, tmp_path / "whole")
    stopped(spec, tmp_path / "run", 32)
    (tmp_path / "pictures").rename(tmp_path / "moved")
    with pytest.raises(DataError, match="there is no such folder"):
        Trained(None, tmp_path / "run")
    again = Trained(None, tmp_path / "run", data_root=tmp_path / "moved")
    assert again.is_as(whole) or again.hash == whole.hash
    assert again.run.plan.spec.data.folder == str(tmp_path / "moved")
    (tmp_path / "moved/cat/000.png").write_bytes(picture(77))
    with pytest.raises(DataError, match="is not what the run began with"):
        Trained(None, tmp_path / "run", epochs=3)


def test_network_that_does_not_fit(
    spec: cnnspec.Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit the classes is told when these are known, before a network is made."""
    monkeypatch.setattr(cnnspec.Plan, "build", lambda _: pytest.fail("a network was made"))
    text = NET.replace("fc: 3", "fc: 10").replace("epochs", "top_k: 3, epochs")
    with pytest.raises(SpecError) as caught:
        Trained(cnnspec.loads(text, file=str(tmp_path / "net.yaml")), tmp_path / "run")
    messages = [problem.message for problem in caught.value.problems]
    assert messages == [
        "fc1 has 10 units; pictures has 3 classes, and cross_entropy needs one number for each. Use 3.",
        "top_k is 3; pictures has 3 classes, so every answer would be right. Use at most 2.",
    ]
    assert not (tmp_path / "run").exists()


def test_memory_counts_the_pictures(
    spec: cnnspec.Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures that are held in memory leave less of it for the network."""
    monkeypatch.setattr(machine, "memory", lambda: 100_000)
    monkeypatch.setattr(machine, "free", lambda: 10**9)
    with pytest.raises(SpecError, match=r"this machine has 97\.7 KiB, and the data take 14\.1 KiB of it"):
        Trained(spec.overridden(batch_size=50), tmp_path / "run")


@pytest.fixture(params=["arrays", "shards"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """The section `data` for pictures in another form, and how many of them there are."""
    if request.param == "shards":
        for number in range(3):
            make_tar(tmp_path / f"{number:02}.tar", samples(20 * number, 20, classes=3))
        yield "{shards: '{00..02}.tar'}", 60
        return
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (60, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "a.npz", x_train=pixels, y_train=np.arange(60) % 3)
    yield "{arrays: a.npz}", 60


@pytest.mark.usefixtures("from_disk")
def test_arrays_and_shards(other: tuple[str, int], tmp_path: Path) -> None:
    """Arrays and shards are learned from, stopped and gone on with as folders are."""
    section, count = other
    text = NET.replace("{folder: pictures, augment: {shift: 1}}", section)
    spec = cnnspec.loads(text, file=str(tmp_path / "net.yaml"))
    whole = Trained(spec, tmp_path / "whole")
    data = whole.run.environment["data"]
    assert data["train_size"] + data["test_size"] == count
    assert whole.run.classes == ("0", "1", "2")
    stopped(spec, tmp_path / "run", 16)
    assert Trained(None, tmp_path / "run").is_as(whole)
    test = whole.run.evaluate()
    assert (test.accuracy, int(test.confusion.sum())) == (whole.rows[-1]["test_accuracy"], data["test_size"])


def test_small_batches_of_large_pictures(spec: cnnspec.Spec, tmp_path: Path, monkeypatch: Any) -> None:
    """A test takes no more pictures at once than there is memory for, and comes to the same."""
    run = Trained(spec, tmp_path / "run").run
    whole = run.evaluate()
    monkeypatch.setattr("cnnspec.training.evaluate.VALUES", 4 * 3 * 8 * 8)
    sizes: list[int] = []
    run.model.register_forward_pre_hook(lambda _module, given: sizes.append(len(given[0])))
    small = run.evaluate()
    assert sizes == [4, 4, 4, 3]
    assert torch.equal(small.confusion, whole.confusion)
    assert small.loss == pytest.approx(whole.loss)


def test_doubts_are_told_before_training(tmp_path: Path) -> None:
    """What is doubtful in the pictures is told once, before a run begins, and not when it goes on."""
    make_folder(tmp_path / "pictures", {"cat": 60, "dog": 12, "eel": 5})
    spec = cnnspec.loads(NET, file=str(tmp_path / "net.yaml"))
    first = Trained(spec, tmp_path / "run")
    assert any("few training pictures" in text for text in first.told.warnings)
    assert Trained(None, tmp_path / "run", epochs=3).told.warnings == []


def test_named_sets_stay_in_memory() -> None:
    """All data sets with a name have their classes and statistics, so that nothing need be read for them."""
    for data_set in DATA_SETS.values():
        for shape in ((1, 28, 28), (3, 32, 32), (28, 28), (1, 784)):
            assert Data(dataset=data_set.name).statistics(shape)
