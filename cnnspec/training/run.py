"""A run: the folder that training writes, and what can be done with it afterwards."""

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cnnspec.data import Loaded, Normalizer, load_data, to_input
from cnnspec.data.picture import read_digit, read_picture
from cnnspec.errors import CheckpointError, DataError, Place, Problem
from cnnspec.training import checkpoint
from cnnspec.training import device as devices
from cnnspec.training.decoders import workers
from cnnspec.training.evaluate import Evaluation, Watch, evaluate
from cnnspec.training.loss import Criterion
from cnnspec.training.loss import make as make_criterion
from cnnspec.training.record import (
    BEST,
    ENVIRONMENT,
    METRICS,
    SPEC,
    RunRecord,
    check_folder,
    read_record,
)
from cnnspec.training.split import is_held, splits

NAMED = 5
"""Classes that a message names."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a network sees in a picture; `probabilities` has every class, and `label` is the likeliest."""

    image: str
    label: str
    probability: float
    probabilities: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Return the prediction as plain values."""
        return {
            "image": self.image,
            "class": self.label,
            "probability": self.probability,
            "probabilities": self.probabilities,
        }


class Run:
    """A finished (or still growing) run; its network has the weights of the best epoch.

    The best epoch is the one that the spec's `train.best` picks, the first of equals. `record` is what
    the folder says without the weights.
    """

    def __init__(self, record: RunRecord) -> None:
        self.record = record
        self.folder, self.plan = record.folder, record.plan
        self.history, self.environment = record.history, record.environment
        data, known = self.record.data, self.plan.spec.data.known()
        # Runs of before there were other data than digits do not say it.
        classes = data.get("classes") or (known.classes if known else ())
        self.classes: tuple[str, ...] = tuple(map(str, classes)) if isinstance(classes, (list, tuple)) else ()
        self.digits = bool(data.get("digits", known is not None and known.digits))

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the curves, and the epochs that matter."""
        from cnnspec.report.notebook import run_html  # what reports on runs imports this module

        return run_html(self.record)

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights are used. Raises CheckpointError."""
        return int(self._weights[1].get("epoch", 0))

    @property
    def model(self) -> nn.Module:
        """The network with the best epoch's weights, in evaluation mode. Raises CheckpointError."""
        return self._weights[0]

    @cached_property
    def _weights(self) -> tuple[nn.Module, dict[str, Any]]:
        with torch.random.fork_rng([]):  # the initial weights are replaced: no draw should count
            model = self.plan.build()
        facts = checkpoint.read_weights(self.folder / BEST, model)
        return model.eval(), facts

    @property
    def criterion(self) -> Criterion:
        """The loss, for outputs on the CPU."""
        return make_criterion(self.plan.spec.train.loss, torch.device("cpu"))

    def evaluate(
        self,
        loaded: Loaded | None = None,
        device: torch.device | None = None,
        watch: Watch | None = None,
    ) -> Evaluation:
        """Return loss, accuracy and confusion matrix on the test pictures of the run's data set.

        `watch` is shown the pictures with the network's outputs, some at once. Raises DataError where
        they cannot be had, or are of other classes: nothing stands in for them here.
        """
        loaded = loaded or load_data(self.plan.spec.data, sample=False)
        if loaded.data_set.classes != self.classes:
            what = f"{loaded.data_set.name} has the classes {_listed(loaded.data_set.classes)}"
            why = f"the network tells {_listed(self.classes)} apart"
            raise DataError(Problem(what, why, "Give data with the same classes", Place(loaded.source)))
        device = device or torch.device("cpu")
        options, shape = self.plan.spec.train, self.plan.input_shape
        hold = is_held([loaded.test], shape, wanted=None)
        (split,) = splits([loaded.test], shape, hold=hold, workers=workers())
        try:
            return evaluate(
                self.model.to(device),
                split,
                self.normalizer(device),
                make_criterion(options.loss, device),
                len(self.classes),
                top_k=options.top_k,
                context=partial(devices.autocast, device, options.precision),
                watch=watch,
            )
        finally:
            split.close()
            self.model.cpu()

    def predict(self, image: str | Path) -> Prediction:
        """Return what the network sees in a PNG or JPEG. Raises DataError where it cannot be read."""
        normalize = self.normalizer(torch.device("cpu"))
        with torch.inference_mode():
            output = self.model(normalize(self.read(image)))
            shares = self.criterion.probabilities(output)[0]
        probabilities = dict(zip(self.classes, shares.tolist(), strict=True))
        label = max(probabilities, key=lambda name: probabilities[name])
        return Prediction(str(image), label, probabilities[label], probabilities)

    def read(self, image: str | Path) -> Tensor:
        """Return the picture in a file as an input (1, *shape) in uint8, as `predict` takes it.

        Raises DataError where it cannot be read.
        """
        shape = self.plan.input_shape
        if self.digits:
            return to_input(read_digit(image).unsqueeze(0), shape)
        return read_picture(image, shape).unsqueeze(0)

    def normalizer(self, device: torch.device) -> Normalizer:
        """Return what makes of inputs in uint8 what the network sees."""
        statistics = self.plan.spec.data.statistics(self.plan.input_shape)
        assert statistics  # a run's spec has them
        return Normalizer(statistics, self.plan.input_shape, device)


def load_run(folder: str | Path) -> Run:
    """Return the run in a folder. Raises CheckpointError where it is none, or damaged."""
    folder = Path(folder)
    check_folder(folder)
    missing = [name for name in (SPEC, ENVIRONMENT, METRICS, BEST) if not (folder / name).is_file()]
    if missing:
        what, why = (
            "this is not a finished run",
            f"{', '.join(missing)} {'are' if missing[1:] else 'is'} missing",
        )
        fix = "Name a run folder that `cnnspec train` wrote; it is complete after its first epoch"
        raise CheckpointError(Problem(what, why, fix, Place(str(folder))))
    record = read_record(folder)
    if not record.history:
        fix = "Train for at least one epoch"
        raise CheckpointError(Problem("the file is empty", "", fix, Place(str(folder / METRICS))))
    return Run(record)


def _listed(classes: tuple[str, ...]) -> str:
    """Return some of the classes' names."""
    more = f" … ({len(classes):,})" if len(classes) > NAMED else ""
    return ", ".join(classes[:NAMED]) + more
