"""What all tests share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# A busy machine is no failure.
settings.register_profile("cnnspec", deadline=None)
settings.load_profile("cnnspec")

pytest_plugins = ["data_fixtures"]

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag that rewrites the golden texts, for a person to read and commit."""
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden/ from what is printed now"
    )


# Where the tests are shared out to processes, these would print as wide as the terminal of the whole.
os.environ.pop("COLUMNS", None)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Small networks train fastest with one thread, and a busy machine slows two down tenfold."""
    torch.set_num_threads(1)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the one of that name that a person has read."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8")

    return compare
