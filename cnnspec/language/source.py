"""YAML text to plain values that know their line and column, under limits that hostile text cannot pass.

PyYAML delivers events (tokens of structure) and nothing else: no object is ever made by it, no
anchor is expanded, no type is guessed by YAML 1.1's rules. What a plain scalar means is decided
here by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema).
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from cnnspec.errors import MAX_PROBLEMS, Place, Problem, shown
from cnnspec.language.document import Document, KeyPath, Mark
from cnnspec.language.yaml_slips import MAX_DEPTH, TOO_DEEP, syntax_problem

MAX_DIGITS = 18
MAX_ENTRIES = 100_000

_EVENT_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NUMBER_LIKE = re.compile(f"{_INT.pattern}|{_FLOAT.pattern}")
"""What reads as a number where it stands bare."""

_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def parse(text: str, file: str) -> tuple[Document, list[Problem]]:
    """Return the values of a YAML text with their places, and all that is wrong with its form."""
    document = Document(file, text.splitlines())
    problems = _tab(document)
    if problems:
        return document, problems
    reader = _Reader(document, problems)
    try:
        reader.read(text)
    except yaml.MarkedYAMLError as error:
        problems.append(syntax_problem(error, document.file, document.lines))
    except _StopReading:
        pass
    except (yaml.YAMLError, ValueError) as error:
        problems.append(Problem("this is not valid YAML", str(error).splitlines()[0], "", Place(file)))
    return document, problems


class _StopReading(Exception):  # noqa: N818  # not an error: the problem is noted already
    """Nothing after this place can be read."""


class _Reader:
    """Builds plain values from PyYAML's events."""

    def __init__(self, document: Document, problems: list[Problem]) -> None:
        self.document = document
        self.problems = problems
        self.events: Iterator[Any] = iter(())

    def read(self, text: str) -> None:
        self.events = yaml.parse(text, Loader=_EVENT_LOADER)
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.document.value = self.value(next(self.events), ())
            elif isinstance(event, yaml.DocumentEndEvent):
                self.end(next(self.events))

    def end(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            fix = "Remove the line `---` and what follows it"
            self.note(event, "a second document starts here", "a spec is one document", fix)
            raise _StopReading

    def note(self, event: Any, what: str, why: str = "", fix: str = "") -> None:
        if len(self.problems) > MAX_PROBLEMS:
            raise _StopReading
        mark = event.start_mark
        place = self.document.at(mark.line + 1, mark.column + 1)
        self.problems.append(Problem(what, why, fix, place))

    def value(self, event: Any, path: KeyPath) -> Any:
        mark = event.start_mark
        quoted = isinstance(event, yaml.ScalarEvent) and event.style in ("'", '"')
        self.document.values[path] = Mark(mark.line + 1, mark.column + 1, quoted)
        if len(path) > MAX_DEPTH:
            self.note(event, *TOO_DEEP)
            raise _StopReading
        if isinstance(event, yaml.AliasEvent):
            self.note(event, f"alias '*{event.anchor}'", "a spec has no aliases", "Write the value out")
            self.document.refused.add(path)
            return None
        if event.anchor is not None:
            self.note(event, f"anchor '&{event.anchor}'", "a spec has no anchors", "Remove it")
        if getattr(event, "tag", None) is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.note(event, f"tag {shown(tag)}", "a spec has no tags", "Remove it")
            self.document.refused.add(path)
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(path)
        return event.value if quoted or event.style in ("|", ">") else self.plain(event, path)

    def sequence(self, path: KeyPath) -> list[Any]:
        values: list[Any] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            if len(values) == MAX_ENTRIES:
                what, why = f"this list has more than {MAX_ENTRIES:,} entries", "that is the limit"
                self.note(event, what, why, "Write a shorter one, or use `repeat`")
                raise _StopReading
            values.append(self.value(event, (*path, len(values))))
        return values

    def mapping(self, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            again = isinstance(event, yaml.ScalarEvent) and event.value in values
            key = self.key(event, path)
            # What a second value of the key holds is nothing that stands twice as well.
            where = (*path, f"{key} {event.start_mark.index}") if again else (*path, key)
            value = self.value(next(self.events), where)
            if not again:
                values[key] = value
        return values

    def key(self, event: Any, path: KeyPath) -> str:
        """Return the key, having noted what is wrong with it."""
        if not isinstance(event, yaml.ScalarEvent):
            self.note(event, "this key is not a word", "keys are words in a spec")
            self.value(event, (*path, "?"))
            self.document.refused.add((*path, "?"))
            return "?"
        key: str = event.value
        if event.anchor is not None or event.tag is not None:
            self.note(event, "an anchor or tag before a key", "a spec has neither", "Remove it")
        if key == "<<":
            self.note(event, "merge key '<<'", "a spec has no merge keys", "Write the fields out")
            self.document.refused.add((*path, key))
        elif (*path, key) in self.document.keys:
            first = self.document.keys[(*path, key)].line
            self.note(event, f"{shown(key)} stands twice; first in line {first}", "", "Remove one of them")
        else:
            mark: Any = event.start_mark
            self.document.keys[(*path, key)] = Mark(mark.line + 1, mark.column + 1)
        return key

    def plain(self, event: Any, path: KeyPath) -> Any:
        """Return what a bare scalar means in YAML 1.2's core schema; None for a number that cannot be."""
        text: str = event.value
        if _NULL.fullmatch(text):
            return None
        if _BOOL.fullmatch(text):
            return text.lower() == "true"
        if _INT.fullmatch(text):
            return self.integer(event, text, path)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if abs(number) != float("inf"):
                return number
            self.note(event, f"{_cut(text)} is too large for a number", "", "Write a smaller one")
        elif _NOT_FINITE.fullmatch(text):
            self.note(event, f"{text} is not a finite number", "no field can take it", "Write a number")
        else:
            return text
        self.document.refused.add(path)
        return None

    def integer(self, event: Any, text: str, path: KeyPath) -> int | None:
        digits = text.lstrip("+-")
        if len(digits) > MAX_DIGITS:
            self.note(event, f"{_cut(text)} is too large", f"numbers have at most {MAX_DIGITS} digits")
            self.document.refused.add(path)
            return None
        if digits.startswith(("0o", "0x")):
            return int(digits, 0)
        if len(digits) > 1 and digits.startswith("0"):
            why = f"YAML 1.1 reads it in base 8, YAML 1.2 as {int(digits)}"
            self.note(
                event,
                f"{text} can be read in two ways",
                why,
                f"Write {int(text)}, or quote it to make it text",
            )
        return int(text)


def _tab(document: Document) -> list[Problem]:
    """Return the problem of the first tab in an indentation, if there is any."""
    for number, line in enumerate(document.lines, start=1):
        indentation = line[: len(line) - len(line.lstrip())]
        if "\t" in indentation and line.strip():
            place = document.at(number, indentation.index("\t") + 1)
            return [Problem("a tab in the indentation", "YAML is indented with spaces", "Use spaces", place)]
    return []


def _cut(number: str) -> str:
    return number if len(number) <= 24 else f"{number[:24]}…"
