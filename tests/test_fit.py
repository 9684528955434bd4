"""Whether a network fits its data is known before training, and told in the one form."""

import pytest

import cnnspec
from cnnspec.fit import data_problems, warnings

TABLE = {
    "fits": ("[1, 28, 28]", "[flatten, fc: 10]", ""),
    "colour": ("[3, 28, 28]", "[flatten, fc: 10]", ""),
    "pixels in a row": ("[1, 784]", "[flatten, fc: 10]", ""),
    "rows": ("[28, 28]", "[flatten, fc: 10]", ""),
    "units": ("[1, 28, 28]", "[flatten, fc: 12]", "n.yaml:2:19: fc1 has 12 units; mnist has 10 classes"),
    "values": ("[1, 3, 4]", "[flatten, relu, batchnorm]", "the output has 12 values; mnist has 10 classes"),
    "maps": ("[1, 28, 28]", "[conv: {filters: 10, kernel: 28}]", "the output is 10×1×1, not flat"),
    "volume": (
        "[1, 28, 28, 28]",
        "[flatten, fc: 10]",
        "n.yaml:1:8: input is 1×28×28×28, but mnist holds pictures",
    ),
    "two channels": (
        "[2, 28, 28]",
        "[flatten, fc: 10]",
        "input has 2 channels, but mnist holds grey pictures",
    ),
    "no square": ("[1, 800]", "[flatten, fc: 10]", "a sequence of 800 values, which is not a square number"),
    "nothing to train": (
        "[1, 2, 5]",
        "[flatten, relu]",
        "there is nothing to train; no layer has parameters",
    ),
}


@pytest.mark.parametrize("case", TABLE.values(), ids=TABLE)
def test_table(case: tuple[str, str, str]) -> None:
    """Input, output and loss are held to the data set."""
    shape, layers, expected = case
    found = data_problems(cnnspec.loads(f"input: {shape}\nlayers: {layers}", file="n.yaml").plan())
    assert len(found) == bool(expected)
    assert expected in "".join(map(str, found))


def test_batches_of_one() -> None:
    """Batch norm of a flat layer can't learn in batches of one, and the message says so."""
    text = "input: [1, 28, 28]\nlayers: [flatten, fc: 10, batchnorm]\ntrain: {batch_size: 1}"
    (found,) = data_problems(cnnspec.loads(text).plan())
    assert "batchnorm1 cannot learn in batches of 1" in str(found)


def test_statistics_per_channel() -> None:
    """A list of means must have one for each channel of the input."""
    text = "input: [3, 28, 28]\nlayers: [flatten, fc: 10]\ndata: {normalize: {mean: [0.1, 0.2], std: 1}}"
    (found,) = data_problems(cnnspec.loads(text).plan())
    assert "mean lists 2 values, but pictures of the input have 3 channels" in str(found)


def with_train(train: str, layers: str = "[flatten, fc: 10]", shape: str = "[1, 28, 28]") -> cnnspec.Plan:
    return cnnspec.loads(f"input: {shape}\nlayers: {layers}\ntrain: {train}", file="n.yaml").plan()


OPTIONS = {
    "too few class weights": (
        "{loss: {focal: {class_weights: [1, 2]}}}",
        "n.yaml:3:39: class_weights lists 2 values; mnist has 10 classes. Give one for each class.",
    ),
    "one for each": ("{loss: {nll: {class_weights: [1, 1, 1, 1, 1, 1, 1, 1, 1, 0]}}}", ""),
    "top 10 of 10": (
        "{top_k: 10}",
        "n.yaml:3:16: top_k is 10; mnist has 10 classes, so every answer would be right. Use at most 9.",
    ),
    "top 9 of 10": ("{top_k: 9}", ""),
    "muon": ("{optimizer: muon}", ""),
}


@pytest.mark.parametrize("case", OPTIONS.values(), ids=OPTIONS)
def test_options(case: tuple[str, str]) -> None:
    """Options of training are held to the data set, and told at their place."""
    train, expected = case
    found = data_problems(with_train(train))
    assert len(found) == bool(expected)
    assert expected in "".join(map(str, found))


def test_muon_without_fc() -> None:
    """Muon is refused for a network that has nothing for it to do."""
    layers = "[conv: {filters: 10, kernel: 28}, flatten]"
    (found,) = data_problems(with_train("{optimizer: muon}", layers))
    assert str(found).startswith(
        "n.yaml:3:20: muon has nothing to do; it steps the weights of fc layers only"
    )


@pytest.mark.parametrize(("parts", "wrong"), [(32, False), (33, True), (64, True)])
def test_batch_norm_in_parts(parts: int, wrong: bool) -> None:
    """Batch norm of a flat layer can't learn where a part of a batch is one sample."""
    found = data_problems(with_train(f"{{accumulate: {parts}}}", "[flatten, fc: 10, batchnorm]"))
    what = "batchnorm1 cannot learn in parts of 1 sample"
    why = "its mean over a single value is that value, and all is lost"
    assert [p.message for p in found] == wrong * [f"{what}; {why}. Use accumulate of at most 32."]


def test_augmented_sequence() -> None:
    """What moves and cuts pictures needs pictures; values of a sequence can be changed and mixed."""
    moved = (
        "shift: 2, rotation: 1, scale: 0.1, shear: 5, elastic: 1, crop: 2, flip: 0.5, erasing: 0.5, cutmix: 1"
    )
    text = (
        f"layers: [flatten, fc: 10]\ndata: {{augment: {{{moved}, brightness: 0.1, contrast: 0.1, mixup: 1}}}}"
    )
    assert data_problems(cnnspec.loads(f"input: [1, 28, 28]\n{text}").plan()) == []
    found = data_problems(cnnspec.loads(f"input: [28, 28]\n{text}", file="n.yaml").plan())
    told = (
        "n.yaml:3:18: shift needs pictures, but the input is 28×28; a picture is [channels, height, width]."
    )
    assert str(found[0]).startswith(told)
    assert [p.fix for p in found] == [f"Remove `{part.split(':')[0]}`" for part in moved.split(", ")]


@pytest.mark.parametrize(
    ("last", "loss", "warned"),
    [
        (
            "softmax",
            "cross_entropy",
            "softmax1 stands before the loss cross_entropy; that applies its own log-softmax",
        ),
        (
            "log_softmax",
            "focal",
            "log_softmax1 stands before the loss focal; that applies its own log-softmax",
        ),
        ("log_softmax", "nll", ""),
        (
            "softmax",
            "nll",
            "takes logarithms of probabilities, and softmax1 gives none. Use `- log_softmax` instead.",
        ),
        (
            "relu",
            "nll",
            "the loss nll needs a log_softmax; it takes logarithms of probabilities, and relu1 gives none. Put",
        ),
        ("softmax", "multi_margin", ""),
        ("relu", "focal", ""),
    ],
)
def test_last_layer_and_loss(last: str, loss: str, warned: str) -> None:
    """A last layer that does not go with the loss is allowed and warned about."""
    plan = with_train(f"{{loss: {loss}}}", f"[flatten, fc: 10, {last}]")
    found = warnings(plan)
    assert [problem.severity for problem in found] == ["warning"] * bool(warned)
    assert warned in "".join(map(str, found))
    assert data_problems(plan) == []
