"""The section `train`: choices, what goes together, and what is written out again."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.language.augment import Augment
from cnnspec.language.choice import Choice
from cnnspec.language.data import Data
from cnnspec.language.training import Loss, Optimizer, Schedule, Train
from cnnspec.language.yaml_text import to_yaml

REFERENCE = (Path(__file__).parents[2] / "docs" / "language.md").read_text("utf-8")


def spec(train: str, variables: str = "{base: 0.1, long: true}") -> cnnspec.Spec:
    return cnnspec.loads(f"input: [1, 8, 8]\nlayers: [flatten, fc: 10]\nvars: {variables}\ntrain: {train}")


def told(train: str) -> str:
    """Return the only problem of a section, with its column in the line of `train`."""
    with pytest.raises(SpecError) as caught:
        spec(train)
    (problem,) = caught.value.problems
    assert problem.place
    assert problem.place.line == 4
    return f"{problem.place.column}: {problem.message}"


def said(train: Train) -> dict[str, Any]:
    return train.model_dump(exclude_none=True, exclude_defaults=True)


def test_defaults() -> None:
    """A spec without the section is trained as most people begin: Adam, cross-entropy, batches of 64."""
    train = cnnspec.loads("input: [1, 8, 8]\nlayers: [relu]").train
    assert (train.optimizer.name, train.schedule.name, train.loss.name) == (
        "adam",
        "constant",
        "cross_entropy",
    )
    assert (train.epochs, train.batch_size, train.accumulate, train.best) == (10, 64, 1, "accuracy")
    assert train.optimizer.options.lr == 0.001
    assert said(train) == {}


CHOSEN = {
    "a word": ("{optimizer: sgd, schedule: cosine, loss: focal}", ("sgd", "cosine", "focal")),
    "a word in quotes": ("{optimizer: 'sgd', loss: \"nll\"}", ("sgd", "constant", "nll")),
    "no options": ("{optimizer: {adamw: {}}, schedule: {constant: {}}}", ("adamw", "constant", "cross_entropy")),
    "options": ("{schedule: {step: {step_size: 3}}, loss: {multi_margin: {margin: 2}}}", ("adam", "step", "multi_margin")),
    "an expression": ("{optimizer: muon if long else sgd, schedule: step if 1 > 2 else one_cycle}", ("muon", "one_cycle", "cross_entropy")),
}  # fmt: skip


@pytest.mark.parametrize("case", CHOSEN.values(), ids=CHOSEN)
def test_choices(case: tuple[str, tuple[str, str, str]]) -> None:
    """A choice is a name, alone or with its options, or an expression that comes to a name."""
    text, names = case
    train = spec(text).train
    assert (train.optimizer.name, train.schedule.name, train.loss.name) == names


def test_expressions_in_choices() -> None:
    """Variables set the options of what is chosen, also in lists, and words as `precision`."""
    weights = "[1, base, " + ", ".join("2 * base" for _ in range(8)) + "]"
    text = f"{{optimizer: {{sgd: {{lr: base / 10, nesterov: long, momentum: 1 - base}}}}, loss: {{nll: {{class_weights: {weights}}}}}, precision: bf16 if long else float32}}"
    train = spec(text).train
    assert (train.optimizer.options.lr, train.optimizer.options.nesterov) == (0.01, True)
    assert train.loss.options.class_weights == (1, 0.1, *[0.2] * 8)
    assert train.precision == "bf16"


def test_a_variable_named_like_a_word() -> None:
    """A variable may be called like a name that can be chosen; the name stays what it is."""
    train = spec("{schedule: step if 1 > 2 else cosine, epochs: step, loss: nll}", "{step: 4, nll: 2}").train
    assert (train.schedule.name, train.epochs, train.loss.name) == ("cosine", 4, "nll")


WRONG = {
    "a number": ("{optimizer: 0.1}", "20: optimizer is 0.1; it must be adam, sgd, adamw, rmsprop or muon."),
    "nothing": ("{optimizer: }", "20: optimizer is nothing; it must be adam, sgd, adamw, rmsprop or muon."),
    "empty": ("{schedule: {}}", "19: schedule is empty; it must be constant, step, cosine or one_cycle."),
    "a list of mappings": ("{optimizer: [{adam: {}}]}", "20: optimizer is [a mapping]; it must be adam, sgd, adamw, rmsprop or muon. Remove the dash or brackets."),
    "a capital": ("{optimizer: AdamW}", "20: unknown optimizer 'AdamW'. Did you mean 'adamw'?"),
    "far off": ("{optimizer: lion}", "20: unknown optimizer 'lion'. Use adam, sgd, adamw, rmsprop or muon."),
    "short": ("{loss: ce}", "15: unknown loss 'ce'. Did you mean 'cross_entropy'?"),
    "in one word": ("{schedule: onecycle}", "19: unknown schedule 'onecycle'. Did you mean 'one_cycle'?"),
    "only an option": ("{optimizer: {learning_rate: 0.1}}", "21: unknown field 'learning_rate' of optimizer. It belongs further in: `adam: {lr: …}`."),
    "a field beside it": ("{schedule: {cosine: {}, foo: 3}}", "32: unknown field 'foo' of schedule. Remove it."),
    "an unknown kind": ("{optimizer: {type: foo}}", "21: unknown field 'type' of optimizer. Use adam, sgd, adamw, rmsprop or muon."),
    "an option that is needed": ("{schedule: {step: {gamma: 0.3}}}", "20: step needs 'step_size'; there is no default. Add `step_size:`."),
    "no option": ("{schedule: {step: }}", "20: step needs 'step_size'; there is no default. Write `schedule: {step: {step_size: …}}`."),
    "an option where there is none": ("{schedule: {constant: 3}}", "30: constant is 3; it has no options. Write `schedule: constant`."),
    "unknown where there is none": ("{schedule: {constant: {lr: 3}}}", "31: unknown field 'lr' of constant. It belongs in `train: {optimizer: {adam: {lr: …}}}`."),
    "lr beside the optimizer": ("{optimizer: sgd, lr: 0.1}", "25: unknown field 'lr' of train. It belongs further in: `optimizer: {sgd: {lr: …}}`."),
    "lr beside its options": ("{optimizer: {sgd: {momentum: 0.9}}, learning_rate: 0.1}", "44: unknown field 'learning_rate' of train. It belongs further in: `optimizer: {sgd: {lr: …}}`."),
    "torch's option": ("{optimizer: {adam: {amsgrad: true}}}", "28: unknown field 'amsgrad' of adam. Remove it: the language has Adam without it."),
    "what an expression comes to": ("{optimizer: {adam: {lr: -base}}}", "32: lr is -0.1, from `-base`; it must be greater than 0."),
    "a variable as a choice": ("{optimizer: base}", "20: optimizer is 0.1, from `base`; it must be adam, sgd, adamw, rmsprop or muon."),
    "a negative weight": ("{loss: {nll: {class_weights: [1, -1]}}}", "41: class_weights is -1; it must be at least 0."),
    "a weight": ("{loss: {nll: {class_weights: 1}}}", "37: class_weights is 1; it must be a list."),
    "no weight": ("{loss: {nll: {class_weights: []}}}", "37: class_weights is empty; then there is nothing to learn. Give one for each class, most of them above 0."),
    "weights of 0": ("{loss: {focal: {class_weights: [0, 0]}}}", "39: class_weights are all 0; then there is nothing to learn. Give one for each class, most of them above 0."),
    "upwards": ("{schedule: {cosine: {eta_min: 1}}}", "38: eta_min is 1, but cosine begins at lr 0.001; it goes down. Use a smaller one."),
    "32 bits": ("{precision: fp32}", "20: precision is 'fp32'; it must be float32 or bf16. Did you mean 'float32'?"),
    "in full": ("{precision: bfloat16}", "20: precision is 'bfloat16'; it must be float32 or bf16. Did you mean 'bf16'?"),
    "data": ("{dataset: mnist}", "9: unknown field 'dataset' of train. It belongs in `data: {dataset: …}`."),
    "weights of nobody": ("{weights: torchvision}", "18: weights is 'torchvision'; a name must follow, of letters, digits and `_`. Write `torchvision:IMAGENET1K_V1`, or with the network `torchvision:resnet18:IMAGENET1K_V1`."),
    "a misspelt source": ("{weights: torchvison:IMAGENET1K_V1}", "18: weights is 'torchvison:IMAGENET1K_V1'; 'torchvison' is unknown here. Did you mean 'torchvision'?"),
    "a dash in a name": ("{weights: torchvision:resnet-18:V1}", "18: weights is 'torchvision:resnet-18:V1'; a name must follow, of letters, digits and `_`. Write `torchvision:IMAGENET1K_V1`, or with the network `torchvision:resnet18:IMAGENET1K_V1`."),
    "weights switched on": ("{weights: true}", "18: weights is true; it must say where they are. Write `torchvision:NAME`, a file such as `weights.safetensors`, or the folder of a run."),
    "Keras' weights": ("{weights: a.h5}", "18: weights is 'a.h5'; such files are not read. Write `torchvision:NAME`, a file such as `weights.safetensors`, or the folder of a run."),
    "DEFAULT alone": ("{weights: DEFAULT}", "18: weights is 'DEFAULT'; who publishes weights stands before their name. Write `torchvision:DEFAULT`."),
    "pretrained": ("{pretrained: true}", "9: unknown field 'pretrained' of train. Did you mean 'weights'?"),
    "frozen layers": ("{freeze_layers: [a]}", "9: unknown field 'freeze_layers' of train. Did you mean 'freeze'?"),
    "what learns": ("{trainable: [a]}", "9: unknown field 'trainable' of train. Name what stays as it is in `freeze`."),
    "freezing switched on": ("{freeze: true}", "17: freeze is true; it must be a list. Write `freeze: [stem]`."),
    "a number frozen": ("{freeze: [1]}", "18: freeze is 1; it must be text. Put it in quotes."),
    "a factor in words": ("{lr_scale: {stem: slow}}", "26: stem is 'slow'; it must be a number, by which the learning rate is multiplied."),
    "a negative factor": ("{lr_scale: {stem: -base}}", "26: stem is -0.1, from `-base`; it must be greater than 0."),
    "a factor of a variable": ("{lr_scale: {stem: bas}}", "26: stem is 'bas'; it must be a number, by which the learning rate is multiplied. Did you mean 'base'?"),
    "factors in a list": ("{lr_scale: [stem]}", "19: lr_scale is ['stem']; it must be a mapping. Write it like `{stem: …}`."),
    "a factor beside the optimizer's options": ("{optimizer: {sgd: {lr_scale: {a: 1}}}}", "27: unknown field 'lr_scale' of sgd. It belongs in `train: {lr_scale: …}`."),
    "a device": ("{device: cuda}", "9: unknown field 'device' of train. Remove it, and use `cnnspec train --device`."),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong_choices(case: tuple[str, str]) -> None:
    """What is no choice is told once, at its place, with what to write instead."""
    text, message = case
    assert told(text) == message


def test_all_contradictions_at_once() -> None:
    """Options that do not go together are all told, each at its place, with other problems of the file."""
    with pytest.raises(SpecError) as caught:
        spec("{batch_size: 4, accumulate: 5, warmup: 2, schedule: one_cycle, best: top_k_accuracy}")
    assert [p.place and p.place.column for p in caught.value.problems] == [36, 47, 77]


@pytest.mark.parametrize(
    "text",
    [
        "{epochs: 3, warmup: 3}",
        "{epochs: 3, warmup: 0.5, schedule: cosine}",
        "{batch_size: 4, accumulate: 4}",
        "{schedule: one_cycle, warmup: 0}",
        "{best: top_k_accuracy, top_k: 3}",
        "{optimizer: {sgd: {nesterov: true, momentum: 0.9}}}",
        "{schedule: {cosine: {eta_min: 0.001}}}",
        "{early_stopping: 3, validation: 0.1, evaluate_every: 2}",
    ],
)
def test_what_goes_together(text: str) -> None:
    """What is only near a contradiction is taken."""
    assert spec(text).train.epochs in (3, 10)


@pytest.mark.parametrize("case", CHOSEN.values(), ids=CHOSEN)
def test_resolved(case: tuple[str, tuple[str, str, str]]) -> None:
    """Written out with all defaults, it is the same section, and has no field without a value."""
    text, _ = case
    whole = spec(text)
    written = to_yaml(whole.resolved())
    assert "null" not in written
    assert cnnspec.loads(written).train == whole.train


def test_factors_of_variables() -> None:
    """Learning rates are scaled by expressions, and paths keep their dots."""
    train = spec("{lr_scale: {stage.0: base / 2, fc1: 1 if long else 2}, freeze: [stem, base]}").train
    assert train.lr_scale == {"stage.0": 0.05, "fc1": 1.0}
    assert train.freeze == ("stem", "base")  # a name of a layer is no expression


def test_weights_are_found_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path to weights is relative to the spec's file; what torchvision publishes is no path."""
    text = "input: [1, 8, 8]\nlayers: [flatten, fc: 10]\ntrain: {weights: WHAT}"
    monkeypatch.chdir(tmp_path)
    for file, folder in (("a/net.yaml", tmp_path / "a"), ("/x/net.yaml", Path("/x")), ("<text>", tmp_path)):
        for given, wanted in (
            ("w.safetensors", folder / "w.safetensors"),
            ("../runs/1", folder.parent / "runs/1"),
        ):
            whole = cnnspec.loads(text.replace("WHAT", given), file=file)
            assert whole.located().train.weights == str(wanted)
            assert whole.resolved()["train"]["weights"] == str(wanted)
    whole = cnnspec.loads(text.replace("WHAT", "torchvision:X"))
    assert whole.located().train.weights == "torchvision:X"


