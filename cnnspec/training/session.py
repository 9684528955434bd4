"""All that a training works with, made ready before the loop begins."""

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from cnnspec.data import Loaded, Normalizer
from cnnspec.data.augment import Augmenter
from cnnspec.data.mix import Mixed
from cnnspec.data.source import Source
from cnnspec.language.training import Train
from cnnspec.plan import Plan
from cnnspec.training import average, batches, draws, frozen, loss, optimizer
from cnnspec.training import device as devices
from cnnspec.training.batches import Batch, Batches
from cnnspec.training.checkpoint import State
from cnnspec.training.decoders import workers
from cnnspec.training.evaluate import Evaluation, evaluate
from cnnspec.training.guard import Guard
from cnnspec.training.layout import arrange
from cnnspec.training.processes import Processes
from cnnspec.training.split import OnDisk, Split, splits
from cnnspec.training.threads import Fixed, Tuner

Threads = Fixed | Tuner


@dataclass
class Progress:
    """How far training has come: `epoch` epochs are finished, and `step` steps of the next one.

    `loss_sum` is that of the `done` samples of these steps, and `seconds` what they took. Of their pictures,
    `damaged` could not be read: as far as this process knows, and the first one what the others knew before.
    """

    loss_sum: Tensor
    epoch: int = 0
    step: int = 0
    done: int = 0
    damaged: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)

    def facts(self, threads: Threads) -> dict[str, Any]:
        """Return what a checkpoint keeps of it, as plain values."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "done": self.done,
            "damaged": self.damaged,
            "loss_sum": float(self.loss_sum),
            "seconds": round(self.seconds, 3),
            "history": self.history,
            "threads": threads.choices,
        }

    def restore(self, facts: dict[str, Any]) -> None:
        """Take up what a checkpoint kept."""
        self.epoch, self.step, self.history = facts["epoch"], facts["step"], list(facts["history"])
        self.done, self.seconds = facts.get("done", 0), facts.get("seconds", 0.0)
        self.loss_sum.fill_(facts.get("loss_sum", 0.0))
        self.damaged = facts.get("damaged", 0)

    def next_epoch(self, row: dict[str, Any]) -> None:
        """Take in a finished epoch's row of metrics."""
        self.history.append(row)
        self.epoch, self.step, self.done, self.damaged, self.seconds = self.epoch + 1, 0, 0, 0, 0.0
        self.loss_sum.zero_()


@dataclass
class Session:
    """Network, data and what else the loop needs; `network` is the model as training calls it."""

    plan: Plan
    device: torch.device
    processes: Processes
    classes: int
    batches: Batches
    tests: dict[str, Split]
    normalize: Normalizer
    augment: Augmenter | None
    criterion: loss.Criterion
    network: nn.Module
    state: State
    guard: Guard
    progress: Progress
    generator: torch.Generator

    @property
    def options(self) -> Train:
        """What the spec says of training."""
        return self.plan.spec.train

    @property
    def steps_done(self) -> int:
        """Steps since the beginning of the training."""
        return self.progress.epoch * len(self.batches) + self.progress.step

    def inputs(self, batch: Batch, step: int) -> tuple[Tensor, Mixed | None]:
        """Return a batch's pictures as the network sees them, changed at random where the spec says so.

        Where it mixes them with each other, what they are mixed with comes beside.
        """
        pictures, mixed = batch.inputs, None
        if self.augment:
            self.generator.manual_seed(draws.seed_for(self.options.seed, draws.AUGMENT, step))
            pictures, mixed = self.augment(
                pictures.float(), batch.labels, self.generator, batch.total, batch.start
            )
        return self.normalize(pictures), mixed

    def divisor(self, batch: Batch, mixed: Mixed | None) -> Tensor | int:
        """Return what the sum of the losses of a batch of all processes is divided by."""
        if mixed is None:
            return self.criterion.divisor(batch.all_labels)
        own = self.criterion.divisor(batch.labels, mixed)
        return self.processes.sum(own) if isinstance(own, Tensor) else batch.total

    def begin_learning(self) -> None:
        """Put the network into training mode, but for the batch norms of what is frozen."""
        self.network.train()
        frozen.keep_statistics(self.state.model, self.options)

    def close(self) -> None:
        """End what reads from disk."""
        for split in (self.batches.split, *self.tests.values()):
            split.close()

    def gather_damaged(self) -> int:
        """Return how many of this epoch's pictures no process could read; the first one keeps it."""
        total = self.progress.damaged
        if self.batches.split.skips:
            total = int(self.processes.sum(torch.tensor(total)))
            self.progress.damaged = total if self.processes.is_first else 0
        return total

    def evaluate(self, split: str) -> Evaluation:
        """Test the network, or the average of its weights if there is one, on a split."""
        averaged = self.state.average
        return evaluate(
            self.state.model if averaged is None else averaged,
            self.tests[split],
            self.normalize,
            self.criterion,
            self.classes,
            top_k=self.options.top_k,
            context=partial(devices.autocast, self.device, self.options.precision),
            processes=self.processes,
        )


