"""The curves of a training, as TensorBoard and MLflow read them."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.training import dry_run, train
from cnnspec.training.logs import MLflow, TensorBoard
from cnnspec.training.reporter import Job, Reporter, Reporters
from cnnspec.training.stop import Stopped

TINY = """
input: [1, 8, 8]
layers: [flatten, fc: 10]
train: {epochs: 2, batch_size: 64, evaluate_every: 2}
"""

Points = dict[str, list[tuple[int, float]]]


class Killed(Reporter):
    """Ends training as a kill would, once an epoch is saved: no other reporter hears of it."""

    def __init__(self, after: int) -> None:
        self.after = after

    def epoch(self, row: dict[str, Any]) -> None:
        if row["epoch"] == self.after:
            raise KeyboardInterrupt


def fit(folder: Path, *reporters: Reporter, **options: Any) -> list[dict[str, Any]]:
    """Train the tiny network, or go on with it, and return its history."""
    options |= {"device": "cpu", "threads": 1, "reporter": Reporters(*reporters)}
    if (folder / "spec.yaml").exists():
        return train(resume=folder, **options).history
    return train(cnnspec.loads(TINY, file="tiny.yaml"), out=folder, **options).history


def fail(text: str) -> None:
    raise AssertionError(text)


def expected(history: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the points that a history has: each number of each epoch."""
    points: dict[str, Any] = {}
    for row in history:
        for name, value in row.items():
            if name not in ("epoch", "dataset"):
                points.setdefault(name, []).append((row["epoch"], pytest.approx(value)))
    return points


def tensorboard_points(run: Path) -> Points:
    """Return what TensorBoard shows of a run."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_tensorboard(tiny_root: Path, tmp_path: Path) -> None:
    """TensorBoard shows a point for each number of each epoch; what was not tested has none."""
    pytest.importorskip("tensorboard")
    history = fit(tmp_path / "run", TensorBoard(fail))
    points = tensorboard_points(tmp_path / "run")
    assert points == expected(history)
    assert {"train_loss", "test_loss", "test_accuracy", "lr", "seconds"} <= points.keys()
    assert (len(points["train_loss"]), len(points["test_accuracy"])) == (2, 1)


def test_tensorboard_resumed(tiny_root: Path, tmp_path: Path) -> None:
    """When a killed run goes on, so does the curve: a point that was lost is there, and none twice."""
    pytest.importorskip("tensorboard")
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        fit(run, Killed(2), TensorBoard(fail), epochs=4)
    assert [step for step, _ in tensorboard_points(run)["train_loss"]] == [1]
    with pytest.raises(KeyboardInterrupt):
        fit(run, TensorBoard(fail), Killed(3))
    history = fit(run, TensorBoard(fail))
    assert tensorboard_points(run) == expected(history)


def test_tensorboard_after_the_end(tiny_root: Path, tmp_path: Path) -> None:
    """A run that was killed after its last epoch gets the point that is missing when it is resumed."""
    pytest.importorskip("tensorboard")
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "run", Killed(2), TensorBoard(fail))
    for _ in range(2):
        history = fit(tmp_path / "run", TensorBoard(fail))
        assert tensorboard_points(tmp_path / "run") == expected(history)


def test_tensorboard_begun_late(tiny_root: Path, tmp_path: Path) -> None:
    """A run that had no logs before gets its whole curve when it goes on with them."""
    pytest.importorskip("tensorboard")
    fit(tmp_path / "run")
    history = fit(tmp_path / "run", TensorBoard(fail), epochs=3)
    assert tensorboard_points(tmp_path / "run") == expected(history)
    assert len(history) == 3


def test_tensorboard_that_cannot_write(tiny_root: Path, tmp_path: Path) -> None:
    """Logs that cannot be written are told of once, and training goes on."""
    pytest.importorskip("tensorboard")
    told: list[str] = []

    class InTheWay(Reporter):
        def begin(self, job: Job) -> None:
            (Path(job.folder) / "tensorboard").touch()

    assert len(fit(tmp_path / "run", InTheWay(), TensorBoard(told.append), epochs=3)) == 3
    (text,) = told
    assert text.startswith("The logs for TensorBoard cannot be written: ")


def test_not_left_behind(tiny_root: Path, tmp_path: Path) -> None:
    """Where no epoch is finished, no logs keep the folder from being removed."""
    pytest.importorskip("tensorboard")

    class AtOnce(Reporter):
        def step(self, *_: object) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "run", TensorBoard(fail), AtOnce())
    assert not (tmp_path / "run").exists()


def test_dry_run_writes_nothing(tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run with logs writes none."""
    pytest.importorskip("tensorboard")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    dry_run(cnnspec.loads(TINY), device="cpu", threads=1, reporter=TensorBoard(fail))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("package", ["tensorboard", "mlflow"])
