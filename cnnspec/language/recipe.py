"""Do the options of `train` go together? Known from the section alone, for any network and data."""

from collections.abc import Iterator

from cnnspec.errors import Problem
from cnnspec.language.document import Document, KeyPath
from cnnspec.language.training import SGD, Cosine, OneCycle, Train


def problems(train: Train, document: Document, path: KeyPath) -> list[Problem]:
    """Return the options that contradict each other; `path` is where the section stands in the document."""
    found = (*_batches(train), *_schedule(train), *_optimizer(train), *_loss(train), *_best(train))
    return [
        Problem(what, why, fix, document.value_place((*path, *way.split("."))))
        for way, what, why, fix in found
    ]


_Contradiction = tuple[str, str, str, str]
"""The way to the option, what is wrong, why, and how to mend it."""


def _batches(train: Train) -> Iterator[_Contradiction]:
    if train.accumulate > train.batch_size:
        what = f"accumulate is {train.accumulate}, but a batch has {train.batch_size} samples"
        yield "accumulate", what, "each part needs one", f"Use at most {train.batch_size}"


def _schedule(train: Train) -> Iterator[_Contradiction]:
    options, lr = train.schedule.options, train.optimizer.options.lr
    if train.warmup > train.epochs:
        what = f"warmup takes {train.warmup:g} epochs, but there are {train.epochs}"
        yield "warmup", what, "the learning rate would never be reached", "Use a shorter one"
    elif train.warmup and isinstance(options, OneCycle):
        why, fix = "that rises by itself, for the share `pct_start` of all steps", "Remove `warmup`"
        yield "warmup", "warmup stands beside the schedule one_cycle", why, fix
    if isinstance(options, Cosine) and options.eta_min > lr:
        what = f"eta_min is {options.eta_min:g}, but cosine begins at lr {lr:g}"
        yield "schedule.cosine.eta_min", what, "it goes down", "Use a smaller one"


def _optimizer(train: Train) -> Iterator[_Contradiction]:
    options = train.optimizer.options
    if isinstance(options, SGD) and options.nesterov and not options.momentum:
        why, fix = "it looks ahead along the momentum", "Add `momentum: 0.9`"
        yield "optimizer.sgd.nesterov", "nesterov needs a momentum", why, fix


def _loss(train: Train) -> Iterator[_Contradiction]:
    weights = getattr(train.loss.options, "class_weights", None)
    if weights is not None and not any(weights):
        why, fix = "then there is nothing to learn", "Give one for each class, most of them above 0"
        what = "class_weights are all 0" if weights else "class_weights is empty"
        yield f"loss.{train.loss.name}.class_weights", what, why, fix


def _best(train: Train) -> Iterator[_Contradiction]:
    if train.best == "top_k_accuracy" and train.top_k is None:
        yield "best", "best is top_k_accuracy, but there is no top_k", "", "Add `top_k: 3`, say"
