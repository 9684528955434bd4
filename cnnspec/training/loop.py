"""The trainer: data, network and optimizer are prepared, then the loop runs; it fits on one screen."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor, nn

from cnnspec import machine
from cnnspec.data import Loaded, Normalizer, Pictures, load_data, to_input
from cnnspec.errors import Place, Problem, SpecError
from cnnspec.fit import data_problems
from cnnspec.language.sections import Optimizer
from cnnspec.plan import Plan
from cnnspec.spec import Spec
from cnnspec.training import device as devices
from cnnspec.training.checkpoint import State
from cnnspec.training.evaluate import evaluate
from cnnspec.training.folder import RunFolder, describe_environment
from cnnspec.training.report import Job, Reporter
from cnnspec.training.run import Run, load_run


@dataclass(frozen=True, slots=True)
class Result:
    """What training came to: test accuracy after the last epoch (0 to 1), a row an epoch, the run."""

    accuracy: float
    history: list[dict[str, Any]]
    run: Run


@dataclass(frozen=True, slots=True)
class _Split:
    """One part of the data on the training device, prepared for the network, in uint8."""

    inputs: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def train(
    spec: Spec,
    *,
    out: str | Path | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    seed: int | None = None,
    dataset: str | None = None,
    data_root: str | Path | None = None,
    sample: bool = True,
    device: str = "auto",
    threads: int | None = None,
    reporter: Reporter | None = None,
) -> Result:
    """Train a spec's network and return the result; the run is written to a new folder.

    `epochs`, `batch_size`, `lr`, `seed` and `dataset` go before what the spec says, and
    `sample=False` forbids that a sample of the data set stands in for it. Progress goes
    to `reporter`. Raises SpecError, DataError or CheckpointError; a folder is left
    behind only if it holds a finished epoch.
    """
    reporter = reporter or Reporter()
    asked = spec.overridden(dataset=dataset, epochs=epochs, batch_size=batch_size, lr=lr, seed=seed)
    _check(asked.plan())
    where = devices.choose(device)
    folder = RunFolder.create(out, asked.name)
    try:
        with _settings(where, asked.train.seed, threads):
            loaded = load_data(
                asked.data.dataset,
                data_root,
                sample=sample,
                progress=reporter.downloading,
                notice=reporter.notice,
            )
            used = asked.overridden(dataset=loaded.data_set.name)
            _check_memory(used.plan(), len(loaded.train), where)
            environment = describe_environment(loaded, asked.data.dataset, str(where), used.train.seed)
            folder.begin(used, environment)
            reporter.begin(_job(used.plan(), asked.data.dataset, loaded, where, folder))
            with _memory_errors(used.plan()):
                history = _fit(used.plan(), loaded, where, folder, reporter)
    finally:
        folder.discard()
    return Result(history[-1]["test_accuracy"], history, load_run(folder.path))


def _fit(
    plan: Plan, loaded: Loaded, device: torch.device, folder: RunFolder, reporter: Reporter
) -> list[dict[str, Any]]:
    """Run the loop: every epoch trains, evaluates, and writes its checkpoint and metrics."""
    options = plan.spec.train
    training, testing = (_prepare(part, plan, device) for part in (loaded.train, loaded.test))
    normalize = Normalizer(plan.spec.data.statistics(), plan.input_shape, device)
    classes = len(loaded.data_set.classes)
    model = plan.build().to(device)
    optimizer = _optimizer(options.optimizer, model)
    shuffle = torch.Generator().manual_seed(options.seed)
    state = State(model, optimizer, shuffle)
    history: list[dict[str, Any]] = []

    for epoch in range(1, options.epochs + 1):
        started = time.perf_counter()
        model.train()
        loss_sum, done = torch.zeros((), device=device), 0
        for inputs, labels in _batches(training, options.batch_size, shuffle):
            loss = F.cross_entropy(model(normalize(inputs)), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach() * len(labels)
            done += len(labels)
            reporter.step(epoch, done, loss_sum)
        train_loss = float(loss_sum) / len(training)
        _check_finite(train_loss, epoch, plan)
        reporter.evaluating(epoch)
        test = evaluate(model, testing.inputs, testing.labels, normalize, classes)
        row = {
            "epoch": epoch,
            "train_loss": train_loss,
            "test_loss": test.loss,
            "test_accuracy": test.accuracy,
            "lr": optimizer.param_groups[0]["lr"],
            "seconds": round(time.perf_counter() - started, 3),
            "dataset": loaded.data_set.name,
        }
        best = all(test.accuracy > earlier["test_accuracy"] for earlier in history)
        folder.add_epoch(row, state, best=best)
        history.append(row)
        reporter.epoch(row)
    return history


def _prepare(pictures: Pictures, plan: Plan, device: torch.device) -> _Split:
    return _Split(to_input(pictures.images, plan.input_shape).to(device), pictures.labels.to(device))


def _batches(split: _Split, size: int, shuffle: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the samples in batches, in a new order each time."""
    order = torch.randperm(len(split), generator=shuffle).to(split.labels.device)
    inputs, labels = split.inputs[order], split.labels[order]
    for start, end in _bounds(len(split), size):
        yield inputs[start:end], labels[start:end]


