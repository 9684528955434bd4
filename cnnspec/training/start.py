"""Starting a training, or going on with one: data, folder and processes are made ready for the loop."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from cnnspec import machine
from cnnspec import spec as specs
from cnnspec.data import Loaded, load_data
from cnnspec.errors import DataError, Problem, SpecError
from cnnspec.fit import data_problems
from cnnspec.language.yaml_text import to_yaml
from cnnspec.plan import Plan
from cnnspec.spec import Spec
from cnnspec.training import best
from cnnspec.training import device as devices
from cnnspec.training.checkpoint import share, weights_hash
from cnnspec.training.folder import RunFolder, describe_environment
from cnnspec.training.loop import Loop
from cnnspec.training.processes import Processes
from cnnspec.training.report import Job, Reporter
from cnnspec.training.run import ENVIRONMENT, SPEC, Run, load_run, read_json
from cnnspec.training.session import Session, Threads, prepare
from cnnspec.training.stop import StopRequest
from cnnspec.training.threads import Fixed, Tuner
from cnnspec.training.threads import candidates as threads_of

ThreadCount = int | Literal["auto"]


@dataclass(frozen=True, slots=True)
class Result:
    """What training came to: the last test's accuracy (0 to 1), a row an epoch, and the run's folder.

    `weights_hash` is the SHA-256 of the weights after the last step.
    """

    accuracy: float
    history: list[dict[str, Any]]
    folder: Path
    weights_hash: str

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


@dataclass(frozen=True, slots=True)
class _Start:
    """What a training begins with: the spec, the data set asked for, and the folder of one that goes on."""

    spec: Spec
    asked: str
    environment: dict[str, Any] | None = None


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
        _refuse({"spec": spec, "out": out, "dataset": dataset, **changes, "epochs": None})
    elif spec is None:
        raise TypeError("train needs a spec, or a run to resume")
    else:
        spec = spec.overridden(dataset=dataset, **changes)
        _check(spec)
    stop = StopRequest()
    with processes.join(), _on(device, processes) as where, stop.listening():
        folder = None
        try:
            with processes.together():
                if processes.is_first:
                    folder = RunFolder.create(out, spec.name) if spec else RunFolder.open(resume or "")
            start = _Start(spec, spec.data.dataset) if spec else _resumed(folder, epochs, processes)
            loaded = _load(start, data_root, sample=sample, processes=processes, reporter=reporter)
            used = start.spec.overridden(dataset=loaded.data_set.name)
            _check_processes(used, loaded, processes)
            plan = _check(used)
            with _torch_errors(plan):
                _check_memory(plan, len(loaded.train), where, processes)
                _warn_of_slowness(plan, where, reporter)
                session = prepare(plan, loaded, where, processes)
                facts = _take_up(session, folder, reporter) if start.environment else None
                counter = _threads(threads, where, processes, session, facts)
                with processes.together():
                    if folder:
                        environment = _environment(start, loaded, session, asked=threads, reporter=reporter)
                        folder.begin(used, environment)
                job = _job(session, start, loaded, folder=folder, threads=threads, resumed=facts is not None)
                reporter.begin(job)
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
) -> DryRun:
    """Return what `train` would do with the same arguments, and take two steps; nothing is written."""
    reporter = reporter or Reporter()
    changes: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed}
    changes["settings"] = settings
    asked = spec.overridden(dataset=dataset, **changes)
    _check(asked)
    processes = Processes()
    with _on(device, processes) as where:
        start = _Start(asked, asked.data.dataset)
        loaded = _load(start, data_root, sample=sample, processes=processes, reporter=reporter)
        plan = _check(asked.overridden(dataset=loaded.data_set.name))
        with _torch_errors(plan):
            _check_memory(plan, len(loaded.train), where, processes)
            _warn_of_slowness(plan, where, reporter)
            session = prepare(plan, loaded, where, processes)
            counter = _threads(threads, where, processes, session, None)
            seconds, losses = Loop(session, None, counter, reporter, StopRequest()).try_steps(2)
        job = _job(session, start, loaded, folder=None, threads=threads, resumed=False)
        return DryRun(replace(job, folder=str(out or f"runs/{plan.name}-TIMESTAMP")), seconds, losses)


def _refuse(given: dict[str, Any]) -> None:
    """Refuse what would make a run that goes on another one."""
    names = [name for name, value in given.items() if value is not None]
    if names:
        what = f"a run that is resumed takes no {' and no '.join(names)}"
        raise SpecError(Problem(what, "it goes on with what it began with", "Only epochs may be changed"))


def _check(spec: Spec) -> Plan:
    """Return the plan of a spec that fits its data; raises SpecError."""
    plan = spec.plan()
    problems = data_problems(plan)
    if problems:
        raise SpecError(*problems)
    return plan


def _resumed(folder: RunFolder | None, epochs: int | None, processes: Processes) -> _Start:
    """Return what the run in the folder began with; other machines need not see the folder."""
    text, environment, file = "", {}, ""
    with processes.together():
        if folder:
            file = str(folder.path / SPEC)
            text, environment = (folder.path / SPEC).read_text("utf-8"), read_json(folder.path / ENVIRONMENT)
    text, environment, file = processes.broadcast([text, environment, file])
    spec = specs.loads(text, file=file).overridden(epochs=epochs)
    return _Start(spec, environment["data"]["asked"], environment)


def _load(
    start: _Start, root: str | Path | None, *, sample: bool, processes: Processes, reporter: Reporter
) -> Loaded:
    """Return the data; of a run that goes on, the very same. Raises DataError."""
    with processes.first_here():
        loaded = load_data(
            start.spec.data.dataset,
            root,
            sample=sample and start.environment is None,
            progress=reporter.downloading,
            notice=reporter.notice,
        )
    if start.environment and loaded.hashes != start.environment["data"]["sha256"]:
        what, why = (
            f"{loaded.data_set.name} in {loaded.source} is not what the run began with",
            "files differ",
        )
        fix = f"Name the folder it was in, {start.environment['data']['source']}, with --data-root"
        raise DataError(Problem(what, why, fix))
    return loaded


def _check_processes(spec: Spec, loaded: Loaded, processes: Processes) -> None:
    """Raise an error where processes cannot train together: on other specs or data, or on nothing at all."""
    if processes.size == 1:
        return
    if not processes.same(repr(loaded.hashes)):
        what, why = f"not all machines have the same {spec.data.dataset}", "one may have a sample of it"
        raise DataError(Problem(what, why, "Name a folder that has it on each machine with --data-root"))
    if not processes.same(to_yaml(spec.resolved())):
        what = "the processes were started with different specs"
        raise SpecError(Problem(what, "each computes a part of the same batches", "Give all the same file"))
    batch = min(spec.train.batch_size, len(loaded.train))
    if batch < processes.size:
        what, why = f"batches of {batch} are too small for {processes.size} processes", "each needs a sample"
        place = spec.document.place(("train", "batch_size"))
        raise SpecError(Problem(what, why, f"Use a batch_size of at least {processes.size}", place))


def _take_up(session: Session, folder: RunFolder | None, reporter: Reporter) -> dict[str, Any] | None:
    """Put back the state that the folder's last checkpoint holds; None where there is none yet."""
    facts: dict[str, Any] | None = None
    with session.processes.together():
        if folder:
            facts = folder.latest(session.state, reporter.warning)
            if facts:  # a process may have died between checkpoint and metrics
                folder.write_metrics(facts["history"])
    facts = session.processes.broadcast(facts)
    if facts is None:
        return None
    share(session.state, session.processes)
    session.progress.restore(facts)
    options = session.options
    if session.progress.epoch >= options.epochs or best.is_enough(session.progress.history, options):
        # No error: it is how a run ends that died after its last checkpoint.
        reporter.notice(
            f"The run is complete: it has {session.progress.epoch} epochs. "
            f"Train for longer with --epochs {2 * options.epochs}, or start another run."
        )
    return facts


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


