"""Options go before what a spec says, and are held to what files are."""

from pathlib import Path

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
