"""How wide a text is before anything draws it."""

import unicodedata
from itertools import accumulate

FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
"""The fonts of pictures; whichever is there first is used."""

_GROUPS = {
    27: "'",
    28: "ijl",
    29: "IJ",
    32: " ,.·",
    34: "/:;\\|",
    35: "f",
    36: "-",
    39: "()[]t",
    40: "!²",
    41: "r",
    46: '"',
    50: "*_`–",
    52: "sz",
    53: "?",
    55: "c",
    56: "L",
    58: "Fk",
    59: "vxy",
    60: "P",
    61: "TYao",
    62: "e",
    63: "ESbdghnpqu",
    64: "$0123456789{}√",
    66: "K",
    68: "AV",
    69: "BRXZ",
    70: "C",
    73: "U",
    75: "HN",
    77: "DG",
    78: "&",
    79: "OQ",
    82: "w",
    84: "#+<=>^~×−→",
    86: "M",
    95: "%",
    97: "m",
    99: "W",
    100: "@…",
}
_WIDTHS = {letter: width / 100 for width, letters in _GROUPS.items() for letter in letters}
"""Widths of letters over the font's size, in DejaVu Sans: a text that fits in it fits in narrower fonts."""

WIDEST, BOLD = 1.0, 1.22
"""Of letters that are not in the table, and what bold ones are wider by at most."""


def letter_width(letter: str) -> float:
    """Return the width of a letter over the font's size; that of one that is put over another is 0."""
    if unicodedata.combining(letter):
        return 0
    return _WIDTHS.get(letter, WIDEST)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how many pixels wide a text is at most, in a font of that size."""
    return sum(map(letter_width, text)) * size * (BOLD if bold else 1)


def shortened(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """Return as much of a text as is `width` pixels wide, with an ellipsis where that is not all."""
    if text_width(text, size, bold=bold) <= width:
        return text
    room = width - text_width("…", size, bold=bold)
    widths = accumulate(text_width(letter, size, bold=bold) for letter in text)
    kept = sum(1 for so_far in widths if so_far <= room)
    return text[:kept].rstrip() + "…"
