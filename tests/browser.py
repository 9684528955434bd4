"""A real browser for pages and pictures: headless Chromium, told what to do over a pipe.

The messages are those of the Chrome DevTools protocol (https://chromedevtools.github.io/devtools-protocol),
JSON that ends with a zero byte, on the file descriptors 3 and 4 of the browser.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # which root cannot have; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--disable-features=Translate,MediaRouter,OptimizationHints",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--remote-debugging-pipe",
)
LIMIT = 60
"""Seconds after which a browser that says nothing is given up."""

PHONE = 600
"""Windows narrower than this are treated as a phone does: a page says itself how wide it wants to be."""

Theme = Literal["light", "dark"]


class Page:
    """A page in a window of its own.

    `messages` is all that the console told until it was looked at last: what scripts print, errors,
    and what the Content-Security-Policy refuses. `requests` are the addresses that were asked for.
    """

    def __init__(self, browser: "Browser", target: str, session: str) -> None:
        self.browser, self.target, self.session = browser, target, session
        self.messages: list[str] = []
        self.requests: list[str] = []

    def evaluate(self, code: str) -> Any:
        """Return what a JavaScript expression comes to, as plain values; raises AssertionError if it fails."""
        answer = self.send("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def count(self, selector: str) -> int:
        """Return the number of elements that a CSS selector finds."""
        number: int = self.evaluate(f"document.querySelectorAll({json.dumps(selector)}).length")
        return number

    def texts(self, selector: str) -> list[str]:
        """Return the texts of the elements that a CSS selector finds."""
        code = f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)"
        found: list[str] = self.evaluate(code)
        return found

    @property
    def scroll_width(self) -> int:
        """How wide the page is; more than its window where it must be scrolled sideways."""
        width: int = self.evaluate("document.scrollingElement.scrollWidth")
        return width

    def screenshot(self) -> bytes:
        """Return the page from top to bottom as PNG."""
        picture = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(picture["data"])

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command for this page, and return the answer."""
        return self.browser.send(method, self, **parameters)

    def hear(self, method: str, told: dict[str, Any]) -> None:
        """Keep what an event tells of the page."""
        if method == "Runtime.consoleAPICalled":
            values = [str(one.get("value", one.get("description", ""))) for one in told["args"]]
            self.messages.append(f"{told['type']}: {' '.join(values)}")
        elif method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.messages.append(
                f"exception: {details.get('exception', details).get('description', details)}"
            )
        elif method == "Log.entryAdded":
            self.messages.append(f"{told['entry']['level']}: {told['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])


class Browser:
    """A running browser; each page is opened in a window of its own and closed after use."""

    def __init__(self, program: str, folder: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # A shell, since only it can give file descriptors other numbers on the way to the program.
        command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", command, "bash", program, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out),
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._sent = 0
        self._heard = b""
        self._pages: dict[str, Page] = {}
        self._events: list[tuple[str, str]] = []
        self.version: str = self.send("Browser.getVersion")["product"]

    @contextlib.contextmanager
    def open(
        self, path: Path, width: int = 1280, height: int = 900, theme: Theme = "light"
    ) -> Iterator[Page]:
        """Open a file in a window of that size, in pixels, and yield the page once all of it is loaded."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, target, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.send(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < PHONE}
        page.send("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": theme}
        page.send("Emulation.setEmulatedMedia", features=[feature])
        self._events.clear()
        answer = page.send("Page.navigate", url=path.resolve().as_uri())
        assert "errorText" not in answer, f"{path}: {answer['errorText']}"
        self._wait_for((session, "Page.loadEventFired"))
        try:
            yield page
        finally:
            del self._pages[session]
            self.send("Target.closeTarget", targetId=target)

    def send(self, method: str, page: Page | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and return the answer; raises AssertionError where the browser refuses it."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        whole = json.dumps(message | ({"sessionId": page.session} if page else {})).encode() + b"\0"
        while whole:
            whole = whole[os.write(self._out, whole) :]
        while True:
            answer = self._receive()
            if answer.get("id") == self._sent:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def close(self) -> None:
        """End the browser, with all its processes."""
        with contextlib.suppress(AssertionError, OSError, subprocess.TimeoutExpired):
            self.send("Browser.close")
            self._process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(5)
        os.close(self._in)
        os.close(self._out)

    def _wait_for(self, event: tuple[str, str]) -> None:
        while event not in self._events:
            self._receive()

    def _receive(self) -> dict[str, Any]:
        """Return the next message; what it tells of a page is kept there."""
        end = time.monotonic() + LIMIT
        while b"\0" not in self._heard:
            ready, _, _ = select.select([self._in], [], [], max(0, end - time.monotonic()))
            assert ready, f"the browser said nothing for {LIMIT} seconds"
            more = os.read(self._in, 1 << 20)
            assert more, "the browser has ended"
            self._heard += more
        text, _, self._heard = self._heard.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            session = message.get("sessionId", "")
            self._events.append((session, message["method"]))
            if session in self._pages:
                self._pages[session].hear(message["method"], message["params"])
        return message


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; where none is installed, what needs it is skipped."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium is installed; on Debian, `apt-get install chromium` does it")
    with tempfile.TemporaryDirectory(prefix="cnnspec-browser-", ignore_cleanup_errors=True) as folder:
        running = Browser(program, Path(folder))
        try:
            yield running
        finally:
            running.close()