def test_resolved_waits_for_the_weights_statistics() -> None:
    """With weights, pictures are normalized as these were; written out, the data set's own do not take their place."""
    text = "input: [1, 8, 8]\nlayers: [flatten, fc: 10]\n"
    assert "normalize" in cnnspec.loads(text).resolved()["data"]
    tuned = cnnspec.loads(text + "train: {weights: torchvision:X}")
    assert "normalize" not in tuned.resolved()["data"]
    assert tuned.normalized(0.5, 0.5).resolved()["data"]["normalize"] == {"mean": 0.5, "std": 0.5}


def test_resolved_is_short() -> None:
    """A choice without options is written as a word, and one with options on a line of its own."""
    lines = to_yaml(spec("{schedule: {constant: {}}, optimizer: {sgd: {lr: 0.1}}}").resolved()).splitlines()
    assert "  schedule: constant" in lines
    assert "    sgd: {lr: 0.1, momentum: 0.0, nesterov: false, weight_decay: 0.0}" in lines


def test_made_in_python() -> None:
    """A choice can be given as an object, too, and held to the same rules."""
    optimizer = Optimizer.model_validate({"sgd": {"lr": 0.5}})
    assert Train(optimizer=optimizer).optimizer.options.lr == 0.5
    assert Optimizer.model_validate("sgd").model_dump() == {
        "sgd": {"lr": 0.01, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}
    }


