"""A network that tells pictures apart, with all that it takes to use it, wherever it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cnnspec.data import Loaded, Normalizer, load_data, to_input
from cnnspec.data.picture import read_digit, read_picture
from cnnspec.errors import DataError, Place, Problem
from cnnspec.plan import Plan
from cnnspec.training import device as devices
from cnnspec.training.decoders import workers
from cnnspec.training.evaluate import Evaluation, Prepare, Watch, evaluate
from cnnspec.training.loss import Criterion
from cnnspec.training.loss import make as make_criterion
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


class Classifier:
    """A network and the names of its classes; `source` is the folder or file that it comes from.

    `plan` says what its inputs are, how they are normalized, and what its outputs stand for. With `digits`
    it takes single digits, which are looked for in a picture.
    """

    def __init__(self, source: Path, plan: Plan, classes: Sequence[str], *, digits: bool) -> None:
        self.source, self.plan, self.classes, self.digits = source, plan, tuple(classes), digits

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.source)!r})"

    @property
    def model(self) -> nn.Module:
        """The network in evaluation mode. Raises CheckpointError where it cannot be read."""
        raise NotImplementedError

    @property
    def best_epoch(self) -> int | None:
        """The epoch whose weights are used; None if the network was never trained."""
        raise NotImplementedError

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
        """Return loss, accuracy and confusion matrix on the test pictures of the spec's data set.

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

    def normalizer(self, device: torch.device) -> Prepare:
        """Return what makes of inputs in uint8 what `model` takes."""
        statistics = self.plan.spec.data.statistics(self.plan.input_shape)
        assert statistics  # the spec of a network that was trained has them
        return Normalizer(statistics, self.plan.input_shape, device)


def _listed(classes: tuple[str, ...]) -> str:
    """Return some of the classes' names."""
    more = f" … ({len(classes):,})" if len(classes) > NAMED else ""
    return ", ".join(classes[:NAMED]) + more
