"""Names of many files in one text, as shells and WebDataset write them: ``train-{000..099}.tar``."""

from cnnspec.errors import RuleError, shown

MOST = 100_000
"""Names that a text may come to."""


def expanded(text: str) -> list[str]:
    """Return the names that a text stands for, in order; raises RuleError.

    ``{a,b}`` stands for each of the words, ``{08..12}`` for the numbers from 08 to 12 with as many digits.
    """
    names = [""]
    for part in _parts(text):
        if len(names) * len(part) > MOST:
            raise RuleError(f"{shown(text)} stands for more than {MOST:,} files", "", "Make larger shards")
        names = [name + more for name in names for more in part]
    return names


def _parts(text: str) -> list[list[str]]:
    """Return the text in pieces, each with all that it stands for."""
    parts = []
    rest = text
    while rest:
        plain, brace, rest = rest.partition("{")
        inside, end, rest = rest.partition("}") if brace else ("", "", "")
        if "}" in plain or (brace and not end) or "{" in inside:
            what = f"the braces of {shown(text)} do not match"
            raise RuleError(what, "", "Write {000..099} or {a,b}, not one inside the other")
        parts.append([plain])
        if brace:
            parts.append(_choices(inside, text))
    return parts


def _choices(inside: str, text: str) -> list[str]:
    first, dots, last = inside.partition("..")
    if not dots:
        return inside.split(",")
    if not all(n.isascii() and n.isdecimal() and len(n) <= 18 for n in (first, last)):
        raise RuleError(f"{shown('{' + inside + '}')} is no range of numbers", "", "Write {000..099}")
    start, end = int(first), int(last)
    if end < start:
        raise RuleError(f"{shown('{' + inside + '}')} counts down", "", "Write the lower number first")
    if end - start >= MOST:
        raise RuleError(f"{shown(text)} stands for more than {MOST:,} files", "", "Make larger shards")
    width = max(len(first), len(last)) if "0" in (first[0], last[0]) and len(first) > 1 else 0
    return [str(n).zfill(width) for n in range(start, end + 1)]