def _environment(
    start: _Start, loaded: Loaded, session: Session, *, asked: ThreadCount, reporter: Reporter
) -> dict[str, Any]:
    """Return what environment.json says; each time that a run goes on adds an entry to `resumed`."""
    now = describe_environment(
        loaded,
        start.asked,
        device=str(session.device),
        threads=asked,
        seed=session.options.seed,
        processes=session.processes.size,
    )
    if not start.environment:
        return now
    before = start.environment
    others = [f"{n} {v}" for n, v in before["versions"].items() if now["versions"].get(n) not in (v, None)]
    if others:
        reporter.notice(f"The run began with {', '.join(others)}; the last bits of its weights may differ.")
    entry = {
        name: now[name] for name in ("started", "versions", "platform", "device", "threads", "processes")
    }
    return before | {"resumed": [*before.get("resumed", []), entry | {"step": session.steps_done}]}


def _check_memory(plan: Plan, samples: int, device: torch.device, processes: Processes) -> None:
    """Raise SpecError where the CPU's memory cannot hold a step; a GPU's is asked for as it goes."""
    batch = math.ceil(min(plan.spec.train.batch_size, samples) / processes.size)
    available = machine.memory()
    if available is not None:
        available //= processes.local_size
    problem = machine.training_problem(plan, batch, available) if device.type == "cpu" else None
    if problem:
        raise SpecError(problem)


