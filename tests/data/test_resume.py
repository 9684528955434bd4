"""Downloads that break off go on where they were, and never join what does not belong together."""

from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import mirror
import pytest
from faults import DEAD, Faults, die, in_child
from mirror import Mirror
from mirror_fixtures import CONTENT, OTHER, Start, break_off, inside

from cnnspec.catalog import DataFile, DataSet, Download
from cnnspec.data import download
from cnnspec.data.download import DownloadError, fetch

OFFSETS = [1, 2, 4_095, 65_536, 99_999]


@pytest.mark.parametrize(
    "version", [{"ETag": '"1"'}, {"ETag": 'W/"1"', "Last-Modified": "Sat, 01 Aug 2026 00:00:00 GMT"}]
)
@pytest.mark.parametrize("offset", OFFSETS)
def test_goes_on(
    offset: int, version: dict[str, str], server: Mirror, plain: DataSet, tmp_path: Path
) -> None:
    """Where a connection breaks off, at once and in the next call only the rest is sent."""
    server.version = version
    server.answers = [mirror.breaks_off(offset)]
    assert fetch(plain, tmp_path / "at once") == ["data"]
    assert server.sent == [offset, len(CONTENT) - offset]
    server.answers = [mirror.breaks_off(offset), mirror.status(503)]
    with pytest.raises(DownloadError, match=r"answers 503 .* try again \(it goes on from what is there\)"):
        fetch(plain, tmp_path / "later")
    assert (tmp_path / "later" / "data.part").read_bytes() == CONTENT[:offset]
    assert server.sent == [offset, 0]
    seen: list[tuple[int, int | None]] = []
    assert fetch(plain, tmp_path / "later", lambda _name, *event: seen.append(event)) == ["data"]
    assert (server.log[0].range, server.sent) == (f"bytes={offset}-", [len(CONTENT) - offset])
    assert seen[0][0] > offset
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert inside(tmp_path / "later") == inside(tmp_path / "at once") == {"data": CONTENT}


