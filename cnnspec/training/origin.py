"""What a training begins with: a spec, or the folder of a run that is to go on as if it had never stopped."""

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cnnspec import spec as specs
from cnnspec.data import Loaded, inspect, load_data
from cnnspec.data.source import Files
from cnnspec.data.statistics import statistics
from cnnspec.errors import DataError, Place, Problem, SpecError
from cnnspec.plan import Plan
from cnnspec.plugins.origins import NOTE, check_loaded, origins
from cnnspec.shape import Shape
from cnnspec.spec import Spec
from cnnspec.training import best, pretrained
from cnnspec.training.checkpoint import share
from cnnspec.training.checks import check_fit, check_processes
from cnnspec.training.decoders import Decoders, workers
from cnnspec.training.folder import RunFolder, describe_environment
from cnnspec.training.processes import Processes
from cnnspec.training.record import ENVIRONMENT, SPEC, read_json
from cnnspec.training.reporter import Reporter
from cnnspec.training.session import Session
from cnnspec.training.threads import ThreadCount

MANY = 2000
"""Pictures from which on it is told that they are read: it takes seconds."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The spec and the data set asked for; of a run that goes on, what its environment.json says, too."""

    spec: Spec
    asked: str
    environment: dict[str, Any] | None = None


def refuse(given: dict[str, Any]) -> None:
    """Refuse what would make a run that goes on another one."""
    names = [name for name, value in given.items() if value is not None]
    if names:
        what = f"a run that is resumed takes no {' and no '.join(names)}"
        raise SpecError(Problem(what, "it goes on with what it began with", "Only epochs may be changed"))


def resumed(folder: RunFolder | None, epochs: int | None, processes: Processes) -> Origin:
    """Return what the run in the folder began with; other machines need not see the folder."""
    text, environment, file = "", {}, ""
    with processes.together():
        if folder:
            file = str(folder.path / SPEC)
            text, environment = (folder.path / SPEC).read_text("utf-8"), read_json(folder.path / ENVIRONMENT)
    text, environment, file = processes.broadcast([text, environment, file])
    check_loaded(environment, Place(file))
    spec = specs.loads(text, file=file).overridden(epochs=epochs)
    return Origin(spec, environment["data"]["asked"], environment)


def load(
    origin: Origin, root: str | Path | None, *, sample: bool, processes: Processes, reporter: Reporter
) -> Loaded:
    """Return the data; of a run that goes on, the very same. Raises DataError."""
    with processes.first_here():
        loaded = load_data(
            origin.spec.located(root).data,
            root,
            sample=sample and origin.environment is None,
            progress=reporter.downloading,
            notice=reporter.notice,
        )
    if origin.environment and loaded.hashes != origin.environment["data"]["sha256"]:
        what, why = (
            f"{loaded.data_set.name} in {loaded.source} is not what the run began with",
            "files differ",
        )
        fix = f"Name the folder it was in, {origin.environment['data']['source']}, with --data-root"
        raise DataError(Problem(what, why, fix))
    for problem in loaded.left_out:
        reporter.warning(str(problem))
    return loaded


def fitted(
    origin: Origin, loaded: Loaded, root: str | Path | None, processes: Processes, reporter: Reporter
) -> Plan:
    """Return the plan of what is trained: on the data that there is, with its statistics.

    Unless the spec has them, they are those of the weights that training begins with, else those of the
    data set; of the user's own pictures they are computed here. Raises SpecError where the network does
    not fit the data, and DataError where that cannot be read.
    """
    spec = origin.spec.located(root)
    if origin.environment is None:
        spec = pretrained.named(spec)
    if spec.data.dataset:
        spec = spec.overridden(dataset=loaded.data_set.name)
    check_processes(spec, loaded, processes)
    plan = check_fit(spec, loaded.data_set)
    if origin.environment is None and processes.is_first:
        for problem in inspect.warnings(loaded, spec.input):
            reporter.warning(str(problem))
    if spec.data.normalize or (spec.data.dataset and not spec.train.weights):
        return plan
    found: tuple[Any, Any] = (0.0, 1.0)
    with processes.together():
        if processes.is_first:
            known = pretrained.statistics(spec) or spec.data.statistics(spec.input)
            found = (known.mean, known.std) if known else _measured(loaded, spec.input, reporter)
    mean, std = (tuple(v) if isinstance(v, list) else v for v in processes.broadcast(list(found)))
    return check_fit(spec.normalized(mean, std), loaded.data_set)


def _measured(loaded: Loaded, shape: Shape, reporter: Reporter) -> tuple[Any, Any]:
    """Return mean and standard deviation; all processors decode pictures on disk for it."""
    source = loaded.train
    if len(source) > MANY:
        reporter.notice(f"Computing mean and standard deviation of {loaded.data_set.name}")
    if not isinstance(source, Files):
        return statistics(source, shape)
    with closing(Decoders([source], shape, workers())) as decoders:
        return statistics(source, shape, partial(decoders.read, 0))


def take_up(session: Session, folder: RunFolder | None, reporter: Reporter) -> dict[str, Any] | None:
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
    if not session.processes.is_first:
        session.progress.damaged = 0  # the first one counts for all of them
    options, done = session.options, session.progress.epoch
    if options.epochs < done or (options.epochs == done and not _is_tested(session)):
        what, why = f"the run has {done} epochs already", "what is learned is not forgotten again"
        raise SpecError(Problem(what, why, f"Use --epochs {done + 1} or more"))
    if done >= options.epochs or best.is_enough(session.progress.history, options):
        # No error: it is how a run ends that died after its last checkpoint.
        reporter.notice(
            f"The run is complete: it has {done} epochs. "
            f"Train for longer with --epochs {2 * options.epochs}, or start another run."
        )
    return facts


def _is_tested(session: Session) -> bool:
    """Tell whether any epoch was tested: with `evaluate_every`, the last one is only at the run's end."""
    return any("test_accuracy" in row for row in session.progress.history)


def environment(
    origin: Origin,
    loaded: Loaded,
    session: Session,
    *,
    asked: ThreadCount,
    weights: dict[str, Any] | None,
    reporter: Reporter,
) -> dict[str, Any]:
    """Return what environment.json says; each time that a run goes on adds an entry to `resumed`.

    `weights` are what `pretrained.begin` says of those that training begins with.
    """
    now = describe_environment(
        loaded,
        origin.asked,
        device=str(session.device),
        threads=asked,
        seed=session.options.seed,
        processes=session.processes.size,
    )
    if not origin.environment:
        foreign = origins(step.type for step in session.plan.layers)
        return now | ({"weights": weights} if weights else {}) | ({NOTE: foreign} if foreign else {})
    before = origin.environment
    others = [f"{n} {v}" for n, v in before["versions"].items() if now["versions"].get(n) not in (v, None)]
    if others:
        reporter.notice(f"The run began with {', '.join(others)}; the last bits of its weights may differ.")
    entry = {
        name: now[name] for name in ("started", "versions", "platform", "device", "threads", "processes")
    }
    return before | {"resumed": [*before.get("resumed", []), entry | {"step": session.steps_done}]}
