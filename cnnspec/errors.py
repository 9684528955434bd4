"""What a user sees when something is wrong: where it is, what it is, why, and how to mend it.

Every message has one form, ``file:line:column: what; why. Fix.``, followed by the
line with a caret under the place. A rule deep inside raises `RuleError`, which knows
no place; whoever called it knows the place and makes a `Problem` of it.
"""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SHOWN_LINE = 100
"""Columns of a source line that a message shows at most."""

MAX_USES = 8
"""Blocks that a message shows at most on the way to its place."""

MAX_MESSAGE = 600
"""Characters of a message at most: a name in the file can be of any length."""

MAX_WORDS = 40
"""Words that a message lists at most."""

MAX_PROBLEMS = 100
"""Problems that an error lists at most; who sees more reads none."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file; line and column count from 1, and line 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0
    text: str = ""

    def __str__(self) -> str:
        file = one_line(self.file)
        return f"{file}:{self.line}:{self.column}" if self.line else file

    def caret(self, width: int = SHOWN_LINE) -> str:
        """Return the line and, below it, a caret under the column; empty where there is no line.

        Of a line longer than `width` columns, the part around the column is shown.
        """
        if not self.line or not self.text.strip():
            return ""
        first = max(0, self.column - 1 - width * 3 // 4)
        line = printable(self.text[first : first + width].replace("\t", " "))
        before = "".join("  " if _is_wide(c) else " " for c in line[: self.column - 1 - first])
        return f"    {line.rstrip()}\n    {before}^"


@dataclass(frozen=True, slots=True)
class Use:
    """A block with the values of its arguments, and the place that uses it."""

    block: str
    arguments: Mapping[str, Any] = field(hash=False)
    place: Place

    def __str__(self) -> str:
        values = ", ".join(f"{name} {shown(value)}" for name, value in self.arguments.items())
        return printable(f"in block {self.block}{' with ' if values else ''}{values}, used at {self.place}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong (or, as a warning, doubtful), in the words a user reads.

    `uses` are the blocks that led to its place, from the network's own list inwards.
    """

    what: str
    why: str = ""
    fix: str = ""
    place: Place | None = None
    severity: Literal["error", "warning"] = "error"
    uses: tuple[Use, ...] = ()

    @property
    def message(self) -> str:
        """The sentence without its place: ``what; why. Fix.``."""
        reason = f"{self.what}; {self.why}" if self.why else self.what
        text = f"{_full_stop(reason)} {_full_stop(self.fix)}" if self.fix else _full_stop(reason)
        return printable(text if len(text) <= MAX_MESSAGE else f"{text[:MAX_MESSAGE]}…")

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        level = "warning: " if self.severity == "warning" else ""
        caret = self.place.caret() if self.place else ""
        lines = [f"{where}{level}{self.message}", *([caret] if caret else []), *self.trail]
        return "\n".join(lines)

    @property
    def trail(self) -> list[str]:
        """How the place was reached, a line for each block, the innermost first."""
        return [f"    {use}" for use in reversed(self.uses[-MAX_USES:])]

    def as_json(self) -> dict[str, Any]:
        """Return the problem as plain values, for programs."""
        place = self.place or Place("")
        where = {"file": place.file, "line": place.line, "column": place.column}
        told = {"severity": self.severity, "what": self.what, "why": self.why, "fix": self.fix}
        uses = [
            {"block": u.block, "arguments": dict(u.arguments), "line": u.place.line, "column": u.place.column}
            for u in self.uses
        ]
        return where | told | ({"uses": uses} if uses else {})


class CnnspecError(Exception):
    """Base of all errors that a user can mend; `problems` lists them in the file's order."""

    def __init__(self, *problems: Problem) -> None:
        found = sorted(problems, key=lambda p: p.place or Place(""))
        if len(found) > MAX_PROBLEMS:
            where = Place(found[0].place.file) if found[0].place else None
            what = f"there are more than {MAX_PROBLEMS} problems; these are the first"
            found = [Problem(what, place=where), *found[:MAX_PROBLEMS]]
        self.problems = tuple(found)
        super().__init__("\n".join(str(p) for p in self.problems))


class SpecError(CnnspecError):
    """A spec that is not valid, or that does not fit the data it is to learn from."""


class DataError(CnnspecError):
    """Data that is missing, damaged, or of another kind than it should be."""


class CheckpointError(CnnspecError):
    """A run folder or checkpoint that cannot be read or written."""


class PluginError(CnnspecError):
    """A module with layers that cannot be loaded."""


class RuleError(Exception):
    """A rule that values break, with no place yet; `field` names the field to point at.

    ``{layer}`` in the texts stands for the layer's name, which the rule doesn't know.
    `column` counts from the beginning of an expression.
    """

    def __init__(
        self, what: str, why: str = "", fix: str = "", field: str | None = None, column: int = 0
    ) -> None:
        super().__init__(what)
        self.what, self.why, self.fix, self.field, self.column = what, why, fix, field, column

    def at(self, place: Place, layer: str) -> Problem:
        """Return the problem, now that its place and its layer's name are known."""
        what, why, fix = (text.replace("{layer}", layer) for text in (self.what, self.why, self.fix))
        return Problem(what, why, fix, place)


def nearest(word: str, words: Iterable[str], synonyms: dict[str, str] | None = None) -> str:
    """Return the word that was surely meant by `word`, or an empty text."""
    known = list(words)
    folded = {_fold(w): w for w in reversed(known)}
    for synonym, meaning in (synonyms or {}).items():
        if _fold(synonym) == _fold(word) and meaning in known:
            return meaning
    near = difflib.get_close_matches(_fold(word)[:64], folded, n=1, cutoff=0.62)
    return folded[near[0]] if near else ""


def did_you_mean(word: str, words: Iterable[str], synonyms: dict[str, str] | None = None) -> str:
    """Return ``Did you mean 'x'?`` for the word nearest to `word`, or an empty text."""
    near = nearest(word, words, synonyms)
    return f"Did you mean '{near}'?" if near else ""


def one_of(words: Iterable[str]) -> str:
    """Return the words as a list in a sentence: ``a, b or c``; of very many, the first."""
    *most, last = words
    if len(most) >= MAX_WORDS:
        return f"{', '.join(most[:MAX_WORDS])} …"
    return f"{', '.join(most)} or {last}" if most else last


def shown(value: Any, limit: int = 60) -> str:
    """Return a value as a message shows it: like YAML, on one line, never long."""
    if value is None:
        text = "nothing"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str):
        text = f"'{value[:limit]}'"
    elif isinstance(value, dict):
        text = "a mapping"
    elif isinstance(value, (list, tuple)):
        text = "[" + ", ".join(shown(v, limit // 2) for v in value[:9]) + (", …]" if len(value) > 9 else "]")
    else:
        text = str(value)
    text = one_line(text)
    return text if len(text) <= limit + 2 else text[:limit] + "…"


def printable(text: str) -> str:
    """Return the text without control and invisible characters, which could steer a terminal."""
    return "".join(c if c == "\n" or is_visible(c) else "\N{REPLACEMENT CHARACTER}" for c in text)


def is_visible(character: str) -> bool:
    """Tell whether a character is neither a control character nor an invisible one."""
    return unicodedata.category(character)[0] != "C"


def one_line(text: str) -> str:
    """Return the text as `printable` does, with line breaks written out."""
    return printable(text.replace("\n", "\\n"))


def _full_stop(text: str) -> str:
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


def _fold(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
