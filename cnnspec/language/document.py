"""A file's values with their places: whoever finds something wrong can point at it."""

from dataclasses import dataclass, field
from typing import Any

from cnnspec.errors import Place

KeyPath = tuple[str | int, ...]
"""The way to a value: the keys and indices from the top of the file."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the text, counted from 1; `quoted` tells text in quotes from a bare word."""

    line: int
    column: int
    quoted: bool = False


@dataclass(slots=True)
class Document:
    """A file's values, with the places of every key and value by its path.

    `refused` holds the paths that a problem of form is noted for already: their values stand
    for nothing, and whatever else is wrong with them follows from that.
    """

    file: str
    lines: list[str]
    value: Any = None
    keys: dict[KeyPath, Mark] = field(default_factory=dict)
    values: dict[KeyPath, Mark] = field(default_factory=dict)
    refused: set[KeyPath] = field(default_factory=set)

    def mark(self, path: KeyPath) -> Mark | None:
        """Return where the value at the path begins."""
        return self.values.get(path)

    def holds_refused(self, path: KeyPath) -> bool:
        """Tell whether the value at the path, or one in it, is refused already."""
        return any(refused[: len(path)] == path for refused in self.refused)

    def place(self, path: KeyPath) -> Place:
        """Return the place of the key at the path, else of its value, else of what holds it."""
        for end in range(len(path), -1, -1):
            mark = self.keys.get(path[:end]) or self.values.get(path[:end])
            if mark:
                return self.at(mark.line, mark.column)
        return Place(self.file)

    def value_place(self, path: KeyPath) -> Place:
        """Return the place of the value at the path, else the nearest place there is."""
        mark = self.mark(path)
        return self.at(mark.line, mark.column) if mark else self.place(path)

    def text_place(self, path: KeyPath, text: str, column: int) -> Place:
        """Return the place of a column, counted from 0, of the text at the path, its spaces made single.

        The file may break the text into lines, so the signs before the column are counted.
        """
        mark = self.mark(path)
        signs = len("".join(" ".join(text.split())[:column].split()))
        if mark is None:
            return self.value_place(path)
        line, at = mark.line, mark.column - 1 + mark.quoted
        if self.lines[line - 1][at : at + 1] in ("|", ">"):
            line, at = line + 1, 0
        for number in range(line, len(self.lines) + 1):
            for index, sign in enumerate(self.lines[number - 1]):
                if sign.isspace() or (number == line and index < at):
                    continue
                if not signs:
                    return self.at(number, index + 1)
                signs -= 1
        return self.value_place(path)

    def is_quoted(self, path: KeyPath) -> bool:
        """Tell whether the value at the path is text in quotes."""
        mark = self.mark(path)
        return mark is not None and mark.quoted

    def at(self, line: int, column: int) -> Place:
        """Return the place with the text of its line."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Place(self.file, line, column, text)


class Alone(Document):
    """A value that stands for a layer's main field: ``120`` in ``fc: 120`` is the units."""

    def __init__(self, document: Document, path: KeyPath, name: str) -> None:
        super().__init__(document.file, document.lines)
        self.document, self.path, self.name = document, path, name

    def _real(self, path: KeyPath) -> KeyPath:
        return (*self.path, *path[1:]) if path[:1] == (self.name,) else self.path

    def mark(self, path: KeyPath) -> Mark | None:
        """Return where the value at the path begins."""
        return self.document.mark(self._real(path))

    def holds_refused(self, path: KeyPath) -> bool:
        """Tell whether the value at the path, or one in it, is refused already."""
        return self.document.holds_refused(self._real(path))

    def place(self, path: KeyPath) -> Place:
        """Return the place of the value at the path, which has no key; without a path, of the layer."""
        return self.document.value_place(self._real(path)) if path else self.document.place(self.path)