def prepare(
    plan: Plan, loaded: Loaded, device: torch.device, processes: Processes, *, hold: bool = True
) -> Session:
    """Return all that training the plan's network takes; torch's generator has the spec's seed after it.

    `hold` says that pictures in files are read into memory now. Raises DataError where that fails.
    """
    options, shape = plan.spec.train, plan.input_shape
    statistics = plan.spec.data.statistics(shape)
    assert statistics
    training, tests = _splits(loaded, plan, hold=hold, local_size=processes.local_size)
    resident = False if isinstance(training.inputs, OnDisk) else options.data_on_device
    if resident is None:
        resident = batches.fits(training.bytes + sum(split.bytes for split in tests.values()), device)
    if resident:
        tests = {name: split.to(device) for name, split in tests.items()}
    torch.manual_seed(options.seed)
    model = plan.build().to(device)
    layout = arrange(model, device, len(shape), wanted=options.channels_last)
    frozen.freeze(model, options)
    made = optimizer.make(options.optimizer, model, options.scale_of)
    state = State(model, made, average.make(model, options.ema) if options.ema else None)
    augment = plan.spec.data.augment
    return Session(
        plan=plan,
        device=device,
        processes=processes,
        classes=len(loaded.data_set.classes),
        batches=Batches(
            training,
            options.batch_size,
            options.seed,
            device,
            resident=resident,
            part=processes.part if processes.size > 1 else None,
            least=max(2, processes.size),
        ),
        tests=tests,
        normalize=Normalizer(statistics, shape, device, layout),
        augment=Augmenter(augment, shape, device) if augment else None,
        criterion=loss.make(options.loss, device),
        network=devices.compiled(processes.wrap(model), wanted=options.compile),
        state=state,
        guard=Guard(made, device, can_skip=optimizer.can_skip(made)),
        progress=Progress(torch.zeros((), device=device)),
        generator=torch.Generator(device),
    )


def _splits(loaded: Loaded, plan: Plan, *, hold: bool, local_size: int) -> tuple[Split, dict[str, Split]]:
    """Return what is learned from, and what is tested on: `test`, and `validation` if some is held out."""
    options, parts = plan.spec.train, {"train": loaded.train, "test": loaded.test}
    if options.validation:
        held_out, kept = hold_out(loaded.train, options.validation, options.seed)
        parts = {"train": kept, "validation": held_out, "test": loaded.test}
    found = splits(list(parts.values()), plan.input_shape, hold=hold, workers=workers(local_size))
    named = dict(zip(parts, found, strict=True))
    return named.pop("train"), named


def hold_out(source: Source, share: float, seed: int) -> tuple[Source, Source]:
    """Return that share of the pictures, drawn at random, at least one; and the others in their order."""
    generator = torch.Generator().manual_seed(draws.seed_for(seed, draws.VALIDATION))
    count = min(max(1, math.floor(share * len(source))), len(source) - 1)
    chosen = torch.zeros(len(source), dtype=torch.bool)
    chosen[torch.randperm(len(source), generator=generator)[:count]] = True
    return source.select(chosen), source.select(~chosen)
