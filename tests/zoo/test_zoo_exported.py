"""Networks of the zoo compute the same in the exported forms, one of each file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from exports import FILES, shaken, smallest

from cnnspec.exporting import onnx, pt2
from cnnspec.exporting.program import Program

QUICK = ("conv1d", "edges")
"""Those that are exported in every run of the tests, the others by `make test-zoo`."""


@pytest.mark.parametrize("write", [onnx.write, pt2.write], ids=["onnx", "pt2"])
@pytest.mark.parametrize(
    "file",
    [pytest.param(f, marks=() if f.stem in QUICK else pytest.mark.zoo, id=f.stem) for f in FILES],
)
def test_exported(file: Path, write: Callable[..., object], tmp_path: Path) -> None:
    """The variant with the fewest parameters is written, which it is only if its outputs are the same."""
    network = shaken(smallest(file))
    path = tmp_path / "network"
    write(network, Program.of(network, preprocess=False), path)
    assert path.stat().st_size > 4 * network.plan.params
    assert [*tmp_path.iterdir()] == [path]