def _warn_of_slowness(plan: Plan, device: torch.device, reporter: Reporter) -> None:
    text = devices.slow(device, plan.spec.train.precision)
    if text:
        reporter.notice(text)


@contextmanager
def _torch_errors(plan: Plan) -> Iterator[None]:
    """Turn torch's errors for lack of memory, or of what compiling takes, into ones that say what to do."""
    place = plan.spec.document.place(("train", "compile"))
    with _memory_errors(plan), devices.compile_errors(place, wanted=plan.spec.train.compile):
        yield


@contextmanager
def _memory_errors(plan: Plan) -> Iterator[None]:
    """Turn torch's errors for lack of memory into one that says what to do."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(
            error, (MemoryError, torch.OutOfMemoryError)
        ) and "can't allocate memory" not in str(error):
            raise
        options = plan.spec.train
        what = f"there is not enough memory to train {plan.name} in batches of {options.batch_size}"
        why = str(error).splitlines()[0] if str(error) else ""
        half = max(1, options.batch_size // 2)
        parts = 2 * options.accumulate
        fix = f"Use a batch_size of {half}, or compute the same batches in parts: accumulate {parts}"
        raise SpecError(Problem(what, why, fix, plan.spec.document.place(("train", "batch_size")))) from None


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
    start: _Start,
    loaded: Loaded,
    *,
    folder: RunFolder | None,
    threads: ThreadCount,
    resumed: bool,
) -> Job:
    data_set, progress = loaded.data_set, session.progress
    return Job(
        plan=session.plan,
        asked=start.asked,
        data_set=data_set.name,
        data_title=data_set.title,
        is_sample=bool(data_set.sample_of),
        sample_because=loaded.instead_of,
        train_size=session.batches.count,
        test_size=len(loaded.test),
        validation_size=len(loaded.train) - session.batches.count,
        epochs=session.options.epochs,
        device=devices.describe(session.device),
        folder=str(folder.path) if folder else "",
        steps=len(session.batches),
        threads=threads,
        processes=session.processes.size,
        channels_last=session.normalize.layout == torch.channels_last,
        data_on_device=session.batches.resident,
        resumed_at=(progress.epoch, progress.step) if resumed else None,
        history=tuple(progress.history),
    )


def _result(session: Session, folder: RunFolder | None) -> Result:
    history, state = session.progress.history, session.state
    accuracy = next(row["test_accuracy"] for row in reversed(history) if "test_accuracy" in row)
    path = session.processes.broadcast(str(folder.path) if folder else "")
    trained = state.model if state.average is None else state.average
    return Result(accuracy, history, Path(path), weights_hash(trained))
