"""Where many pictures lie on disk, kept in few bytes each: a million files must fit into any memory.

Everything is in numpy arrays. A list of texts would take three times as much, and each worker of
a DataLoader would copy it, since reading a Python object writes its reference count.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Names:
    """Many texts, one after the other in one array of bytes; file names may be no valid Unicode."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("q", [0])

    def append(self, text: str) -> None:
        """Add one."""
        self._text += text.encode("utf-8", "surrogateescape")
        self._ends.append(len(self._text))

    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return all bytes, and where each text ends in them."""
        return np.frombuffer(bytes(self._text), np.uint8), np.array(self._ends[1:], np.int64)

    def take(self, text: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        """Add what `arrays` returned."""
        begin = len(self._text)
        self._text += text.tobytes()
        self._ends.extend((begin + ends).tolist())

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        return self._text[self._ends[index] : self._ends[index + 1]].decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))


class Entry(NamedTuple):
    """A picture's place: a file, or `size` bytes of it from `offset` on. Its name is below the root."""

    path: Path
    name: str
    offset: int = 0
    size: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """In which of the tar files each picture is, from which byte on, and how many bytes it has."""

    tars: tuple[str, ...]
    tar: NDArray[np.int32]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Pictures below a folder: files that `names` names, or `members` of tar files with these names."""

    root: Path
    names: Names
    members: Members | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, row: int) -> Entry:
        name = self.names[row]
        if self.members is None:
            return Entry(self.root / name, name)
        at = self.members
        tar = at.tars[at.tar[row]]
        return Entry(self.root / tar, f"{tar}: {name}", int(at.offsets[row]), int(at.sizes[row]))