def _bounds(count: int, size: int) -> list[tuple[int, int]]:
    """Return where batches start and end; a last one of a single sample joins the one before it.

    Batch norm cannot learn from one sample of a flat layer.
    """
    bounds = [(start, min(start + size, count)) for start in range(0, count, size)]
    if len(bounds) > 1 and size > 1 and bounds[-1][1] - bounds[-1][0] == 1:
        bounds[-2:] = [(bounds[-2][0], count)]
    return bounds


def _optimizer(options: Optimizer, model: nn.Module) -> torch.optim.Optimizer:
    # One kernel for all weights, not three for each: on the CPU, half the time of a step.
    return torch.optim.Adam(model.parameters(), lr=options.adam.lr, fused=True)


def _check(plan: Plan) -> None:
    problems = data_problems(plan)
    if problems:
        raise SpecError(*problems)


def _check_memory(plan: Plan, samples: int, device: torch.device) -> None:
    """Raise SpecError where the CPU's memory cannot hold a step; a GPU's is asked for as it goes."""
    batch = min(plan.spec.train.batch_size, samples)
    problem = machine.training_problem(plan, batch, machine.memory()) if device.type == "cpu" else None
    if problem:
        raise SpecError(problem)


def _check_finite(loss: float, epoch: int, plan: Plan) -> None:
    if not math.isfinite(loss):
        place: Place = plan.spec.document.place(("train", "optimizer", "adam", "lr"))
        what, why = (
            f"the training loss is {loss} in epoch {epoch}",
            "the steps are too large, so the weights ran away",
        )
        raise SpecError(Problem(what, why, f"Use an lr below {plan.spec.train.optimizer.adam.lr:g}", place))


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
        what, why = f"there is not enough memory to train {plan.name}", str(error).splitlines()[0]
        fix = f"Use a batch_size below {plan.spec.train.batch_size}, or a smaller network"
        raise SpecError(Problem(what, why, fix, plan.spec.document.place(("train", "batch_size")))) from None


@contextmanager
def _settings(device: torch.device, seed: int, threads: int | None) -> Iterator[None]:
    """Set torch's seed and threads for a training, and put them back after it."""
    before = torch.get_num_threads()
    devices.set_threads(threads)
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)


def _job(plan: Plan, asked: str, loaded: Loaded, device: torch.device, folder: RunFolder) -> Job:
    return Job(
        plan,
        asked,
        loaded.data_set.name,
        loaded.data_set.title,
        bool(loaded.data_set.sample_of),
        loaded.instead_of,
        len(loaded.train),
        len(loaded.test),
        plan.spec.train.epochs,
        devices.describe(device),
        str(folder.path),
    )
