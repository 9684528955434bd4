"""The explanation of a network for a terminal of any width."""

import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from cnnspec.views.explain.formulas import Explanation, heading, legend
from cnnspec.views.window.album import album, arts
from cnnspec.views.window.art import BOXES, Art, Charset, signs

LABEL = 18
"""Columns of what a formula is of: ``effective stride: ``."""
INDENT = "  "

NARROWEST = 24
"""Columns below which lines are not broken any further."""

MOST_PICTURES = 6
"""Pictures that are drawn unasked; with more, the formulas would be lost among them."""


class Line(NamedTuple):
    """A line of text, and how it is shown: ``bold``, ``dim`` or as all others."""

    text: str = ""
    style: str = ""


def as_text(
    explanations: Collection[Explanation],
    width: int,
    charset: Charset = BOXES,
    *,
    pictures: bool | None = None,
) -> Iterator[Line]:
    """Yield the explanations as lines of at most `width` columns, as far as words are not longer.

    Without a word on `pictures`, they are drawn where there are few; those for which there is no
    room are left out.
    """
    entries = album(one.step for one in explanations)
    count = sum(1 for entry in entries.values() if entry.picture)
    left_out = pictures is None and count > MOST_PICTURES
    drawn = {} if left_out or pictures is False else arts(entries, width - len(INDENT), charset)
    legends = legend(explanations), signs(drawn.values(), charset)
    for meanings in legends:
        yield from _legend(meanings, width)
    for number, explanation in enumerate(explanations):
        if number or any(legends):
            yield Line()
        path = explanation.step.path
        yield from _explained(explanation, width)
        if path in drawn:
            yield from _picture_lines(drawn[path])
        elif path in entries and entries[path].like in drawn:
            yield from _wrapped(
                f"its window slides as that of {entries[path].like} does", width, "dim", INDENT
            )
    if left_out:
        yield Line()
        yield from _wrapped(f"--picture draws the {count} windows that differ", width, "dim")


def worked_lines(explanation: Explanation, width: int, charset: Charset = BOXES) -> Iterator[Line]:
    """Yield the formulas of one layer, what the letters mean, and its picture, all indented."""
    yield from _formula_lines(explanation, width)
    yield from _legend(legend([explanation]), width, INDENT)
    for art in arts(album([explanation.step]), width - len(INDENT), charset).values():
        yield from _picture_lines(art)
        yield Line()
        yield from _legend(signs([art], charset), width, INDENT)


def _picture_lines(art: Art) -> Iterator[Line]:
    """Yield a picture, indented, after an empty line."""
    yield Line()
    for line in art.lines:
        yield Line(INDENT + line if line else "")


def _legend(meanings: Mapping[str, str], width: int, indent: str = "") -> Iterator[Line]:
    """Yield what letters or signs mean, each beside its meaning."""
    told = [f"{sign} {meaning}" for sign, meaning in meanings.items()]
    pieces = [*(f"{one}," for one in told[:-1]), *told[-1:]]
    for line in _filled(indent, pieces, width, indent or INDENT):
        yield Line(line, "dim")


def _formula_lines(explanation: Explanation, width: int) -> Iterator[Line]:
    """Yield the formulas, which stand below each other."""
    told = [(formula.of, formula.parts) for formula in explanation.formulas]
    if explanation.sees:
        told.append(("receptive field", (explanation.sees,)))
    label = max([LABEL, *(len(of) + 2 for of, _ in told)])
    for of, parts in told:
        for line in _broken(of, parts, label, width - len(INDENT)):
            yield Line(INDENT + line)


def _explained(explanation: Explanation, width: int) -> Iterator[Line]:
    """Yield what a layer is called and does, and its formulas."""
    yield from _wrapped(heading(explanation.step), width, "bold")
    yield from _wrapped(explanation.text, width, "dim", INDENT)
    yield from _formula_lines(explanation, width)


def _broken(of: str, parts: tuple[str, ...], label: int, width: int) -> Iterator[str]:
    """Yield a formula as lines, broken before its signs of equality where it is too wide for one."""
    pieces = [parts[0], *(f"= {part}" for part in parts[1:])]
    line, indent = f"{of + ':':<{label}}", " " * label
    if label + max(map(len, pieces)) > width:
        yield line.rstrip()
        line = indent = INDENT
    yield from _filled(line, pieces, width, indent)


def _filled(line: str, pieces: Iterable[str], width: int, indent: str) -> Iterator[str]:
    """Yield lines of pieces that stay whole: the first begins as `line`, the others are indented."""
    for piece in pieces:
        if line != indent and len(line) + len(piece) > width:
            yield from _words(line, width, indent + INDENT)
            line = indent
        line += f"{piece} "
    yield from _words(line, width, indent + INDENT)


def _wrapped(text: str, width: int, style: str, indent: str = "") -> Iterator[Line]:
    """Yield a text, broken between words."""
    for line in _words(indent + text, width, indent or INDENT):
        yield Line(line, style)


def _words(text: str, width: int, indent: str) -> list[str]:
    """Return a text as lines, broken between words and nowhere else; all but the first are indented."""
    wide = max(width, NARROWEST)
    return textwrap.wrap(text, wide, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
