"""A training's curves for the tools that show them: event files for TensorBoard, and runs in MLflow.

Both are reporters, and write a point of each metric for each epoch. When a run goes on, its
curves do, too: a point that is missing is added, and none is there twice. What goes wrong
with them is told once, and never ends a training.
"""

import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cnnspec.errors import Problem, SpecError
from cnnspec.training.record import SPEC
from cnnspec.training.reporter import Job, Reporter

TENSORBOARD, MLFLOW_RUN = "tensorboard", "mlflow.json"
"""The folder and the file within a run's folder."""

EXPERIMENT = "cnnspec"

MOST_METRICS = 1000
"""Metrics that MLflow takes at once."""

PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""By default MLflow tries for four minutes to reach a server, while training waits."""

Warn = Callable[[str], None]


class TensorBoard(Reporter):
    """Writes event files for TensorBoard into the run's folder. Raises SpecError if it is not installed."""

    def __init__(self, warn: Warn) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise _not_installed("--tensorboard", "tensorboard") from None
        self.make = SummaryWriter
        self.warn = warn
        self.writer: SummaryWriter | None = None
        self.failed = False

    def begin(self, job: Job) -> None:
        """Note where the curves begin; a file is made with the first point."""
        self.folder = Path(job.folder) / TENSORBOARD
        # Of the epochs before, the last may be missing: the process may have died between saving it and this.
        self.missed = list(job.history[-1:] if any(self.folder.glob("events.*")) else job.history)

    def epoch(self, row: dict[str, Any]) -> None:
        """Write the epoch's points."""
        self.write([*self.missed, row])

    def finished(self) -> None:
        """Write what is missing of a run that had been done already."""
        self.write(self.missed)

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Write the points of rows of metrics; what is there from the first of them on is replaced."""
        self.missed = []
        if self.failed or not rows:
            return
        try:
            if self.writer is None:
                self.writer = self.make(str(self.folder), purge_step=rows[0]["epoch"])
            for row in rows:
                for name, value in _points(row):
                    self.writer.add_scalar(name, value, row["epoch"])
            self.writer.flush()
        except OSError as error:
            self.failed = True
            why = error.strerror or str(error)
            self.warn(f"The logs for TensorBoard cannot be written: {why}. Training goes on without them.")

    def close(self) -> None:
        """Close the file."""
        if self.writer and not self.failed:
            self.writer.close()
        self.writer = None


class MLflow(Reporter):
    """Sends parameters, metrics and spec to an MLflow server, or a database or folder of MLflow's.

    Raises SpecError if it is not installed, or cannot use the URI.
    """

    def __init__(self, uri: str, warn: Warn) -> None:
        for name, value in PATIENCE.items():
            os.environ.setdefault(name, value)
        try:
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise _not_installed("--mlflow", "mlflow") from None
        try:
            self.client = MlflowClient(tracking_uri=uri)
        except Exception as error:  # noqa: BLE001  # each kind of store has its own
            fix = "Use a server's, as http://localhost:5000, or with all of MLflow installed sqlite:///mlflow.db"
            raise SpecError(Problem(f"MLflow cannot use '{uri}'", _first_line(error), fix)) from None
        self.warn = warn
        self.run = ""
        self.described = self.failed = self.warned = False
        self.waiting: list[dict[str, Any]] = []

    def begin(self, job: Job) -> None:
        """Begin a run there, or go on with the one that this run has."""
        self.job, self.folder = job, Path(job.folder)
        self.waiting = list(job.history)
        self.send()

    def epoch(self, row: dict[str, Any]) -> None:
        """Send the epoch's points."""
        self.waiting.append(row)
        if not self.failed:
            self.send()
        self.remember()

    def stopped(self, epoch: int, step: int) -> None:  # noqa: ARG002  # the reporter's signature
        """Say there that it was stopped."""
        self.remember()
        self.end("KILLED")

    def finished(self) -> None:
        """Send what could not be sent before, and say there that the run is done."""
        if self.failed:
            self.send()
            self.remember()
        self.end("FINISHED")

    def close(self) -> None:
        """Say there that the run failed, where it has not ended otherwise."""
        self.end("FAILED")

    def end(self, status: str) -> None:
        """Say there how the run ended; nothing comes after it."""
        if self.run and not self.failed:
            self.guarded(lambda: self.client.set_terminated(self.run, status))
        self.run = ""

    def send(self) -> None:
        """Send all that waits; what fails waits on."""
        self.failed = not self.guarded(self._send)

    def remember(self) -> None:
        """Keep in the run's folder which run it is there: for when it goes on."""
        path = self.folder / MLFLOW_RUN
        if self.run and not path.exists():
            self.guarded(lambda: path.write_text(json.dumps({"run_id": self.run}) + "\n", "utf-8"))

    def guarded(self, action: Callable[[], Any]) -> bool:
        """Tell whether the action worked; of the first that did not, say so."""
        try:
            action()
        except Exception as error:  # noqa: BLE001  # whatever a server does, training must go on
            if not self.warned:
                later = "Training goes on, and what is missing there is sent at its end."
                self.warn(f"MLflow failed: {_first_line(error)}. {later}")
            self.warned = True
            return False
        return True

    def _send(self) -> None:
        from mlflow.entities import Metric

        if not self.run:
            self._find()
        if not self.run:
            self._begin()
        if not self.described:
            self._describe()
        now = int(time.time() * 1000)
        metrics = [Metric(name, v, now, row["epoch"]) for row in self.waiting for name, v in _points(row)]
        for start in range(0, len(metrics), MOST_METRICS):
            self.client.log_batch(self.run, metrics[start : start + MOST_METRICS])
        self.waiting = []

    def _find(self) -> None:
        """Go on with the run there that this run began, if it did; what is there does not wait any more."""
        path = self.folder / MLFLOW_RUN
        if path.exists():
            run = str(json.loads(path.read_text("utf-8"))["run_id"])
            there = {point.step for point in self.client.get_metric_history(run, "train_loss")}
            self.client.update_run(run, status="RUNNING")
            self.waiting = [row for row in self.waiting if row["epoch"] not in there]
            self.run, self.described = run, True

    def _begin(self) -> None:
        known = self.client.get_experiment_by_name(EXPERIMENT)
        experiment = known.experiment_id if known else self.client.create_experiment(EXPERIMENT)
        self.run = self.client.create_run(experiment, run_name=self.folder.name).info.run_id

    def _describe(self) -> None:
        """Send what the run is: the section `train` as parameters, and the spec as a file."""
        from mlflow.entities import Param

        spec = self.job.plan.spec
        values = {"network": spec.name, "dataset": self.job.data_set, **_flat(spec.train.model_dump())}
        self.client.log_batch(self.run, params=[Param(name, str(value)) for name, value in values.items()])
        self.described = True
        self.guarded(lambda: self.client.log_artifact(self.run, str(self.folder / SPEC)))


def _points(row: dict[str, Any]) -> Iterable[tuple[str, float]]:
    """Return the numbers of a row of metrics, which are drawn over the epoch."""
    return [(name, v) for name, v in row.items() if name != "epoch" and isinstance(v, (int, float))]


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Return the values within mappings by their dotted names, without those that are not given."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        elif value is not None:
            flat[before + name] = value
    return flat


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _not_installed(option: str, package: str) -> SpecError:
    fix = f"Install it: pip install 'cnnspec[{package}]'"
    return SpecError(Problem(f"{option} needs the package {package}", "it is not installed", fix))
