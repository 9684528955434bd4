"""Starting a training, or going on with one: data, folder and processes are made ready for the loop."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from cnnspec.data import Loaded
from cnnspec.data.source import Files
from cnnspec.plan import Plan
from cnnspec.spec import Spec
from cnnspec.training import device as devices
from cnnspec.training import pretrained
from cnnspec.training.checkpoint import weights_hash
from cnnspec.training.checks import check_fit, check_memory, torch_errors, warn_of_slowness
from cnnspec.training.folder import RunFolder
from cnnspec.training.heap import keep_freed_memory
from cnnspec.training.loop import Loop
from cnnspec.training.origin import MANY, Origin, environment, fitted, load, refuse, resumed, take_up
from cnnspec.training.processes import Processes
from cnnspec.training.reporter import Job, Reporter
from cnnspec.training.run import Run, load_run
from cnnspec.training.session import Session, Threads, prepare
from cnnspec.training.split import OnDisk, is_held
from cnnspec.training.stop import StopRequest
from cnnspec.training.threads import Fixed, ThreadCount, Tuner
from cnnspec.training.threads import candidates as threads_of


@dataclass(frozen=True, slots=True)
class Result:
    """What training came to: the last test's accuracy (0 to 1), a row an epoch, and the run's folder.

    `weights_hash` is the SHA-256 of the weights after the last step.
    """

    accuracy: float
    history: list[dict[str, Any]]
    folder: Path
    weights_hash: str

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the curves, and the epochs that matter."""
        from cnnspec.report.notebook import result_html  # what reports on runs imports this package

        return result_html(self.history, self.folder)

    @property
    def run(self) -> Run:
        """The run. Raises CheckpointError where this process cannot read its folder."""
        return load_run(self.folder)


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a training would do, and the seconds and mean losses of its first steps, two at most."""

    job: Job
    seconds: list[float]
    losses: list[float]


def train(
    spec: Spec | None = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
    dataset: str | None = None,
    data_root: str | Path | None = None,
    sample: bool = True,
    device: str = "auto",
    threads: ThreadCount = "auto",
    reporter: Reporter | None = None,
) -> Result:
    """Train a spec's network and return the result; the run is written to a new folder.

    `epochs`, `batch_size`, `lr`, `seed`, `dataset` and `settings` (see `Spec.overridden`) go
    before what the spec says, and `sample=False` forbids that a sample of the data set stands in
    for it. `resume` is the folder of a run to go on with, instead of a spec; it keeps what it
    began with, but for `epochs`. `threads` are those on the CPU; "auto" measures which number is
    best, and a fixed number makes the weights the same in every run, to the bit. Progress goes to
    `reporter`. Raises SpecError, DataError or CheckpointError, and Stopped (a KeyboardInterrupt)
    after SIGINT or SIGTERM; a folder is left behind only if it holds a checkpoint.
    """
    reporter = reporter or Reporter()
    changes: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed}
    changes["settings"] = settings
    processes = Processes.from_environment()
    if resume is not None:
        refuse({"spec": spec, "out": out, "dataset": dataset, **changes, "epochs": None})
    elif spec is None:
        raise TypeError("train needs a spec, or a run to resume")
    else:
        spec = spec.overridden(dataset=dataset, **changes)
        check_fit(spec)
    stop = StopRequest()
    with processes.join(), _on(device, processes) as where, stop.listening():
        folder = None
        try:
            with processes.together():
                if processes.is_first:
                    if spec:  # before anything is loaded: what it begins with must be there
                        pretrained.source(spec.located())
                    folder = RunFolder.create(out, spec.name) if spec else RunFolder.open(resume or "")
            origin = Origin(spec, spec.data.name) if spec else resumed(folder, epochs, processes)
            loaded = load(origin, data_root, sample=sample, processes=processes, reporter=reporter)
            plan = fitted(origin, loaded, data_root, processes, reporter)
            with torch_errors(plan), closing(_ready(plan, loaded, where, processes, reporter)) as session:
                facts = take_up(session, folder, reporter) if origin.environment else None
                weights = None if facts else _begin(session, origin, reporter)
                counter = _threads(threads, where, processes, session, facts)
                with processes.together():
                    if folder:
                        told = environment(
                            origin, loaded, session, asked=threads, weights=weights, reporter=reporter
                        )
                        folder.begin(plan.spec, told)
                job = _job(session, origin, loaded, folder=folder, threads=threads, resumed=facts is not None)
                reporter.begin(replace(job, weights=pretrained.lines(weights)))
                Loop(session, folder, counter, reporter, stop).run()
                reporter.finished()
                return _result(session, folder)
        finally:
            reporter.close()
            if folder:
                folder.discard()


def dry_run(
    spec: Spec,
    *,
    out: str | Path | None = None,
    data_root: str | Path | None = None,
    sample: bool = True,
    device: str = "auto",
    threads: ThreadCount = "auto",
    reporter: Reporter | None = None,
    **changes: Any,
) -> DryRun:
    """Return what `train` would do with the same arguments, and take two steps; nothing is written.

    `changes` are those of `Spec.overridden`, as in `train`.
    """
    reporter = reporter or Reporter()
    asked = spec.overridden(**changes)
    check_fit(asked)
    pretrained.source(asked.located())
    processes = Processes()
    with _on(device, processes) as where:
        origin = Origin(asked, asked.data.name)
        loaded = load(origin, data_root, sample=sample, processes=processes, reporter=reporter)
        plan = fitted(origin, loaded, data_root, processes, reporter)
        with torch_errors(plan), closing(_ready(plan, loaded, where, processes, reporter)) as session:
            weights = _begin(session, origin, reporter)
            counter = _threads(threads, where, processes, session, None)
            seconds, losses = Loop(session, None, counter, reporter, StopRequest()).try_steps(2)
        job = _job(session, origin, loaded, folder=None, threads=threads, resumed=False)
        job = replace(
            job, folder=str(out or f"runs/{plan.name}-TIMESTAMP"), weights=pretrained.lines(weights)
        )
        return DryRun(job, seconds, losses)


def _ready(
    plan: Plan, loaded: Loaded, device: torch.device, processes: Processes, reporter: Reporter
) -> Session:
    """Return all that training takes, if it fits into memory: with the pictures there, if these fit, too."""
    wanted = plan.spec.train.data_on_device
    parts = (loaded.train, loaded.test)
    hold = is_held(parts, plan.input_shape, wanted=wanted, processes=processes.local_size)
    check_memory(plan, loaded, device, processes, hold=hold)
    warn_of_slowness(plan, device, reporter)
    count = sum(len(part) for part in parts if isinstance(part, Files))
    if hold and count > MANY:
        reporter.notice(f"Reading {count:,} pictures into memory")
    session = prepare(plan, loaded, device, processes, hold=hold)
    if device.type == "cpu":
        keep_freed_memory()  # not before: what the data takes once would stay, too
    return session


def _begin(session: Session, origin: Origin, reporter: Reporter) -> dict[str, Any] | None:
    """Put the weights into the network that the spec names, if it does."""
    return pretrained.begin(session, (origin.environment or {}).get("weights"), reporter)


def _threads(
    asked: ThreadCount,
    device: torch.device,
    processes: Processes,
    session: Session,
    facts: dict[str, Any] | None,
) -> Threads:
    """Return what decides on the CPU threads; a run that goes on starts with what it had."""
    before = [(step, count) for step, count in (facts or {}).get("threads", [])]
    # A compiled network is compiled anew for another number of threads.
    if asked == "auto" and device.type == "cpu" and not session.options.compile:
        found = threads_of(processes.local_size)
        return Tuner(found, done=session.steps_done, choices=before)
    return Fixed(None if asked == "auto" else asked, done=session.steps_done, choices=before)


@contextmanager
def _on(name: str, processes: Processes) -> Iterator[torch.device]:
    """Return the device to train on; put torch's threads and random generators back after it."""
    device = processes.device(devices.choose(name))
    before = torch.get_num_threads()
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield device
    finally:
        torch.set_num_threads(before)


