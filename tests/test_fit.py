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


@pytest.mark.parametrize("last", ["softmax", "log_softmax"])
def test_softmax_before_cross_entropy(last: str) -> None:
    """A softmax before cross-entropy is allowed and warned about."""
    plan = cnnspec.loads(f"input: [1, 28, 28]\nlayers: [flatten, fc: 10, {last}]").plan()
    (found,) = warnings(plan)
    assert found.severity == "warning"
    assert data_problems(plan) == []
