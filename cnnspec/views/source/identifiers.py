"""Names in Python for what has a name in a spec."""

import builtins
import keyword
import re
from collections.abc import Container, Iterable
from functools import reduce
from itertools import count

ACRONYMS = {
    "bn": "BN",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "silu": "SiLU",
    "gelu": "GELU",
    "se": "SE",
    "mbconv": "MBConv",
}
"""Parts of names that are written so in names of classes."""

MOST_OF_DESCRIPTION = 300
"""Characters of a description in which a network's name is looked for."""

_TAKEN = frozenset(
    (
        *dir(builtins),
        *keyword.kwlist,
        *keyword.softkwlist,
        "nn",
        "torch",
        "math",
        "self",
        "x",
        "F",
        "sequential",
    )
)
"""Names that mean something else in the source."""


class ClassNames:
    """Gives each class a name of its own; `taken` are those that are taken already."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = {*_TAKEN, *taken}

    def network(self, name: str, description: str) -> str:
        """Return the name of a network's class: its own, as its description writes it."""
        found = _as_described(name, description[:MOST_OF_DESCRIPTION]) or _camel(name)
        return self.unique(found if found[:1].isalpha() else f"Net{found}")

    def unit(self, *words: str) -> str:
        """Return the name of a class for what is called by one of the words, by the first that is free."""
        names = [_camel(word) or "Block" for word in words]
        return self.unique(next((name for name in names if name not in self.taken), names[0]))

    def unique(self, wanted: str) -> str:
        """Return a name that is not taken, and take it."""
        name = free(wanted, self.taken)
        self.taken.add(name)
        return name


def _camel(text: str) -> str:
    """Return a name in the manner of classes: ``ConvBN`` of ``conv_bn``."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", text) if part]
    return reduce(_joined, [ACRONYMS.get(part, part[0].upper() + part[1:]) for part in parts], "")


def _joined(one: str, other: str) -> str:
    """Return two parts of a name as one, numbers still apart."""
    return one + ("_" if one[-1:].isdigit() and other[:1].isdigit() else "") + other


def _as_described(name: str, description: str) -> str:
    """Return a name with the capitals that its beginning has in the description: ``ResNet50``; or nothing."""
    letters = re.sub(r"[^A-Za-z0-9]", "", name)
    for length in range(len(letters), 2, -1):
        pattern = r"[ -]?".join(map(re.escape, letters[:length]))
        found = re.search(rf"(?<![A-Za-z0-9]){pattern}", description, re.IGNORECASE)
        if found and any(c.isupper() for c in found[0]) and letters[0].isalpha():
            written = "".join(part[0].upper() + part[1:] for part in re.split("[ -]", found[0]))
            return _joined(written, _camel(_after(name, length)))
    return ""


def _after(name: str, length: int) -> str:
    """Return what follows so many letters and digits of a name."""
    for position, character in enumerate(name):
        length -= character.isalnum()
        if length < 0:
            return name[position:]
    return ""


def identifiers(names: Iterable[str], taken: set[str]) -> dict[str, str]:
    """Return a name in Python for each, of which no two are the same, and none is taken."""
    found: dict[str, str] = {}
    for name in names:
        plain, used = name.lstrip("_") or "value", {*taken, *found.values()}
        found[name] = free(plain if plain not in used else f"{plain}_", used)
    return found


def free(wanted: str, taken: Container[str], between: str = "") -> str:
    """Return a name that is not taken: the one that is wanted, or that with a number."""
    if wanted not in taken:
        return wanted
    return next(name for name in (f"{wanted}{between}{n}" for n in count(2)) if name not in taken)
