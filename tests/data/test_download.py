"""Downloading from a real local server that does what servers do."""

import gzip
import socket
import threading
from dataclasses import replace
from pathlib import Path

import mirror
import pytest
from mirror import Mirror
from mirror_fixtures import CONTENT, OTHER, Start, inside, made

from cnnspec.catalog import DataSet, Download
from cnnspec.data import download
from cnnspec.data.download import DownloadError, fetch


def test_only_what_is_missing_or_damaged(start_mirror: Start, tmp_path: Path) -> None:
    """A file that is there and whole, plain or packed, is not downloaded again; one that is damaged is."""
    files = {"one": CONTENT, "two": OTHER, "three": b"3", "four": b"4"}
    served = {f"{name}.gz": gzip.compress(data) for name, data in files.items()}
    server = start_mirror(served)
    data_set = made(served, files, server.url)
    (tmp_path / "one.gz").write_bytes(served["one.gz"])
    (tmp_path / "two.gz").write_bytes(served["two.gz"][:-20])
    (tmp_path / "three").write_bytes(b"4")
    assert fetch(data_set, tmp_path) == ["two", "three", "four"]
    assert inside(tmp_path) == {name: files[name] for name in ("two", "three", "four")} | {
        "one.gz": served["one.gz"],
        "two.gz": served["two.gz"][:-20],
    }
    assert fetch(data_set, tmp_path) == []


def test_several_at_once(plain: DataSet, server: Mirror, tmp_path: Path) -> None:
    """Of several that want the same data set at the same time, one downloads it, and the others wait."""
    server.answers = [mirror.breaks_off(50_000)]
    fetched: list[list[str]] = []
    threads = [threading.Thread(target=lambda: fetched.append(fetch(plain, tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fetched) == [[], [], [], ["data"]]
    assert server.sent == [50_000, 50_000]
    assert inside(tmp_path) == {"data": CONTENT}


def refused_port() -> str:
    """Return the address of a server that is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


REFUSALS: dict[str, tuple[mirror.Answer, str]] = {
    "403": (mirror.status(403), "answers 403 Forbidden"),
    "404": (mirror.status(404), "answers 404 Not Found"),
    "429": (mirror.status(429), "answers 429 Too Many Requests"),
    "503": (mirror.status(503), "answers 503 Service Unavailable"),
    "599": (mirror.status(599), "answers 599"),
    "204": (lambda handler, _: handler.begin(204, {}), "answers 204"),
    "a part unasked": (mirror.rest_as_told("bytes 0-9/10"), "answers 206"),
    "a web page": (mirror.web_page, "is a web page, not the file expected"),
    "another file": (lambda handler, _: mirror.good(handler, OTHER), "is not the file expected"),
    "too long": (mirror.too_long, "has 1,099,511,627,776 bytes, more than the file expected can have"),
    "endless": (mirror.endless, "does not end where the file expected does"),
    "a length that is none": (
        lambda handler, _: handler.begin(200, {"Content-Length": "9" * 5000}),
        "breaks off: Exceeds the limit",
    ),
    "elsewhere": (mirror.redirect("http://[/"), "breaks off: Invalid IPv6 URL"),
    "in circles": (mirror.redirect("/data"), "answers 302 Found"),
    "no HTTP": (mirror.no_http, "breaks off: "),
}


@pytest.mark.parametrize(("answer", "told"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(answer: mirror.Answer, told: str, server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """Whatever a mirror does instead of sending the file is told, leaves no file, and the next mirror is asked."""
    server.answer, server.version = answer, {}
    with pytest.raises(DownloadError) as caught:
        fetch(plain, tmp_path)
    (problem,) = caught.value.problems
    assert problem.what == "some is not on disk and cannot be downloaded"
    assert problem.why == caught.value.reasons
    assert problem.why.startswith(f"{server.url}data {told}")
    assert problem.fix == f"Check the network and try again, or put data into {tmp_path}"
    assert inside(tmp_path) == {}
    other = Mirror({"data": CONTENT})
    try:
        assert fetch(replace(plain, mirrors=(server.url, other.url)), tmp_path) == ["data"]
    finally:
        other.close()
    assert inside(tmp_path) == {"data": CONTENT}


def test_no_network(server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """Servers that are not there, or whose name nobody knows, are told one by one; the next mirror is asked."""
    nobody, unknown = refused_port(), "http://nobody.invalid/"
    with pytest.raises(DownloadError) as caught:
        fetch(replace(plain, mirrors=(nobody, unknown)), tmp_path)
    first, second = caught.value.reasons.split("; ")
    assert first == f"{nobody}data cannot be reached: Connection refused"
    assert second.startswith(f"{unknown}data cannot be reached: ")
    assert fetch(replace(plain, mirrors=(nobody, unknown, server.url)), tmp_path) == ["data"]


def test_no_mirror(plain: DataSet, tmp_path: Path) -> None:
    """A data set that no mirror has says so, and where its files belong."""
    with pytest.raises(DownloadError, match=r"; there is no mirror of it\. .*, or put data into "):
        fetch(replace(plain, mirrors=()), tmp_path)


@pytest.mark.parametrize("end", [0, 5])
def test_silence(
    end: int, server: Mirror, plain: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says nothing, from the first or in the middle, is given up after a bounded wait."""
    monkeypatch.setattr(download, "SILENCE", 0.05)
    server.answer = mirror.silent_after(end)
    with pytest.raises(DownloadError, match=r"data is silent for 0\.05 seconds\. Check"):
        fetch(plain, tmp_path)


def test_trickle(server: Mirror, plain: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends next to nothing is given up, though it is never silent; what came is kept."""
    monkeypatch.setattr(download, "SPAN", 0.0)
    monkeypatch.setattr(download, "SLOWEST", 1 << 60)
    with pytest.raises(DownloadError, match="is slower than 1,152,921,504,606,846,976 bytes a second"):
        fetch(plain, tmp_path)
    assert (tmp_path / "data.part").stat().st_size > 0


def test_wrong_hash(server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """A file of the right size and the wrong content is refused, even if only its unpacked form is known."""
    server.files["data"] = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    for md5 in (plain.downloads[0].md5, ""):
        unknown = replace(plain, downloads=(Download("data", md5, ("data",)),))
        with pytest.raises(DownloadError, match="is not the file expected"):
            fetch(unknown, tmp_path)
        assert len(server.sent) == 1  # asking again would bring the same
        assert inside(tmp_path) == {}


def test_what_to_put_where(start_mirror: Start, tmp_path: Path) -> None:
    """Of a data set of several files, the error names one, and leaves no doubt that there are others."""
    files = {"one": CONTENT, "two": OTHER}
    server = start_mirror({"one.gz": b"", "two.gz": b""})
    server.answer = mirror.status(404)
    with pytest.raises(DownloadError, match=f"or put one and its other files into {tmp_path}"):
        fetch(made({"one.gz": b"", "two.gz": b""}, files, server.url), tmp_path)
