"""Downloading a data set: from one mirror after the other, going on where it broke off, and checked."""

import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

from filelock import FileLock

from cnnspec import __version__
from cnnspec.catalog import DataFile, DataSet, Download
from cnnspec.data.part import Part, Version
from cnnspec.data.unpack import UnexpectedError, unpack
from cnnspec.data.whole import CHUNK, flaw, write, writing
from cnnspec.errors import DataError, Problem

SILENCE = 10.0
"""Seconds that a server may be silent before the next one is tried."""

SLOWEST, SPAN = 2048, 30.0
"""Bytes a second that a server must send, and the seconds in which that is measured."""

ATTEMPTS = 8
"""How often one server is asked for one file, if it sends a part of it each time."""

MAX_BYTES = 1 << 32
"""Bytes of what is served at most, where the size of its file is not declared."""

SPARE = 1 << 20
"""Bytes by which a packed file may be larger than its content."""

Progress = Callable[[str, int, int | None], None]
"""Is told a file's name, the bytes so far, and the bytes in all if the server says."""


class DownloadError(DataError):
    """A file cannot be had from any mirror; `reasons` says why, mirror by mirror."""

    def __init__(self, problem: Problem, reasons: str) -> None:
        super().__init__(problem)
        self.reasons = reasons


class _RefusedError(Exception):
    """A mirror does not give the file; the text says what it does instead."""


class _BrokenError(Exception):
    """An answer ended before the file did."""


class _ChangedError(Exception):
    """The mirror's file is not the one that there is a part of."""


def fetch(data_set: DataSet, folder: Path, progress: Progress | None = None) -> list[str]:
    """Make a data set whole in `folder`, and return the names of the files that had to be downloaded.

    These are the ones that are missing, or not as declared. Raises DownloadError where
    no mirror has one, and DataError where it cannot be written.
    """
    if not lacking(data_set, folder):
        return []
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    fetched = []
    with _alone(folder):
        for download in lacking(data_set, folder):
            files = _files(data_set, download)
            _download(data_set, download, files, folder, progress)
            fetched += [file.name for file in files]
    return fetched


def lacking(data_set: DataSet, folder: Path) -> list[Download]:
    """Return what must be downloaded to have the data set in `folder`. Raises DataError."""
    return [d for d in data_set.downloads if not all(_is_whole(folder, f) for f in _files(data_set, d))]


def _files(data_set: DataSet, download: Download) -> list[DataFile]:
    return [file for file in data_set.files.values() if file.name in download.files]


def _is_whole(folder: Path, file: DataFile) -> bool:
    """Tell whether a file is there and as declared, plain or gzipped as mirrors serve it."""
    paths = [path for path in (folder / file.name, folder / f"{file.name}.gz") if path.is_file()]
    return bool(paths) and not flaw(paths[0], file)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process downloads into the folder: two would spoil each other's parts."""
    path = folder / ".download.lock"
    lock = FileLock(path)
    with writing(path):
        lock.acquire()
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        lock.release()


def _download(
    data_set: DataSet, download: Download, files: list[DataFile], folder: Path, progress: Progress | None
) -> None:
    """Download and unpack files that are served as one, from the first mirror that has them."""
    name = download.name.rpartition("/")[2]
    part = Part(folder / f"{name}.part")
    reasons = []
    try:
        for url in _begun_first(data_set, download, part):
            try:
                _from_mirror(url, part, download.md5, _limit(files), progress)
                unpack(part.path, name, files, folder)
            except _RefusedError as refusal:
                reasons.append(f"{url} {refusal}")
            except UnexpectedError as error:
                part.discard()
                reasons.append(f"{url} is not the file expected: {error}")
            else:
                part.discard()
                return
    finally:
        if part.version is None:  # nothing could go on from it
            part.discard()
    raise _failure(data_set, files, folder, reasons, part)


def _begun_first(data_set: DataSet, download: Download, part: Part) -> list[str]:
    """Return the file's URLs, the one first that there is a part of."""
    begun = part.version.url if part.version else ""
    return sorted((f"{mirror}{download.name}" for mirror in data_set.mirrors), key=lambda url: url != begun)


def _limit(files: Iterable[DataFile]) -> int:
    """Return how many bytes can be served for the files: an archive may hold any number of others."""
    sizes = [file.size for file in files]
    return sizes[0] + sizes[0] // 100 + SPARE if len(sizes) == 1 and sizes[0] else MAX_BYTES


def _failure(
    data_set: DataSet, files: list[DataFile], folder: Path, reasons: list[str], part: Part
) -> DownloadError:
    told = "; ".join(reasons) or "there is no mirror of it"
    names = f"{files[0].name}{' and its other files' if len(data_set.files) > 1 else ''}"
    kept = " (it goes on from what is there)" if part.version else ""
    fix = f"Check the network and try again{kept}, or put {names} into {folder}"
    return DownloadError(Problem(f"{data_set.name} is not on disk and cannot be downloaded", told, fix), told)


