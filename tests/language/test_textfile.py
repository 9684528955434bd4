"""A file that is no text of a spec is refused, with its name."""

from pathlib import Path
from typing import Any

import pytest

from cnnspec.errors import SpecError
from cnnspec.language import textfile


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


FILES = {
    "missing": (lambda path: path, "there is no such file"),
    "a folder": (lambda path: path.mkdir() or path, "this is a folder; a spec is one file"),
    "empty": (lambda path: write(path, b""), "the file is empty"),
    "blank": (lambda path: write(path, b" \n\n"), "the file is empty"),
    "too large": (lambda path: write(path, b"#" * (1 << 20) + b"\n"), "larger than 1 MiB"),
    "latin-1": (lambda path: write(path, b"a: 1\nb: caf\xe9\n"), ":2:7: byte 0xe9 is not UTF-8 text"),
    "UTF-16": (lambda path: write(path, "a: 1".encode("utf-16")), ":1:1: byte 0xff is not UTF-8 text"),
    "a picture": (lambda path: write(path, b"\x89PNG\r\n\x1a\n\0\0"), ":1:1: byte 0x89 is not UTF-8"),
    "control character": (lambda path: write(path, b"a: 1\nb: \x1b[31m\n"), ":2:4: control character U+001B"),
    "zero byte": (lambda path: write(path, b"a: \0"), ":1:4: control character U+0000"),
}


@pytest.mark.parametrize("case", FILES.values(), ids=FILES)
def test_files(case: Any, tmp_path: Path) -> None:
    """A file that is no text of a spec is an error that names it."""
    make, message = case
    path = make(tmp_path / "net.yaml")
    with pytest.raises(SpecError) as caught:
        textfile.read_text(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_missing_suffix(tmp_path: Path) -> None:
    """A name without its suffix is completed in the message."""
    (tmp_path / "net.yaml").touch()
    with pytest.raises(SpecError, match=r"Did you mean '.*net.yaml'\?"):
        textfile.read_text(tmp_path / "net")


def test_byte_order_mark(tmp_path: Path) -> None:
    """A byte order mark, as some editors write it, is no part of the text."""
    assert textfile.read_text(write(tmp_path / "net.yaml", b"\xef\xbb\xbfa: 1")) == "a: 1"
