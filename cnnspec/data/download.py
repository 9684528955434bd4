"""Downloading a data set's files: with progress, a bounded wait, and nothing half-written."""

import gzip
import hashlib
import http.client
import os
import tempfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path

from cnnspec import __version__
from cnnspec.catalog import DataFile, DataSet
from cnnspec.data import idx
from cnnspec.errors import DataError, Place, Problem

SILENCE = 10.0
"""Seconds that a server may be silent before the next one is tried."""

PATIENCE = 300.0
"""Seconds that all files together may take."""

MAX_BYTES = 1 << 28
CHUNK = 1 << 16

Progress = Callable[[str, int, int | None], None]
"""Is told a file's name, the bytes so far, and the bytes in all if the server says."""


class DownloadError(Exception):
    """The files cannot be had; the text says why, mirror by mirror."""


def fetch(data_set: DataSet, folder: Path, progress: Progress | None = None) -> None:
    """Download the files that `folder` lacks.

    Raises DownloadError where no mirror gives them in time, and DataError where they
    cannot be written.
    """
    deadline = time.monotonic() + PATIENCE
    for file in data_set.files.values():
        if not (folder / file.name).exists():
            data = _from_mirrors(data_set, file, deadline, progress)
            _write(folder / file.name, data)


def _from_mirrors(data_set: DataSet, file: DataFile, deadline: float, progress: Progress | None) -> bytes:
    """Return a file's bytes, unpacked and checked, from the first mirror that has it."""
    reasons = []
    for mirror in data_set.mirrors:
        url = f"{mirror}{file.name}.gz"
        try:
            packed = _get(url, deadline, progress)
            if file.gz_md5 and hashlib.md5(packed, usedforsecurity=False).hexdigest() != file.gz_md5:
                reasons.append(f"{url} is not the file expected")
                continue
            data = gzip.decompress(packed)
            idx.parse(data, file, Path(file.name))
        except urllib.error.HTTPError as error:
            reasons.append(f"{url} answers {error.code}")
        except (EOFError, zlib.error, gzip.BadGzipFile, DataError):
            reasons.append(f"{url} is not the file expected")
        except (OSError, http.client.HTTPException) as error:
            reasons.append(f"{url}: {_reason(error)}")
        else:
            return data
    raise DownloadError("; ".join(reasons))


def _reason(error: BaseException) -> str:
    """Return why a server could not be asked, in a few words."""
    inner = getattr(error, "reason", error)
    return str(getattr(inner, "strerror", None) or inner or "no answer")


def _get(url: str, deadline: float, progress: Progress | None) -> bytes:
    """Return what a server answers; raises OSError, HTTPException."""
    name = url.rpartition("/")[2]
    request = urllib.request.Request(url, headers={"User-Agent": f"cnnspec/{__version__}"})  # noqa: S310  # http(s) only: from the catalog
    with urllib.request.urlopen(request, timeout=SILENCE) as answer:  # noqa: S310  # as above
        length = answer.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        data = bytearray()
        while chunk := answer.read(CHUNK):
            data += chunk
            if progress:
                progress(name, len(data), total)
            if len(data) > MAX_BYTES:
                raise OSError("the answer does not end")
            if time.monotonic() > deadline:
                raise OSError(f"not done in {PATIENCE:.0f} seconds")
    if total is not None and len(data) < total:
        raise OSError(f"the connection broke off after {len(data):,} of {total:,} bytes")
    return bytes(data)


def _write(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        what, fix = "the file cannot be written", "Make room, or name another folder with --data-root"
        raise DataError(Problem(what, error.strerror or str(error), fix, Place(str(path)))) from None
