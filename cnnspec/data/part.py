"""What has come of a file that is being downloaded, and of which version of which server's file it is."""

import hashlib
import io
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from http.client import HTTPMessage
from pathlib import Path

from cnnspec.data.whole import writing

MAX_DIGITS = 19
"""Digits of a number of bytes that nobody can have."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a server's file, by the ETag or the date that the server gives it.

    `validator` is empty where it gives none, so that nobody can say which bytes belong
    together; `total` is None where it does not say how many bytes there are.
    """

    url: str
    validator: str
    total: int | None

    @classmethod
    def of(cls, url: str, headers: HTTPMessage) -> "Version":
        """Return the version that an answer is of."""
        tag, length = headers.get("ETag", ""), headers.get("Content-Length", "")
        # A weak tag promises files that mean the same, not the same bytes.
        validator = tag if tag.startswith('"') else headers.get("Last-Modified", "")
        return cls(
            url, validator if _is_sendable(validator) else "", int(length) if length.isdecimal() else None
        )

    def may_be(self, headers: HTTPMessage) -> bool:
        """Tell whether an answer can be of this version, too."""
        field = "ETag" if self.validator.startswith('"') else "Last-Modified"
        return bool(headers.get(field, self.validator) == self.validator)


class Part:
    """A file's beginning, which the next request, or the next call, goes on from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._notes = path.with_name(f"{path.name}.json")

    @property
    def version(self) -> Version | None:
        """The version that there is a part of; None where nothing can go on from here."""
        try:
            notes = json.loads(self._notes.read_bytes())
            version = Version(str(notes["url"]), str(notes["validator"]), notes["total"])
            size = self.path.stat().st_size
        except (OSError, ValueError, LookupError, TypeError):
            return None
        if type(version.total) not in (int, type(None)) or not _is_sendable(version.validator):
            return None
        is_sound = version.validator and 0 < size <= (size if version.total is None else version.total)
        return version if is_sound else None

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size

    @property
    def md5(self) -> str:
        """The MD5 of what is there."""
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

    def begin(self, version: Version) -> io.FileIO:
        """Return the file to write to, empty, having noted what it will be. Raises DataError."""
        with writing(self.path):
            stream = self.path.open("wb", buffering=0)  # empty: no earlier notes speak of it any more
        try:
            with writing(self._notes):
                self._notes.write_bytes(json.dumps(asdict(version)).encode())
        except BaseException:
            stream.close()
            raise
        return stream

    def resume(self) -> io.FileIO:
        """Return the file to add to. Raises DataError."""
        with writing(self.path):
            return self.path.open("ab", buffering=0)

    def discard(self) -> None:
        """Forget what is there."""
        for path in (self._notes, self.path):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _is_sendable(text: str) -> bool:
    return text.isascii() and text.isprintable()