def test_not_installed(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is not there is named, with the command that installs it."""
    for module in ("torch.utils.tensorboard", "tensorboard", "mlflow.tracking", "mlflow"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SpecError) as caught:
        TensorBoard(fail) if package == "tensorboard" else MLflow("http://127.0.0.1:9", fail)
    assert str(caught.value) == (
        f"--{package} needs the package {package}; it is not installed. "
        f"Install it: pip install 'cnnspec[{package}]'."
    )


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder that MLflow, where it is installed, keeps its runs in: that takes neither server nor database."""
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return (tmp_path / "mlruns").as_uri()


def mlflow_runs(uri: str) -> list[tuple[Any, Points]]:
    """Return the runs that MLflow has, each with its curves."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("cnnspec")
    assert experiment
    return [
        (
            run,
            {
                name: [(p.step, p.value) for p in client.get_metric_history(run.info.run_id, name)]
                for name in run.data.metrics
            },
        )
        for run in client.search_runs([experiment.experiment_id])
    ]


def test_mlflow(store: str, tiny_root: Path, tmp_path: Path) -> None:
    """MLflow has the section `train` as parameters, a point for each number of each epoch, and the spec."""
    from mlflow.tracking import MlflowClient

    history = fit(tmp_path / "run", MLflow(store, fail))
    ((run, points),) = mlflow_runs(store)
    assert points == expected(history)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "run")
    assert run.data.params["network"] == "tiny"
    assert run.data.params["optimizer.adam.lr"] == "0.001"
    assert run.data.params["schedule"] == "constant"
    text = Path(MlflowClient(tracking_uri=store).download_artifacts(run.info.run_id, "spec.yaml")).read_text()
    assert text == (tmp_path / "run" / "spec.yaml").read_text()


def test_mlflow_resumed(store: str, tiny_root: Path, tmp_path: Path) -> None:
    """A run that goes on is the same run of MLflow's, with no point missing and none twice."""
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "run", log := MLflow(store, fail), Killed(1))
    log.close()
    assert [run.info.status for run, _ in mlflow_runs(store)] == ["FAILED"]
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "run", Killed(2), MLflow(store, fail), epochs=4)
    history = fit(tmp_path / "run", MLflow(store, fail))
    ((run, points),) = mlflow_runs(store)
    assert points == expected(history)
    assert run.info.status == "FINISHED"


def test_mlflow_stopped(store: str, tiny_root: Path, tmp_path: Path) -> None:
    """A run that was asked to stop is there as stopped, until it goes on, and be it in its first epoch."""

    class Ask(Reporter):
        def step(self, *_: object) -> None:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped):
        fit(tmp_path / "run", Ask(), MLflow(store, fail))
    assert [(run.info.status, points) for run, points in mlflow_runs(store)] == [("KILLED", {})]
    history = fit(tmp_path / "run", MLflow(store, fail))
    ((run, points),) = mlflow_runs(store)
    assert (run.info.status, points) == ("FINISHED", expected(history))


def test_mlflow_that_fails(store: str, tiny_root: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """A server that fails is told of once, does not end training, and has all of it at the end."""
    told: list[str] = []
    log = MLflow(store, told.append)
    send = log.client.log_batch

    class Out(Reporter):
        def epoch(self, row: dict[str, Any]) -> None:
            down = row["epoch"] in (2, 3)
            monkeypatch.setattr(log.client, "log_batch", broken if down else send)

    def broken(*_: object, **__: object) -> None:
        raise OSError("the server is down.\nmore")

    history = fit(tmp_path / "run", Out(), log, epochs=4)
    assert told == [
        "MLflow failed: the server is down. Training goes on, and what is missing there is sent at its end."
    ]
    ((run, points),) = mlflow_runs(store)
    assert points == expected(history)
    assert run.info.status == "FINISHED"


def test_mlflow_that_is_away(tiny_root: Path, tmp_path: Path) -> None:
    """A server that cannot be reached at all is told of once, and the run is as without it."""
    pytest.importorskip("mlflow")
    told: list[str] = []
    log = MLflow("http://127.0.0.1:9", told.append)
    assert len(fit(tmp_path / "run", log)) == 2
    (text,) = told
    assert text.startswith("MLflow failed: ")
    assert not (tmp_path / "run" / "mlflow.json").exists()


def test_mlflow_uri(tmp_path: Path) -> None:
    """A URI of no kind that MLflow knows is an error before training starts."""
    pytest.importorskip("mlflow")
    with pytest.raises(SpecError, match=r"^MLflow cannot use 'ftp://host'; "):
        MLflow("ftp://host", fail)


def test_mlflow_file(store: str, tiny_root: Path, tmp_path: Path) -> None:
    """The run's folder says which run of MLflow's it is."""
    fit(tmp_path / "run", MLflow(store, fail))
    ((run, _points),) = mlflow_runs(store)
    assert json.loads((tmp_path / "run" / "mlflow.json").read_text()) == {"run_id": run.info.run_id}