def _job(
    session: Session,
    origin: Origin,
    loaded: Loaded,
    *,
    folder: RunFolder | None,
    threads: ThreadCount,
    resumed: bool,
) -> Job:
    data_set, progress = loaded.data_set, session.progress
    return Job(
        plan=session.plan,
        asked=origin.asked,
        data_set=data_set.name,
        data_title=data_set.title,
        is_sample=bool(data_set.sample_of),
        sample_because=loaded.instead_of,
        train_size=len(session.batches.split),
        test_size=len(loaded.test),
        validation_size=len(loaded.train) - len(session.batches.split),
        epochs=session.options.epochs,
        device=devices.describe(session.device),
        folder=str(folder.path) if folder else "",
        steps=len(session.batches),
        threads=threads,
        processes=session.processes.size,
        channels_last=session.normalize.layout == torch.channels_last,
        data_on_device=session.batches.resident,
        data_on_disk=isinstance(session.batches.split.inputs, OnDisk),
        resumed_at=(progress.epoch, progress.step) if resumed else None,
        history=tuple(progress.history),
    )


def _result(session: Session, folder: RunFolder | None) -> Result:
    history, state = session.progress.history, session.state
    accuracy = next(row["test_accuracy"] for row in reversed(history) if "test_accuracy" in row)
    path = session.processes.broadcast(str(folder.path) if folder else "")
    trained = state.model if state.average is None else state.average
    return Result(accuracy, history, Path(path), weights_hash(trained))
