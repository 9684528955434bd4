"""A mirror of data sets: a real server on this machine that does what servers do, well or not."""

import http.server
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request, and notes in the mirror's log what was asked and sent."""

    mirror: "Mirror"

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self.request_log = Asked(name, self.headers.get("Range", ""))
        self.mirror.log.append(self.request_log)
        answers = self.mirror.answers
        (answers.pop(0) if answers else self.mirror.answer)(self, self.mirror.files[name])

    def begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in (self.mirror.version | headers).items():
            self.send_header(key, value)
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.request_log.sent += len(data)
        self.wfile.write(data)

    def wanted_from(self) -> int:
        """Return where the rest begins that is asked for; 0 where all is, or must be as the file has changed."""
        version = self.headers.get("If-Range", "")
        if version not in self.mirror.version.values() or version.startswith("W/"):
            return 0
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(found[1]) if found else 0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        pass


Answer = Callable[[Handler, bytes], None]


@dataclass
class Asked:
    """A request: the file, the header Range, and how many bytes of the file were sent."""

    name: str
    range: str
    sent: int = 0


@dataclass
class Mirror:
    """What it serves, which headers tell the version of that, and how it answers: first `answers`, then `answer`."""

    files: dict[str, bytes]
    version: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})
    answers: list[Answer] = field(default_factory=list)
    log: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answer: Answer = good
        self.closing = threading.Event()
        handler = type("MyHandler", (Handler,), {"mirror": self})
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/"

    @property
    def sent(self) -> list[int]:
        """How many bytes were sent at each request; what is asked next begins a new list."""
        sent = [asked.sent for asked in self.log]
        self.log.clear()
        return sent

    def close(self) -> None:
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()


def good(handler: Handler, body: bytes) -> None:
    """The file, or the rest of it."""
    breaks_off(len(body))(handler, body)


def breaks_off(end: int) -> Answer:
    """The file, or the rest of it, up to a byte."""

    def answer(handler: Handler, body: bytes) -> None:
        start, total = handler.wanted_from(), len(body)
        part = {"Content-Range": f"bytes {start}-{total - 1}/{total}"} if start else {}
        handler.begin(206 if start else 200, {"Content-Length": str(total - start)} | part)
        handler.send(body[start:end])

    return answer


def whole(handler: Handler, body: bytes) -> None:
    """The whole file, whatever is asked for."""
    handler.begin(200, {"Content-Length": str(len(body))})
    handler.send(body)


def rest_as_told(content_range: str, version: dict[str, str] | None = None) -> Answer:
    """The rest, with a header that says it is another, or of another version."""

    def answer(handler: Handler, body: bytes) -> None:
        handler.begin(206, {"Content-Range": content_range} | (version or {}))
        handler.send(b"?" * len(body))

    return answer


def status(code: int) -> Answer:
    """A status, and a page that explains it."""
    return lambda handler, _body: handler.send_error(code)


def without_length(handler: Handler, body: bytes) -> None:
    """The file, without saying how long it is."""
    handler.begin(200, {})
    handler.send(body)


def chunked(end: int) -> Answer:
    """The file up to a byte, in a chunk that says it is the whole file."""

    def answer(handler: Handler, body: bytes) -> None:
        handler.begin(200, {"Transfer-Encoding": "chunked"})
        handler.wfile.write(b"%x\r\n" % len(body))
        handler.send(body[:end])
        handler.wfile.write(b"\r\n0\r\n\r\n" if end == len(body) else b"")

    return answer


def redirect(url: str) -> Answer:
    """A hint to look elsewhere."""
    return lambda handler, _body: handler.begin(302, {"Location": url})


def endless(handler: Handler, _body: bytes) -> None:
    """Bytes until nobody listens any more."""
    handler.begin(200, {})
    try:
        while not handler.mirror.closing.is_set():
            handler.wfile.write(b"\0" * 4096)
    except OSError:
        pass


def too_long(handler: Handler, _body: bytes) -> None:
    """What says that it is far longer than it should be."""
    handler.begin(200, {"Content-Length": str(1 << 40)})


def web_page(handler: Handler, _body: bytes) -> None:
    """What a hotel's network answers to everything."""
    handler.begin(200, {"Content-Type": "text/html; charset=utf-8", "Content-Length": "4"})
    handler.send(b"<h1>")


def silent_after(end: int) -> Answer:
    """The file up to a byte, then nothing; before its first byte, not even a status."""

    def answer(handler: Handler, body: bytes) -> None:
        if end:
            handler.begin(200, {"Content-Length": str(len(body))})
            handler.send(body[:end])
        handler.mirror.closing.wait(timeout=60)

    return answer


def no_http(handler: Handler, _body: bytes) -> None:
    """What is no HTTP at all."""
    handler.wfile.write(b"\0\1\2\3\n\n")
