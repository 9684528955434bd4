"""Damaged files of the zoo give a plan, or an error that says where: nothing else ever comes of them."""

import contextlib
from pathlib import Path

from mutations import mutations
from strategies import EXAMPLES

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.limits import MAX_LAYERS


def test_damaged_files(tmp_path: Path) -> None:
    """Each of 5,000 damaged files is planned or refused; the one that is not is left in the test's folder."""
    path = tmp_path / "net.yaml"
    planned = 0
    for _, text in mutations(5 * EXAMPLES):
        path.write_bytes(text)
        with contextlib.suppress(SpecError):
            assert len(cnnspec.load(path).plan().layers) <= MAX_LAYERS
            planned += 1
    assert EXAMPLES // 10 < planned < 5 * EXAMPLES  # the damage is neither total nor none
