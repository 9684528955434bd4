"""What all tests share."""

from pathlib import Path

import pytest
import torch

pytest_plugins = ["data_fixtures"]

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag that rewrites the golden texts, for a person to read and commit."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden/ from what is printed now")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Small networks train fastest with one thread, and a busy machine slows two down tenfold."""
    torch.set_num_threads(1)
