"""Options go before what a spec says, and are held to what files are."""

from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.errors import SpecError

LENET5 = (Path(__file__).parents[1] / "specs" / "lenet5.yaml").read_text()


def test_overrides() -> None:
    """Options replace what the spec says and leave the rest; wrong ones are problems as in a file."""
    spec = cnnspec.loads(LENET5)
    changed = spec.overridden(epochs=3, lr=0.01, dataset="mnist-sample")
    assert (changed.train.epochs, changed.train.batch_size, changed.train.optimizer.options.lr) == (
        3,
        64,
        0.01,
    )
    assert changed.data.dataset == "mnist-sample"
    assert changed.data.normalize == spec.data.normalize
    with pytest.raises(SpecError, match=r"options: lr is 0\.0; it must be greater than 0"):
        spec.overridden(lr=0.0)


@pytest.mark.parametrize("lr", [float("inf"), float("nan")])
def test_numbers_are_finite(lr: float) -> None:
    """No way leads to a number that is none: options are held to what files are."""
    with pytest.raises(SpecError, match=r"options: lr is (inf|nan); it must be a finite number"):
        cnnspec.loads(LENET5).overridden(lr=lr)


def test_settings() -> None:
    """Any field of `train` can be set by its way, and what is not named stays."""
    settings = {
        "schedule": "cosine",
        "optimizer.adam.beta1": 0.8,
        "loss.cross_entropy.label_smoothing": 0.1,
        "ema": 0.9,
    }
    train = cnnspec.loads(LENET5).overridden(settings=settings, epochs=3, lr=0.1).train
    assert (train.schedule.name, train.ema, train.epochs, train.batch_size) == ("cosine", 0.9, 3, 64)
    assert (train.optimizer.options.lr, train.optimizer.options.beta1) == (0.1, 0.8)
    assert train.loss.options.label_smoothing == 0.1


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer.sgd.lr": 0.1, "optimizer.sgd.momentum": 0.9},
        {"optimizer": "sgd", "optimizer.sgd.momentum": 0.9, "optimizer.sgd.lr": 0.1},
        {"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9}}},
        {"optimizer.rmsprop.lr": 3.0, "optimizer.sgd": {"lr": 0.1, "momentum": 0.9}},
    ],
)
def test_settings_choose(settings: dict[str, Any]) -> None:
    """An option of another optimizer chooses that one, with its own defaults for all else."""
    optimizer = cnnspec.loads(LENET5).overridden(settings=settings).train.optimizer
    assert optimizer.model_dump() == {
        "sgd": {"lr": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0}
    }


def test_settings_by_path() -> None:
    """The dots of a layer's path belong to it, factors that are there stay, and a file is one of the working folder."""
    spec = cnnspec.loads(LENET5)
    settings = {"lr_scale.stage.0": 0.1, "freeze": ["stem"], "weights": "a.safetensors"}
    train = spec.overridden(settings={"lr_scale": {"conv1": 0.5}}).overridden(settings=settings).train
    assert train.lr_scale == {"conv1": 0.5, "stage.0": 0.1}
    assert (train.freeze, train.weights) == (("stem",), str(Path.cwd() / "a.safetensors"))
    assert spec.overridden(settings={"weights": "torchvision:X"}).train.weights == "torchvision:X"


def test_lr_is_the_chosen_optimizers() -> None:
    """`lr` goes to the optimizer that the settings choose."""
    optimizer = cnnspec.loads(LENET5).overridden(settings={"optimizer": "sgd"}, lr=0.5).train.optimizer
    assert (optimizer.name, optimizer.options.lr) == ("sgd", 0.5)


def test_a_setting_is_taken_back() -> None:
    """None in the settings sets an option to none, where None as an option leaves it."""
    spec = cnnspec.loads(LENET5).overridden(settings={"ema": 0.9})
    assert spec.overridden(epochs=None, lr=None).train.ema == 0.9
    assert spec.overridden(settings={"ema": None}).train.ema is None


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "value": ({"optimizer.adam.lr": 0}, "--train optimizer.adam.lr: lr is 0; it must be greater than 0."),
    "text": ({"optimizer.adam.lr": "1e-3"}, "--train optimizer.adam.lr: lr is '1e-3'; it must be a number."),
    "optimizer": ({"optimizer.adm.lr": 1}, "--train optimizer.adm.lr: unknown optimizer 'adm'. Did you mean 'adam'?"),
    "no optimizer": ({"optimizer.lr": 1}, "--train optimizer.lr: unknown field 'lr' of optimizer. It belongs further in: `adam: {lr: …}`."),
    "field": ({"patience": 3}, "--train patience: unknown field 'patience' of train. Did you mean 'early_stopping'?"),
    "further in": ({"lr": 3}, "--train lr: unknown field 'lr' of train. It belongs further in: `optimizer: {adam: {lr: …}}`."),
    "too far in": ({"epochs.x": 3}, "--train epochs.x: epochs is a mapping; it must be a whole number."),
    "no name": ({"": 3}, "--train : unknown field '' of train."),
    "scale": ({"lr_scale.stage.0": 0}, "--train lr_scale.stage.0: stage.0 is 0; what does not learn stands in `freeze`."),
    "frozen": ({"freeze": "stem"}, "--train freeze: freeze is 'stem'; it must be a list. Write `[stem]`."),
    "weights": ({"weights": "a.pt"}, "--train weights: weights is 'a.pt'; files of this kind are pickled"),
    "needed": ({"schedule": "step"}, "--train schedule: step needs 'step_size'; there is no default."),
    "contradiction": ({"warmup": 1, "schedule": "one_cycle"}, "--train warmup: warmup stands beside the schedule one_cycle"),
    "no choice": ({"optimizer": {}}, "--train optimizer: optimizer is empty; it must be adam"),
    "two": ({"optimizer": {"adam": {}, "sgd": {}}}, "--train optimizer: optimizer names adam and sgd; it is one of them."),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("lr", [None, 0.1])
def test_wrong_settings(case: tuple[dict[str, Any], str], lr: float | None) -> None:
    """A setting that is wrong is a problem with its own name, whether there is an `lr` beside it or not."""
    settings, message = case
    if lr and message.startswith("--train optimizer.adam.lr"):
        return  # it would be right then
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(LENET5).overridden(settings=settings, lr=lr)
    (problem,) = caught.value.problems
    assert str(problem).startswith(message)


def test_options_contradict_the_file() -> None:
    """What the file says and what an option says are held together."""
    spec = cnnspec.loads(LENET5 + "  warmup: 2\n")
    assert spec.overridden(epochs=2).train.epochs == 2
    with pytest.raises(SpecError, match="options: warmup takes 2 epochs, but there are 1;"):
        spec.overridden(epochs=1)
    with pytest.raises(SpecError, match="options: accumulate is 99, but a batch has 64 samples"):
        spec.overridden(accumulate=99)
