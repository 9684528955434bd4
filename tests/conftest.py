"""What all tests share."""

import os
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Small networks train fastest with one thread, and a busy machine slows two down tenfold. torch reads it when
# it is imported, here and in the programs that tests start.
os.environ["OMP_NUM_THREADS"] = "1"

# A busy machine is no failure.
settings.register_profile("cnnspec", deadline=None)
settings.load_profile("cnnspec")

pytest_plugins = ["alone", "browser", "data_fixtures", "mirror_fixtures", "plugin_fixtures"]

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag that rewrites the golden texts, for a person to read and commit."""
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden/ from what is printed now"
    )


# Where the tests are shared out to processes, these would print as wide as the terminal of the whole.
os.environ.pop("COLUMNS", None)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection comes about, as without the internet."""
    for proxy in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    # urllib asks for the proxies once only, and would leave the next tests without a connection, too.
    monkeypatch.setattr(urllib.request, "_opener", None)


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