def _from_mirror(url: str, part: Part, md5: str, limit: int, progress: Progress | None) -> None:
    """Make the part the whole file, asking again where it breaks off. Raises _RefusedError."""
    reason = ""
    for _ in range(ATTEMPTS):
        begun = part.version is not None and part.version.url == url
        before = part.size if begun else 0
        try:
            _receive(url, part, limit, progress)
        except _ChangedError:
            part.discard()
            reason = "does not send the rest of its file"
        except (_BrokenError, OSError, ValueError, http.client.HTTPException) as error:
            reason = _reason(error)
            if part.version is None or part.version.url != url or part.size <= before:
                break
        else:
            if not md5 or part.md5 == md5:
                return
            part.discard()
            reason = "is not the file expected"
            if not begun:
                break  # else only the part from before may have been at fault, as after a power failure
    raise _RefusedError(reason)


def _receive(url: str, part: Part, limit: int, progress: Progress | None) -> None:
    """Ask once for what is missing of the file; raises one of our three errors, and those of urllib."""
    version = part.version if part.version and part.version.url == url else None
    done = part.size if version else 0
    if version and done == version.total:
        return  # all had come before, but it was not unpacked
    with _ask(url, version, done) as answer:
        if answer.status == HTTPStatus.PARTIAL_CONTENT and version:
            total = _total_of_rest(answer, version, done)
            stream = part.resume()
        elif answer.status == HTTPStatus.OK:
            if answer.headers.get_content_type() == "text/html":
                raise _RefusedError("is a web page, not the file expected")
            version, done = Version.of(url, answer.headers), 0
            total = version.total
            if total is not None and total > limit:
                raise _RefusedError(f"has {total:,} bytes, more than the file expected can have")
            stream = part.begin(version)
        else:
            raise _RefusedError(f"answers {answer.status}")
        with stream:
            pace = _Pace()
            while chunk := answer.read1(CHUNK):
                write(stream, chunk, part.path)
                done += len(chunk)
                if progress:
                    progress(part.path.name.removesuffix(".part"), done, total)
                if done > limit:
                    part.discard()
                    raise _RefusedError("does not end where the file expected does")
                pace.keep(len(chunk))
            with writing(part.path):
                os.fsync(stream.fileno())
    if total is not None and done != total:
        raise _BrokenError(f"breaks off after {done:,} of {total:,} bytes")


def _ask(url: str, version: Version | None, done: int) -> http.client.HTTPResponse:
    """Ask for a file, or for the rest of it if it is still the same version."""
    headers = {"User-Agent": f"cnnspec/{__version__}"}
    if version:
        headers |= {"Range": f"bytes={done}-", "If-Range": version.validator}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  # http(s) only: from the catalog
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=SILENCE)  # noqa: S310  # as above
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and version:
            raise _ChangedError from None
        phrase = http.client.responses.get(error.code, "")
        raise _RefusedError(f"answers {error.code} {phrase}".rstrip()) from None
    return answer


def _total_of_rest(answer: http.client.HTTPResponse, version: Version, done: int) -> int | None:
    """Return the bytes of the file that the answer is the rest of; raises _ChangedError where it is none."""
    found = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", answer.headers.get("Content-Range", ""))
    if not found or int(found[1]) != done or not version.may_be(answer.headers):
        raise _ChangedError
    total = None if found[2] == "*" else int(found[2])
    if version.total is not None and total is not None and total != version.total:
        raise _ChangedError
    return version.total if total is None else total


class _Pace:
    """Sees to it that bytes do not only trickle."""

    def __init__(self) -> None:
        self.since = time.monotonic()
        self.bytes = 0

    def keep(self, count: int) -> None:
        """Count what has come; raises _RefusedError where it is too little."""
        self.bytes += count
        seconds = time.monotonic() - self.since
        if seconds < SPAN:
            return
        if self.bytes < SLOWEST * seconds:
            raise _RefusedError(f"is slower than {SLOWEST:,} bytes a second")
        self.since += seconds
        self.bytes = 0


def _reason(error: BaseException) -> str:
    """Return what a mirror did instead of sending the file, in a few words."""
    if isinstance(error, _BrokenError):
        return str(error)
    inner = getattr(error, "reason", error)
    if isinstance(inner, TimeoutError):
        return f"is silent for {SILENCE:g} seconds"
    if isinstance(inner, http.client.IncompleteRead):
        return "breaks off"
    text = str(getattr(inner, "strerror", None) or inner or type(inner).__name__)
    return f"{'cannot be reached' if isinstance(error, urllib.error.URLError) else 'breaks off'}: {text}"
