"""All that a training works with, made ready before the loop begins."""

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from cnnspec.data import Loaded, Normalizer, Pictures
from cnnspec.data.augment import Augmenter
from cnnspec.language.training import Train
from cnnspec.plan import Plan
from cnnspec.training import average, batches, draws, loss, optimizer
from cnnspec.training import device as devices
from cnnspec.training.batches import Batch, Batches, Split
from cnnspec.training.checkpoint import State
from cnnspec.training.evaluate import Evaluation, evaluate
from cnnspec.training.guard import Guard
from cnnspec.training.layout import arrange
from cnnspec.training.processes import Processes
from cnnspec.training.threads import Fixed, Tuner

Threads = Fixed | Tuner


@dataclass
class Progress:
    """How far training has come: `epoch` epochs are finished, and `step` steps of the next one.

    `loss_sum` is that of the `done` samples of these steps, and `seconds` what they took.
    """

    loss_sum: Tensor
    epoch: int = 0
    step: int = 0
    done: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)

    def facts(self, threads: Threads) -> dict[str, Any]:
        """Return what a checkpoint keeps of it, as plain values."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "done": self.done,
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

    def next_epoch(self, row: dict[str, Any]) -> None:
        """Take in a finished epoch's row of metrics."""
        self.history.append(row)
        self.epoch, self.step, self.done, self.seconds = self.epoch + 1, 0, 0, 0.0
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

    def inputs(self, batch: Batch, step: int) -> Tensor:
        """Return a batch's pictures as the network sees them, changed at random where the spec says so."""
        pictures = batch.inputs
        if self.augment:
            self.generator.manual_seed(draws.seed_for(self.options.seed, draws.AUGMENT, step))
            pictures = self.augment(pictures.float(), self.generator, batch.total, batch.start)
        return self.normalize(pictures)

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


def prepare(plan: Plan, loaded: Loaded, device: torch.device, processes: Processes) -> Session:
    """Return all that training the plan's network takes; torch's generator has the spec's seed after it."""
    options, shape = plan.spec.train, plan.input_shape
    training, tests = _splits(loaded, plan)
    resident = options.data_on_device
    if resident is None:
        resident = batches.fits(training.bytes + sum(split.bytes for split in tests.values()), device)
    if resident:
        tests = {name: split.to(device) for name, split in tests.items()}
    torch.manual_seed(options.seed)
    model = plan.build().to(device)
    layout = arrange(model, device, len(shape), wanted=options.channels_last)
    made = optimizer.make(options.optimizer, model)
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
        normalize=Normalizer(plan.spec.data.statistics(), shape, device, layout),
        augment=Augmenter(augment, (shape[1], shape[2]), device) if augment else None,
        criterion=loss.make(options.loss, device),
        network=devices.compiled(processes.wrap(model), wanted=options.compile),
        state=state,
        guard=Guard(made, device, can_skip=optimizer.can_skip(made)),
        progress=Progress(torch.zeros((), device=device)),
        generator=torch.Generator(device),
    )


def _splits(loaded: Loaded, plan: Plan) -> tuple[Split, dict[str, Split]]:
    """Return what is learned from, and what is tested on: `test`, and `validation` if some is held out."""
    options, shape = plan.spec.train, plan.input_shape
    tests = {"test": Split.of(loaded.test, shape)}
    if not options.validation:
        return Split.of(loaded.train, shape), tests
    held_out, kept = hold_out(loaded.train, options.validation, options.seed)
    return Split.of(kept, shape), {"validation": Split.of(held_out, shape), **tests}


def hold_out(pictures: Pictures, share: float, seed: int) -> tuple[Pictures, Pictures]:
    """Return that share of the pictures, drawn at random, at least one; and the others in their order."""
    generator = torch.Generator().manual_seed(draws.seed_for(seed, draws.VALIDATION))
    count = min(max(1, math.floor(share * len(pictures))), len(pictures) - 1)
    chosen = torch.zeros(len(pictures), dtype=torch.bool)
    chosen[torch.randperm(len(pictures), generator=generator)[:count]] = True
    held_out, kept = (Pictures(pictures.images[c], pictures.labels[c]) for c in (chosen, ~chosen))
    return held_out, kept
