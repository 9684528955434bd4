"""Text that is no YAML: the parser's error in plain words, with the slip that surely made it."""

import re

import yaml

from cnnspec.errors import Place, Problem

MAX_DEPTH = 64
TOO_DEEP = (f"this is nested deeper than {MAX_DEPTH} levels", "that is the limit", "Nest less")

_NO_COLON = "no colon may stand here"
_NO_COMMA = "a comma or `}` is missing before this"
_REASONS = {
    "mapping values are not allowed": _NO_COLON,
    "or '}'": _NO_COMMA,
    "or ']'": "a comma or `]` is missing before this",
}
"""What parsers say, of which libyaml and PyYAML word some otherwise, in our words."""

_DASH = re.compile(r" *- ")


def syntax_problem(error: yaml.MarkedYAMLError, file: str, lines: list[str]) -> Problem:
    """Return the problem of a parser's error in a text of these lines."""
    start = error.context_mark
    mark = start if error.problem_mark is None else error.problem_mark
    place = Place(file) if mark is None else _at(mark, file, lines)
    told = error.problem or "it cannot be read"
    if "nesting depth" in told:  # libyaml from 0.2.6 on looks ahead as far as its own limit of 1,000
        return Problem(*TOO_DEEP, place)
    why = next((reason for words, reason in _REASONS.items() if words in told), told)
    if error.context and start and mark and start.line != mark.line:
        after = lines[start.line + 1 : mark.line + 1]
        goes_on = any(_indentation(line) <= _indentation(lines[start.line]) for line in after if line.strip())
        if "missing" in why and (goes_on or mark.line >= len(lines)):
            what, fix = (
                f"this {lines[start.line][start.column]} is never closed",
                "Close it after its last value",
            )
            return Problem(what, "", fix, _at(start, file, lines))
        why += f", {error.context} that starts in line {start.line + 1}"
    before = lines[place.line - 2] if place.line > 1 else ""
    return Problem("this is not valid YAML", why, _fix(why, place, before), place)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _at(mark: yaml.Mark, file: str, lines: list[str]) -> Place:
    text = lines[mark.line] if mark.line < len(lines) else ""
    return Place(file, mark.line + 1, mark.column + 1, text)


def _fix(why: str, place: Place, before: str) -> str:
    """Return what surely mends the slip at a place, or where to look for it; `before` is the line above."""
    if why == _NO_COMMA and place.text[place.column - 1 : place.column] in ("[", "("):
        return "Inside braces, put an expression with brackets in quotes"
    if "missing" in why:
        return "Put commas between the values, and close what is open"
    told = _colon_fix(place.text, before) if why == _NO_COLON else ""
    return told or "Check brackets, quotes, colons and indentation here"


def _colon_fix(line: str, before: str) -> str:
    """Return what mends a line in which a colon makes no sense, after the line before; empty if unknown."""
    word = re.match(r" *- +(\w+) +\{", line)
    if word:
        return f"Put a colon after {word[1]}: `{word[1]}: {{…}}`"
    if re.match(r" *-\w", line):
        return "Put a space after each dash"
    alone = re.match(r" *- +(\w+) *$", before)
    if alone and re.match(r" +\w", line):
        return f"Put a colon and braces after {alone[1]}: `- {alone[1]}: {{}}`"
    if _DASH.match(line) and _DASH.match(before):
        return "Begin the dashes of all layers in the same column"
    return ""
