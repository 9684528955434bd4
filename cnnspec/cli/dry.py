"""The plan of a training, as `cnnspec train --dry-run` shows it."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from cnnspec.cli.console import out, print_json
from cnnspec.cli.finetuning import frozen, scales
from cnnspec.errors import printable, shown
from cnnspec.memory import in_units, predict
from cnnspec.shape import times
from cnnspec.training import DryRun
from cnnspec.training.reporter import Job
from cnnspec.training.schedule import learning_rate

INDENT = 12
"""Columns of the headings."""

LOOKS = 1000
"""Steps of a long training at which the highest learning rate is looked for."""


def print_dry_run(tried: DryRun, form: str, options: Mapping[str, Any]) -> None:
    """Print what a training with these options of `train` would do, and what its first steps took."""
    console, job = out(), tried.job
    writes = _writes(job, options)
    if form == "json":
        print_json(_as_json(tried, writes))
        return
    console.print(Text(f"{job.plan.name} on {job.data_title}", style="bold"))
    for name, text in {**_rows(job), "writes": _told(job, writes, options["mlflow"])}.items():
        lines = Text(printable(text)).wrap(console, max(20, console.width - INDENT))
        for number, line in enumerate(lines):
            line.rstrip()
            heading = Text(("" if number else name).ljust(INDENT), style="bold")
            console.print(heading + line, soft_wrap=True)
    console.print()
    for number, (seconds, loss) in enumerate(zip(tried.seconds, tried.losses, strict=True), start=1):
        console.print(Text(f"step {number}: loss {loss:.4f} in {seconds:.3f} s"))
    console.print(Text("Nothing was written."))


def _rows(job: Job) -> dict[str, str]:
    """Return what the plan says, by its heading."""
    plan, options = job.plan, job.plan.spec.train
    batch = min(options.batch_size, job.train_size)
    parts = f" in {options.accumulate} parts" if options.accumulate > 1 else ""
    steps = f"{job.steps:,} steps an epoch, {job.steps * job.epochs:,} in {job.epochs} epochs"
    rows = {
        "network": f"{len(plan.layers)} layers, {plan.params:,} parameters, {plan.macs:,} MACs; "
        f"{times(plan.input_shape)} → {times(plan.output_shape)}",
        "data": _data(job),
        "batches": f"of {batch}{parts}; {steps}",
        "weights": "\n".join(job.weights),
        "frozen": frozen(plan),
        "optimizer": _choice(options.optimizer),
        "schedule": _schedule(job),
        "lr scale": scales(plan),
        "loss": _choice(options.loss),
        "also": ", ".join(_also(job)),
        "best epoch": _best(job),
        "precision": f"{options.precision}{', compiled' if options.compile else ''}"
        f"{', channels last' if job.channels_last else ''}",
        "device": _device(job),
        "threads": "measured, then the fastest number" if job.threads == "auto" else str(job.threads),
        "memory": f"{in_units(predict(plan).peak(batch))} for a step, as predicted for float32 on the CPU",
    }
    return {name: text for name, text in rows.items() if text}


def _data(job: Job) -> str:
    held_out = f", {job.validation_size:,} to pick the best epoch" if job.validation_size else ""
    text = f"{job.train_size:,} pictures to learn from{held_out}, {job.test_size:,} to test"
    augment = job.plan.spec.data.augment
    if augment:
        text += f"; changed at random: {_options(augment.model_dump(exclude_defaults=True))}"
    if job.data_on_disk:
        return f"{text}; read from disk when needed"
    return f"{text}; held on {'the device' if job.data_on_device else 'the host'}"


def _schedule(job: Job) -> str:
    options = job.plan.spec.train
    warmup = f", after {options.warmup:g} epochs of warm-up" if options.warmup else ""
    found = rates(job)
    points = ", ".join(f"{rate:.3g} at step {step + 1:,}" for step, rate in found.items())
    if len(set(found.values())) == 1:
        points = f"{found[0]:.3g} at every step"
    return f"{_choice(options.schedule)}{warmup}\nlr {points}"


def rates(job: Job) -> dict[int, float]:
    """Return the learning rate of a few steps from the first to the last, and of that where it is highest."""
    options, last = job.plan.spec.train, job.steps * job.epochs - 1
    looks = {last * look // LOOKS for look in range(LOOKS + 1)}
    highest = max(sorted(looks), key=lambda step: learning_rate(options, step, job.steps))
    chosen = sorted({highest, *(last * quarter // 4 for quarter in range(5))})
    return {step: learning_rate(options, step, job.steps) for step in chosen}


def _also(job: Job) -> list[str]:
    options = job.plan.spec.train
    return [
        *([f"moving average of the weights, decay {options.ema:g}"] if options.ema else []),
        *([f"gradients clipped to a norm of {options.clip_norm:g}"] if options.clip_norm else []),
        *([f"a test every {options.evaluate_every} epochs"] if options.evaluate_every > 1 else []),
        *([f"top-{options.top_k} accuracy"] if options.top_k else []),
        *([f"early stopping after {options.early_stopping} tests"] if options.early_stopping else []),
    ]


def _best(job: Job) -> str:
    split = "validation" if job.validation_size else "test"
    return f"by {split} {job.plan.spec.train.best.replace('_', ' ')}"


def _device(job: Job) -> str:
    return f"{job.device}; {job.processes} processes" if job.processes > 1 else job.device


def _writes(job: Job, options: Mapping[str, Any]) -> dict[str, str]:
    """Return what a training writes into its folder."""
    every = job.plan.spec.train.checkpoint_every
    often = f"of every epoch and every {every:,} steps" if every else "of every epoch"
    files = {
        "spec.yaml": "the spec as trained",
        "environment.json": "versions, device, seed, data",
        "metrics.jsonl": "a line an epoch",
        "last.safetensors": f"a checkpoint {often}; previous.safetensors: the one before",
        "best.safetensors": "the checkpoint of the best epoch",
    }
    return files | ({"tensorboard/": "event files"} if options["tensorboard"] else {})


def _told(job: Job, files: dict[str, str], mlflow: str | None) -> str:
    """Return what is written where, as lines."""
    lines = [job.folder, *(f"  {name}: {what}" for name, what in files.items())]
    return "\n".join([*lines, f"{mlflow}: an MLflow run"] if mlflow else lines)


def _choice(choice: Any) -> str:
    options = _options(choice.options.model_dump(exclude_none=True))
    return f"{choice.name}: {options}" if options else str(choice.name)


def _options(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {shown(value)}"
        for name, value in values.items()
    )


def _as_json(tried: DryRun, writes: dict[str, str]) -> dict[str, Any]:
    job = tried.job
    plan, options = job.plan, job.plan.spec.train
    batch = min(options.batch_size, job.train_size)
    return {
        "network": {
            "name": plan.name,
            "parameters": plan.params,
            "trainable": plan.trainable,
            "macs": plan.macs,
        },
        "weights": list(job.weights),
        "dataset": job.data_set,
        "asked": job.asked,
        "train_size": job.train_size,
        "validation_size": job.validation_size,
        "test_size": job.test_size,
        "batch_size": batch,
        "steps_per_epoch": job.steps,
        "epochs": job.epochs,
        "train": options.model_dump(exclude_none=True),
        "learning_rates": [{"step": step + 1, "lr": rate} for step, rate in rates(job).items()],
        "channels_last": job.channels_last,
        "data_on_device": job.data_on_device,
        "data_on_disk": job.data_on_disk,
        "device": job.device,
        "threads": job.threads,
        "processes": job.processes,
        "memory": predict(plan).peak(batch),
        "run": tried.job.folder,
        "writes": writes,
        "steps": [
            {"step": number, "loss": loss, "seconds": seconds}
            for number, (seconds, loss) in enumerate(zip(tried.seconds, tried.losses, strict=True), start=1)
        ],
    }
