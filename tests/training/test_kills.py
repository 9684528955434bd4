"""A training that is killed at any moment goes on from its folder as if nothing had happened."""

import random
from pathlib import Path

import mortal
import pytest

KILLS = 200


@pytest.fixture(scope="module")
def whole(tiny_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> ...:
    """What a training comes to that nobody interrupts."""
