"""The trainer learns, repeats itself, writes a whole run folder, and stops cleanly."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from safetensors.torch import load_file
from torch import Tensor, nn
from torchmetrics.functional.classification import multiclass_accuracy

import cnnspec
from cnnspec.data import Normalizer, Pictures, load_data
from cnnspec.errors import CheckpointError, DataError, SpecError
from cnnspec.training import Reporter, batches, start
from cnnspec.training.device import available
from cnnspec.training.stop import Stopped

NET = """
input: [1, 28, 28]
layers:
  - conv: {filters: 4, kernel: 5, stride: 2}
  - relu
  - flatten
  - fc: 10
train: {epochs: 2, batch_size: 32, optimizer: {adam: {lr: 0.005}}}
"""


@pytest.fixture
def spec() -> cnnspec.Spec:
    return cnnspec.loads(NET, file="small.yaml")


def weights(result: cnnspec.Result) -> dict[str, Tensor]:
    return dict(result.run.model.state_dict())


def test_learns_as_a_plain_loop_does(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """One epoch is what the few lines of a hand-written loop make of the same batches."""
    result = cnnspec.train(spec, out=tmp_path / "run", epochs=1, device="cpu")
    data = load_data("mnist").train
    assert isinstance(data, Pictures)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(576, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    order = batches.order(0, 0, len(data))
    pictures = (data.images[order] / 255 - 0.1307) / 0.3081
    for first in range(0, len(data), 32):
        optimizer.zero_grad()
        F.cross_entropy(
            model(pictures[first : first + 32]), data.labels[order][first : first + 32]
        ).backward()
        optimizer.step()
    for ours, theirs in zip(weights(result).values(), model.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("device", available())
def test_learns_on_each_device(device: str, tiny_root: Path, tmp_path: Path) -> None:
    """On every device of this machine a network learns the digits it is shown."""
    lenet5 = cnnspec.load(Path(__file__).parents[2] / "specs" / "lenet5.yaml")
    result = cnnspec.train(lenet5, out=tmp_path / "run", epochs=8, device=device, lr=0.003)
    assert result.history[-1]["train_loss"] < 0.2
    assert result.accuracy > 0.6


def test_same_seed_same_weights(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """The same seed gives the same weights to the bit, another seed others; the caller's generator is untouched."""
    torch.manual_seed(99)
    before = torch.get_rng_state()
    first, again, other = (
        weights(cnnspec.train(spec, out=tmp_path / f"run{n}", seed=seed, device="cpu"))
        for n, seed in enumerate((1, 1, 2))
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_run_folder(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """The run folder holds the spec as trained, metrics, checkpoints, and what the result depends on."""
    result = cnnspec.train(
        spec, out=tmp_path / "run", epochs=3, batch_size=16, lr=0.002, seed=5, device="cpu"
    )
    folder = tmp_path / "run"
    checkpoints = {"best.safetensors", "last.safetensors", "previous.safetensors"}
    files = {"spec.yaml", "metrics.jsonl", "environment.json", *checkpoints}
    assert {path.name for path in folder.iterdir()} == files
    trained = cnnspec.load(folder / "spec.yaml")
    assert (trained.name, trained.train.epochs, trained.train.batch_size, trained.train.seed) == (
        "small",
        3,
        16,
        5,
    )
    assert trained.train.optimizer.options.lr == 0.002
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert rows == result.history
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert {"train_loss", "test_loss", "test_accuracy", "lr", "seconds"} <= rows[0].keys()
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["data"]["used"] == "mnist"
    assert environment["data"]["sha256"]["train-labels-idx1-ubyte"]
    assert environment["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert (environment["seed"], environment["device"]) == (5, "cpu")
    assert result.accuracy == rows[-1]["test_accuracy"]


def test_best_is_the_best_epoch(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """best.safetensors has the weights of the epoch with the highest test accuracy."""
    result = cnnspec.train(spec, out=tmp_path / "run", epochs=4, device="cpu")
    best = max(result.history, key=lambda row: (row["test_accuracy"], -row["epoch"]))
    assert result.run.best_epoch == best["epoch"]
    assert result.run.evaluate().accuracy == best["test_accuracy"]
    assert result.run.evaluate().loss == pytest.approx(best["test_loss"])


def test_sample_is_never_taken_for_mnist(tiny: Any, spec: cnnspec.Spec, tmp_path: Path) -> None:
    """Where the sample stood in, every file of the run says so."""
    result = cnnspec.train(spec, out=tmp_path / "run", epochs=1, device="cpu")
    assert cnnspec.load(tmp_path / "run/spec.yaml").data.dataset == "mnist-sample"
    assert result.history[0]["dataset"] == "mnist-sample"
    data = json.loads((tmp_path / "run/environment.json").read_text())["data"]
    assert (data["asked"], data["used"]) == ("mnist", "mnist-sample")
    assert data["instead_of"].startswith("mnist is not on disk")


def test_nothing_is_left_without_data(tiny: Any, spec: cnnspec.Spec, tmp_path: Path) -> None:
    """Where there is no data, no run folder is left behind."""
    with pytest.raises(DataError):
        cnnspec.train(spec, out=tmp_path / "runs" / "a" / "b", sample=False)
    assert not (tmp_path / "runs").exists()


class Stop(Reporter):
    """Asks the training to stop at a step of an epoch."""

    def __init__(self, epoch: int, number: signal.Signals = signal.SIGINT, *, times: int = 1) -> None:
        self.at, self.number, self.times = epoch, number, times

    def step(self, epoch: int, done: int, loss_sum: Tensor) -> None:  # noqa: ARG002  # the base class's
        if epoch == self.at:
            for _ in range(self.times):
                signal.raise_signal(self.number)


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped(
    epoch: int, number: signal.Signals, spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path
) -> None:
    """A request to stop, also in the first epoch, saves after the step; going on ends with the same weights."""
    whole = cnnspec.train(spec, out=tmp_path / "whole", threads=1, device="cpu")
    with pytest.raises(Stopped) as caught:
        cnnspec.train(spec, out=tmp_path / "run", threads=1, device="cpu", reporter=Stop(epoch, number))
    stopped = caught.value
    assert (stopped.signal, stopped.folder) == (number, tmp_path / "run")
    assert (stopped.epoch, stopped.step) == (epoch - 1, 1)
    resumed = cnnspec.train(resume=tmp_path / "run", threads=1, device="cpu")
    assert resumed.weights_hash == whole.weights_hash
    assert [row["train_loss"] for row in resumed.history] == [row["train_loss"] for row in whole.history]


def test_stopped_twice(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """A second request ends at once: nothing is saved any more, and a new folder goes."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            cnnspec.train(spec, out=tmp_path / "new", threads=1, device="cpu", reporter=Stop(1, times=2))
    finally:
        signal.signal(signal.SIGINT, before)
    assert not isinstance(caught.value, Stopped)
    assert not (tmp_path / "new").exists()


def test_folder_in_use(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """A folder that holds something is refused and left as it was."""
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CheckpointError, match="the folder is not empty"):
        cnnspec.train(spec, out=tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_folder_that_cannot_be_listed(spec: cnnspec.Spec, tmp_path: Path, monkeypatch: Any) -> None:
    """A folder whose contents may not be seen is refused, and an earlier run in it stays whole."""
    (tmp_path / "best.safetensors").write_text("an earlier run")

    def refuse(_self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", refuse)
        with pytest.raises(CheckpointError, match="cannot be written; Permission denied"):
            cnnspec.train(spec, out=tmp_path)
    assert (tmp_path / "best.safetensors").read_text() == "an earlier run"


@pytest.mark.parametrize("out", ["file", "file/run"])
def test_file_in_the_way(out: str, spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """A file where the folder should be is an error, not a crash."""
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="there is a file of that name"):
        cnnspec.train(spec, out=tmp_path / out)


def test_read_only_place(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """A place that may not be written to is told before anything is trained."""

    def refuse(_self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(CheckpointError, match="cannot be written; Permission denied"):
        cnnspec.train(spec, out=tmp_path / "run")


def test_weights_that_run_away(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """A learning rate that makes the loss infinite is named, and no run is left."""
    with pytest.raises(
        SpecError, match=r"small.yaml:8:55: the training loss is not finite in step 2 of epoch 1"
    ):
        cnnspec.train(spec, out=tmp_path / "run", lr=1e30)
    assert not (tmp_path / "run").exists()


def test_weights_that_run_away_in_the_last_step(tiny_root: Path, tmp_path: Path) -> None:
    """Where only the test finds that nothing finite is left, that is an error, and no epoch of it is kept."""
    text = NET.replace("  - relu\n", "  - batchnorm\n  - relu\n").replace("batch_size: 32", "batch_size: 320")
    with pytest.raises(SpecError, match="the test loss is not finite after epoch 1; the steps are too large"):
        cnnspec.train(cnnspec.loads(text), out=tmp_path / "run", lr=1e30, device="cpu", threads=1)
    assert not (tmp_path / "run").exists()


def test_clipped(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """With clip_norm a step of plain gradient descent is at most so long, times the learning rate."""
    torch.manual_seed(0)
    before = [p.detach().clone() for p in spec.plan().build().parameters()]
    settings = {"optimizer.sgd.lr": 0.5, "clip_norm": 0.01}
    result = cnnspec.train(
        spec, out=tmp_path / "run", epochs=1, batch_size=320, settings=settings, device="cpu", threads=1
    )
    after = result.run.model.parameters()
    steps = torch.cat([(a.detach() - b).flatten() for a, b in zip(after, before, strict=True)])
    assert float(steps.norm()) == pytest.approx(0.5 * 0.01, rel=1e-3)


def test_top_k(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """Top-k accuracy counts an answer among the k likeliest, as torchmetrics does."""
    result = cnnspec.train(spec, out=tmp_path / "run", settings={"top_k": 3}, device="cpu", threads=1)
    run, test = result.run, load_data("mnist").test
    assert isinstance(test, Pictures)
    shape = run.plan.input_shape
    statistics = run.plan.spec.data.statistics(shape)
    assert statistics
    normalize = Normalizer(statistics, shape, torch.device("cpu"))
    with torch.inference_mode():
        scores = run.model(normalize(test.images))
    expected = float(multiclass_accuracy(scores, test.labels, 10, average="micro", top_k=3))
    row = result.history[run.best_epoch - 1]
    assert row["test_top_k_accuracy"] == run.evaluate().top_k_accuracy == pytest.approx(expected)
    assert row["test_top_k_accuracy"] > row["test_accuracy"]


def test_resumed_for_fewer_epochs(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """A run cannot go back: fewer epochs than it has are refused, and it stays as it was."""
    options: dict[str, Any] = {"device": "cpu", "threads": 1}
    cnnspec.train(spec, out=tmp_path / "run", **options)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(SpecError, match="the run has 2 epochs already"):
        cnnspec.train(resume=tmp_path / "run", epochs=1, **options)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_every_epoch_is_trained_in_training_mode(tiny_root: Path, tmp_path: Path) -> None:
    """Batch norm learns in each epoch, also after the network was tested at the end of one."""
    text = NET.replace("  - relu\n", "  - batchnorm\n  - relu\n")
    cnnspec.train(cnnspec.loads(text), out=tmp_path / "run", epochs=3, device="cpu")
    batches = load_file(tmp_path / "run" / "last.safetensors")["model.batchnorm1.num_batches_tracked"]
    assert int(batches) == 3 * 320 // 32


def test_not_enough_memory(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Lack of memory is told with what to do."""

    def full(*_: Any, **_named: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(start, "prepare", full)
    with pytest.raises(
        SpecError, match=r"not enough memory to train small in batches of 32; CUDA .* Use a batch_size of 16"
    ):
        cnnspec.train(spec, out=tmp_path / "run")


def test_unknown_device(spec: cnnspec.Spec) -> None:
    """A device that is not there is named with those that are."""
    with pytest.raises(SpecError, match=r"there is no device 'tpu' here\. Use auto"):
        cnnspec.train(spec, device="tpu")


def test_wrong_option(spec: cnnspec.Spec) -> None:
    """An option of the Python API is checked as the spec's own fields are."""
    with pytest.raises(SpecError, match="epochs is 0; it must be at least 1"):
        cnnspec.train(spec, epochs=0)


def test_threads_are_put_back(spec: cnnspec.Spec, tiny_root: Path, tmp_path: Path) -> None:
    """The number of threads asked for holds while training, and the caller's after it."""
    before = torch.get_num_threads()
    cnnspec.train(spec, out=tmp_path / "run", epochs=1, threads=before + 1, device="cpu")
    assert json.loads((tmp_path / "run/environment.json").read_text())["threads"] == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("name", ["lenet5", "allconv", "conv1d"])
def test_each_spec_trains(name: str, tiny_root: Path, tmp_path: Path) -> None:
    """Every spec that ships trains, and its run can be used."""
    shipped = cnnspec.load(Path(__file__).parents[2] / "specs" / f"{name}.yaml")
    result = cnnspec.train(shipped, out=tmp_path / "run", epochs=1, device="cpu")
    assert result.run.evaluate().accuracy == result.accuracy
