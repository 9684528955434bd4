"""Downloading from a real local server that does what servers do."""

import gzip
import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from data_fixtures import TRAIN

from cnnspec import catalog
from cnnspec.catalog import DataSet
from cnnspec.data import download, load_data
from cnnspec.errors import DataError

Answer = Callable[[http.server.BaseHTTPRequestHandler, bytes], None]


def good(handler: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def status(code: int) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
        handler.send_error(code)

    return answer


def breaks_off(handler: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])


def without_length(handler: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(body)


def web_page(handler: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
    good(handler, b"<html>Please log in</html>")


def other_file(handler: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
    good(handler, gzip.compress(b"\0" * 100))


class Server:
    """A mirror that answers as it is told, and knows what it was asked."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.asked = files, list[str]()
        self.answer: Answer = good
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                outer.asked.append(name)
                outer.answer(self, outer.files[name])

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/mnist/"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(tiny: DataSet, tiny_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A mirror of the small MNIST, declared as its only one."""
    server = Server({f"{tiny.files[key].name}.gz": gzip.compress(data) for key, data in tiny_files.items()})
    monkeypatch.setitem(catalog.DATA_SETS, "mnist", replace(tiny, mirrors=(server.url,)))
    yield server
    server.close()


def test_download(server: Server, tmp_path: Path) -> None:
    """The files are downloaded once, with progress, into the given root, and found there ever after."""
    seen: list[tuple[str, int, int | None]] = []
    loaded = load_data("mnist", tmp_path / "root", progress=lambda *event: seen.append(event))
    assert (loaded.data_set.name, len(loaded.train)) == ("mnist", TRAIN)
    assert sorted(server.asked) == sorted(server.files)
    assert {name: done for name, done, _ in seen} == {name: len(data) for name, data in server.files.items()}
    assert {total for name, _, total in seen if name == "train-images-idx3-ubyte.gz"} == {
        len(server.files["train-images-idx3-ubyte.gz"])
    }
    folder = tmp_path / "root/MNIST/raw"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        n.removesuffix(".gz") for n in server.files
    )
    load_data("mnist", tmp_path / "root")
    assert len(server.asked) == len(server.files)


def test_download_goes_to_the_cache(server: Server, tmp_path: Path) -> None:
    """Without a root the files go to the user's cache folder."""
    assert load_data("mnist").source == str(tmp_path / "cache/cnnspec/data/MNIST/raw")


def test_download_completes_the_cache(server: Server, tmp_path: Path) -> None:
    """Where an earlier download was stopped half-way, only the rest is fetched."""
    load_data("mnist")
    (tmp_path / "cache/cnnspec/data/MNIST/raw/t10k-images-idx3-ubyte").unlink()
    server.asked.clear()
    load_data("mnist")
    assert server.asked == ["t10k-images-idx3-ubyte.gz"]


def test_without_content_length(server: Server) -> None:
    """A server that doesn't say how much there is will do."""
    server.answer = without_length
    assert load_data("mnist").data_set.name == "mnist"


FAILURES: dict[str, tuple[Answer, str]] = {
    "403": (status(403), "answers 403"),
    "404": (status(404), "answers 404"),
    "503": (status(503), "answers 503"),
    "breaks off": (breaks_off, "broke off after"),
    "a web page": (web_page, "is not the file expected"),
    "another file": (other_file, "is not the file expected"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_failing_mirror(failure: tuple[Answer, str], server: Server, tmp_path: Path) -> None:
    """Whatever a mirror answers, the error says it, and no file is left behind."""
    server.answer, message = failure
    with pytest.raises(DataError, match=message):
        load_data("mnist", tmp_path / "root", sample=False)
    assert not [path for path in (tmp_path / "root").rglob("*") if path.is_file()]


def test_next_mirror(server: Server, tiny: DataSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one mirror fails, the next one is asked."""
    dead = "http://127.0.0.1:9/"
    monkeypatch.setitem(catalog.DATA_SETS, "mnist", replace(tiny, mirrors=(dead, server.url)))
    assert load_data("mnist").data_set.name == "mnist"


def assert_set(event: threading.Event) -> None:
    assert event.wait(timeout=60)


def test_silent_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and says nothing is given up after a bounded wait."""
    done = threading.Event()
    server.answer = lambda _handler, _body: assert_set(done)
    monkeypatch.setattr(download, "SILENCE", 0.05)
    try:
        with pytest.raises(DataError, match="timed out"):
            load_data("mnist", sample=False)
    finally:
        done.set()


def test_slow_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download that trickles is given up when its time is over."""
    monkeypatch.setattr(download, "PATIENCE", -1.0)
    with pytest.raises(DataError, match="not done in"):
        load_data("mnist", sample=False)


def test_endless_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that does not end fills no memory."""
    monkeypatch.setattr(download, "MAX_BYTES", 100)
    with pytest.raises(DataError, match="does not end"):
        load_data("mnist", sample=False)


def test_full_disk(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the disk is full, the error says what to do, and no part of a file stays."""

    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DataError, match=r"No space left on device. Make room, or name another folder"):
        load_data("mnist", tmp_path / "root")
    assert not [path for path in (tmp_path / "root").rglob("*") if path.is_file()]