def defaults(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield fields with their defaults as the reference writes them."""
    for name, info in model.model_fields.items():
        default = info.get_default(call_default_factory=True)
        if isinstance(default, Choice):
            default = default.name
        if info.is_required():
            default = "(required)"
        is_number = isinstance(default, (int, float)) and not isinstance(default, bool)
        yield name, f"{default:g}".replace("e-0", "e-") if is_number else str(default).lower()


@pytest.mark.parametrize("model", [Train, Data, Augment])
def test_reference_has_every_field(model: type[BaseModel]) -> None:
    """The reference lists each field of the sections, in order and with its default."""
    (table,) = re.findall(
        rf"^\| `{model.__name__.lower()}` \| default .*\n\|.*\n((?:\|.*\n)+)", REFERENCE, re.MULTILINE
    )
    assert re.findall(r"^\| `(\w+)` \| (\S+) \|", table, re.MULTILINE) == list(defaults(model))


@pytest.mark.parametrize("choice", [Optimizer, Schedule, Loss])
def test_reference_has_every_choice(choice: type[Choice]) -> None:
    """The reference lists each name that can be chosen, in order and with its options' defaults."""
    (table,) = re.findall(
        rf"^\| `{choice.__name__.lower()}` \| options .*\n\|.*\n((?:\|.*\n)+)", REFERENCE, re.MULTILINE
    )
    rows = [
        (name, options.strip())
        for name, options in re.findall(r"^\| `(\w+)` \|([^|]*)\|", table, re.MULTILINE)
    ]
    assert rows == [
        (name, ", ".join(" ".join(pair) for pair in defaults(section)))
        for name, section in choice.sections().items()
    ]
