"""Members of a tar file and where their bytes lie, read from its headers alone.

The module tarfile takes three times as long, and takes a file that breaks off between two members for
whole. The format: POSIX.1-2017, pax, "ustar Interchange Format"; GNU's long names as in its manual.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from cnnspec.data.heads import beginning

BLOCK = 512
WINDOW = 8 * BLOCK
"""Bytes that are read at a time: a page, which mostly holds the headers of a sample."""

LONGEST = 1 << 16
"""Bytes that a header with a long name, or with pax records, may have."""

_ZEROS = bytes(BLOCK)
_GZIP = b"\x1f\x8b"

# Kinds of members, by a letter: some hold a name or records for the next one.
_FILE, _SPARSE, _WITHOUT_DATA = b"0\x007", b"S", b"123456"
_LONG_NAME, _PAX, _ABOUT_THE_NEXT = b"L", b"xX", b"LKxXg"


class TarError(Exception):
    """A tar file is damaged or of a kind that is not read; the text says why."""


class Member(NamedTuple):
    """A file in a tar: its name, where its bytes begin, and how many there are."""

    name: str
    offset: int
    size: int


class Tar:
    """A tar file to go through once, header by header."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb", buffering=0)
        self.size = self._stream.seek(0, 2)
        self._start, self._window = 0, b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the file, fewer where it ends."""
        at = offset - self._start
        if at < 0 or at + size > len(self._window):
            self._stream.seek(offset)
            self._start, self._window, at = offset, self._stream.read(max(size, WINDOW)), 0
        return self._window[at : at + size]

    def __iter__(self) -> Iterator[Member]:
        """Yield the files in it; raises TarError."""
        offset, name, records = 0, "", dict[str, str]()
        while (header := self._header(offset)) != _ZEROS:
            kind, begin = header[156:157], offset + BLOCK
            size = self._size(header, offset, records)
            if kind == _LONG_NAME:
                name = _text(self.read(begin, size).rstrip(b"\0"))
            elif kind in _PAX:
                records = _records(self.read(begin, size), offset)
            elif kind not in _ABOUT_THE_NEXT:
                own = records.get("path") or name or _name(header)
                if kind in _FILE and not own.endswith("/"):
                    yield Member(own, begin, size)
                name, records = "", {}
            offset = begin + -(-size // BLOCK) * BLOCK

    def _size(self, header: bytes, offset: int, records: dict[str, str]) -> int:
        """Return the bytes after a header, which `records` before it may tell."""
        kind, size = header[156:157], _number(header[124:136])
        if kind not in _ABOUT_THE_NEXT:
            if kind == _SPARSE or any(key.startswith("GNU.sparse") for key in records):
                raise TarError(f"its member at byte {offset:,} is stored with gaps, as a sparse file")
            size = 0 if kind in _WITHOUT_DATA else _decimal(records.get("size")) or size
        if size is None:
            raise TarError(f"its header at byte {offset:,} is damaged")
        end = offset + BLOCK + size
        if end > self.size:
            what = f"its member at byte {offset:,} ends at byte {end:,}"
            raise TarError(f"{what}, and the file at byte {self.size:,}: it is not whole")
        if kind in _ABOUT_THE_NEXT and size > LONGEST:
            raise TarError(f"its header at byte {offset:,} has {size:,} bytes of names")
        return size

    def _header(self, offset: int) -> bytes:
        header = self.read(offset, BLOCK)
        if not self.size:
            raise TarError("it is empty (0 bytes)")
        if header[:2] == _GZIP and not offset:
            raise TarError("it is packed with gzip, and must be unpacked for its members to be found")
        if header == _ZEROS or _is_sound(header):
            return header
        if not offset:
            raise TarError(f"it begins with {beginning(header)} and not with the header of a tar file")
        if len(header) == BLOCK:
            raise TarError(f"there is no header of a member at byte {offset:,}")
        what = f"it ends at byte {self.size:,} without the zeros that close a tar file"
        raise TarError(f"{what}: it is not whole")


def _is_sound(header: bytes) -> bool:
    """Tell whether a header's checksum is right: the sum of its bytes (signed ones in a few old programs)."""
    told, counted = _number(header[148:156]), header[:148] + b" " * 8 + header[156:]
    return told == sum(counted) or told == sum(byte - 256 * (byte > 127) for byte in counted)


def _number(field: bytes) -> int | None:
    """Return the value of a field: octal digits or, as GNU's tar writes large ones, bytes after 0x80."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:])
    text = field.partition(b"\0")[0].strip() or b"0"
    return int(text, 8) if text.isdigit() and not (b"8" in text or b"9" in text) else None


def _decimal(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 20 else None


def _name(header: bytes) -> str:
    name = _text(header[:100].split(b"\0")[0])
    prefix = _text(header[345:500].split(b"\0")[0]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _records(data: bytes, offset: int) -> dict[str, str]:
    """Return pax records, each `LENGTH KEY=VALUE` and a line break, LENGTH counting all of it."""
    records = {}
    while data.rstrip(b"\0"):
        length = _decimal(data.partition(b" ")[0][:20].decode("latin-1")) or 0
        record, data = data[:length], data[length:]
        key, equals, value = record.partition(b" ")[2].partition(b"=")
        if not (equals and record.endswith(b"\n")):
            raise TarError(f"its header at byte {offset:,} is damaged")
        records[_text(key)] = _text(value[:-1])
    return records


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
