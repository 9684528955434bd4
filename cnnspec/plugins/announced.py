"""What installed packages announce in the entry point group ``cnnspec.layers``.

`importlib.metadata` tells the same, but to import it and to look through all packages takes longer than
to read a spec. So the files are read here, by their specification:
https://packaging.python.org/en/latest/specifications/entry-points/.
"""

import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

GROUP = "cnnspec.layers"
"""The group of entry points that name modules with layers."""

_FOLDER = re.compile(r"(?P<name>[^-]+)(?:-(?P<version>[^-]+)(?:-py[0-9.]+)?)?\.(?:dist|egg)-info")


class Announcement(NamedTuple):
    """A package with its version, and what it names in the group, which should be a module."""

    package: str
    value: str


@cache
def announcements() -> tuple[Announcement, ...]:
    """Return what the packages announce that are installed on Python's path, by package.

    Where a package is there twice, the first on the path counts, as it does for imports. The working
    folder is left out: what lies beside a spec is not installed.
    """
    found: dict[str, list[Announcement]] = {}
    for folder in sys.path:
        if not _is_working_folder(folder):
            for name, entries in _packages(folder):
                found.setdefault(name, entries)
    return tuple(sorted(one for entries in found.values() for one in entries))


def _is_working_folder(folder: str) -> bool:
    try:
        return not folder or Path(folder).samefile(Path())
    except OSError:  # one of them is not there
        return False


def _packages(folder: str) -> Iterator[tuple[str, list[Announcement]]]:
    """Yield the name of each package in a folder of Python's path that has entry points, with ours."""
    try:
        names = os.listdir(folder)  # noqa: PTH208  # some hundred names, of which few become paths
    except OSError:  # no folder, as an archive
        return
    for name in names:
        match = _FOLDER.fullmatch(name)
        if not match:
            continue
        try:
            text = Path(folder, name, "entry_points.txt").read_text("utf-8", "replace")
        except OSError:  # most have none
            continue
        package = re.sub(r"[-_.]+", "-", match["name"]).lower()
        called = " ".join(filter(None, (package, match["version"])))
        yield package, [Announcement(called, value) for value in _values(text)]


def _values(text: str) -> Iterator[str]:
    """Yield what a file of entry points names in our group."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif group == GROUP and "=" in line and not line.startswith(("#", ";")):
            yield line.partition("=")[2].strip()