def test_breaks_off_again_and_again(
    server: Mirror, plain: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server is asked again as long as more comes each time, but not forever; what came is kept."""
    monkeypatch.setattr(download, "ATTEMPTS", 3)
    server.answers = [mirror.breaks_off(end) for end in (10, 20, 30, 30)]
    for _ in range(2):
        with pytest.raises(DownloadError, match="breaks off after 30 of 100,000 bytes"):
            fetch(plain, tmp_path)
    assert server.sent == [10, 10, 10, 0]
    assert fetch(plain, tmp_path) == ["data"]
    assert server.sent == [len(CONTENT) - 30]


def test_unknown_length(server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """A server that doesn't say how much there is will do; where it breaks off, only the hash tells."""
    server.answer = mirror.without_length
    assert fetch(plain, tmp_path / "whole") == ["data"]
    server.answer = lambda handler, body: mirror.without_length(handler, body[:10])
    with pytest.raises(DownloadError, match="is not the file expected"):
        fetch(plain, tmp_path / "broken")
    assert inside(tmp_path / "broken") == {}
    server.answers = [mirror.chunked(10), mirror.good, mirror.chunked(len(CONTENT)), mirror.chunked(10)]
    assert fetch(plain, tmp_path / "broken chunk") == ["data"]
    assert server.log[-1].range == "bytes=10-"
    assert fetch(plain, tmp_path / "chunk") == ["data"]
    server.version = {}
    with pytest.raises(DownloadError, match=r"data breaks off\. Check"):
        fetch(plain, tmp_path / "last")


OTHER_VERSIONS: dict[str, mirror.Answer] = {
    "Range ignored": mirror.whole,
    "If-Range ignored": mirror.rest_as_told("bytes 10-99999/100000", {"ETag": '"2"'}),
    "another part": mirror.rest_as_told("bytes 9-99999/100000"),
    "another length": mirror.rest_as_told("bytes 10-100000/100001"),
    "no such header": mirror.rest_as_told("pages 1-2"),
    "416": mirror.status(416),
}


@pytest.mark.parametrize("answer", OTHER_VERSIONS.values(), ids=OTHER_VERSIONS)
def test_starts_anew(answer: mirror.Answer, server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """Where a server does not send the rest of the very same file, all of it is asked for again."""
    server.answers = [mirror.breaks_off(10), answer]
    assert fetch(plain, tmp_path) == ["data"]
    assert [asked.range for asked in server.log][:2] == ["", "bytes=10-"]
    assert inside(tmp_path) == {"data": CONTENT}


@pytest.mark.parametrize("field", ["ETag", "Last-Modified"])
def test_changed_between_two_calls(field: str, server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """Parts of two versions are never joined, even where no hash would tell."""
    server.version = {field: '"1"' if field == "ETag" else "Sat, 01 Aug 2026 00:00:00 GMT"}
    unhashed = replace(plain, files={"file": DataFile("data")}, downloads=(Download("data", "", ("data",)),))
    server.answers = [mirror.breaks_off(10), mirror.status(503)]
    with pytest.raises(DownloadError):
        fetch(unhashed, tmp_path)
    server.files["data"] = OTHER
    server.version = {field: '"2"' if field == "ETag" else "Sun, 02 Aug 2026 00:00:00 GMT"}
    server.log.clear()
    assert fetch(unhashed, tmp_path) == ["data"]
    assert ([asked.range for asked in server.log], server.sent) == (["bytes=10-"], [len(OTHER)])
    assert inside(tmp_path) == {"data": OTHER}


def test_no_version_told(server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """Where a server says nothing of its file's version, nothing could be joined: no part is kept."""
    server.version = {}
    server.answers = [mirror.breaks_off(10)]
    with pytest.raises(DownloadError, match="breaks off after 10 of 100,000 bytes"):
        fetch(plain, tmp_path)
    assert inside(tmp_path) == {}


def test_part_of_another_mirror(server: Mirror, plain: DataSet, start_mirror: Start, tmp_path: Path) -> None:
    """The mirror that a part is from is asked first, and no other one's bytes are added to it."""
    first, second = start_mirror({"data": CONTENT}), server
    data_set = replace(plain, mirrors=(first.url, second.url))
    first.answer = mirror.status(503)
    second.answers = [mirror.breaks_off(10), mirror.status(503)]
    with pytest.raises(DownloadError):
        fetch(data_set, tmp_path)
    first.log.clear()
    assert fetch(data_set, tmp_path) == ["data"]
    assert (first.sent, second.sent) == ([], [10, 0, len(CONTENT) - 10])
    first.answer, second.answers = (
        mirror.good,
        [mirror.breaks_off(10), mirror.status(503), mirror.status(503)],
    )
    with pytest.raises(DownloadError):
        fetch(plain, tmp_path / "again")
    assert fetch(data_set, tmp_path / "again") == ["data"]
    assert [asked.range for asked in first.log] == [""]
    assert inside(tmp_path / "again") == {"data": CONTENT}
    break_off(plain, second, tmp_path / "last")
    first.answer, second.answer = mirror.no_http, mirror.status(503)
    with pytest.raises(DownloadError, match="breaks off"):
        fetch(data_set, tmp_path / "last")
    assert len(first.log) == 2  # what there is of the other one's is no reason to ask this one again
    assert (tmp_path / "last" / "data.part").read_bytes() == CONTENT[:1000]


NOTES = ["", "{", "[]", "{}", '{"url": 1}', '{"url": "URL", "validator": "\\r\\nX: y", "total": 100000}']
NOTES += [
    '{"url": "URL", "validator": "\\"1\\"", "total": "many"}',
    '{"url": "URL", "validator": "\\"1\\"", "total": 5}',
]


@pytest.mark.parametrize("notes", NOTES)
def test_damaged_notes(notes: str, server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """A part of which nobody knows what it is a part of is not used."""
    break_off(plain, server, tmp_path)
    (tmp_path / "data.part.json").write_text(notes.replace("URL", f"{server.url}data"))
    assert fetch(plain, tmp_path) == ["data"]
    assert ([asked.range for asked in server.log], server.sent) == ([""], [len(CONTENT)])


def test_damaged_part(server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """A part that was spoiled, as by a power failure, is found out by the hash, and costs no failure."""
    break_off(plain, server, tmp_path)
    (tmp_path / "data.part").write_bytes(bytes(1000))
    assert fetch(plain, tmp_path) == ["data"]
    assert server.sent == [len(CONTENT) - 1000, len(CONTENT)]
    assert inside(tmp_path) == {"data": CONTENT}


def test_killed_before_unpacking(server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """What had come whole is not asked for again."""
    break_off(plain, server, tmp_path)
    (tmp_path / "data.part").write_bytes(CONTENT)
    assert fetch(plain, tmp_path) == ["data"]
    assert server.log == []
    assert inside(tmp_path) == {"data": CONTENT}


def test_killed(server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """A process that dies at any moment leaves nothing that is taken for a part of another version."""
    unhashed = replace(plain, files={"file": DataFile("data")}, downloads=(Download("data", "", ("data",)),))
    for at in count():
        folder = tmp_path / f"at {at}"
        server.files["data"], server.version = CONTENT[:2000], {"ETag": '"1"'}
        break_off(unhashed, server, folder)
        server.files["data"], server.version = OTHER[:3000], {"ETag": '"2"'}
        code = in_child(partial(fetch_or_die, unhashed, folder, at))
        fetch(unhashed, folder)
        assert (folder / "data").read_bytes() == OTHER[:3000]
        if code == 0:
            assert at > 10
            break
        assert code == DEAD


def fetch_or_die(data_set: DataSet, folder: Path, at: int) -> None:
    with Faults(at, die).injected():
        fetch(data_set, folder)


def test_interrupted(server: Mirror, plain: DataSet, tmp_path: Path) -> None:
    """Ctrl-C leaves the part, which the next call goes on from."""

    def interrupt(_name: str, done: int, _total: int | None) -> None:
        if done >= 1000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(plain, tmp_path, interrupt)
    assert sorted(inside(tmp_path)) == ["data.part", "data.part.json"]
    done = (tmp_path / "data.part").stat().st_size
    server.log.clear()
    assert fetch(plain, tmp_path) == ["data"]
    assert [asked.range for asked in server.log] == [f"bytes={done}-"]
