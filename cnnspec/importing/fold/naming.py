"""Names for blocks and their arguments: those of the module's classes and attributes, and of the fields."""

import keyword
import re
from collections import Counter
from collections.abc import Iterable

from cnnspec.importing.fold.align import Stack, walk
from cnnspec.importing.fold.items import Items, snake
from cnnspec.importing.fold.variables import Variable, Variables
from cnnspec.importing.tree import Scope
from cnnspec.language import expression
from cnnspec.language.field_words import words
from cnnspec.language.item_slips import MODIFIERS
from cnnspec.language.items import IN_REPEAT, RESERVED
from cnnspec.layers import REGISTRY

_BRIEF = {"batchnorm": "bn", "depthwise_conv": "depthwise", "channel_layernorm": "norm", "groupnorm": "norm"}
"""What layers are called within the name of a block."""

_TELLING_NOTHING = re.compile(
    r"(conv|block|layers?|features|body|net|main|seq|sequential|module|ops?|model|bn|norm|fc|linear|_*)\d*[a-z]?|[a-z]\d*"
)

_PLAIN = re.compile(r"[^A-Za-z0-9]+")


def block_name(row: Items, kind: str, taken: Iterable[str]) -> str:
    """Return a block's name: what its layers are called, of a few, or else the class that they come from."""
    flat = all(not item.parts for item in row)
    if len(row) <= 3 and flat:
        name = "_".join(_BRIEF.get(item.word, item.word) for item in row)
    elif kind:
        name = snake(kind)
    elif len(row) == 1 and row[0].word == "multiply":
        name = "squeeze_excite" if any(p and p[0].word == "global_avgpool" for p in row[0].parts) else "gate"
    elif flat and len(row) <= 6:
        name = "_".join(_BRIEF.get(item.word, item.word) for item in row)
    else:
        name = "block"
    if not name[:1].isalpha() or name in REGISTRY or name in RESERVED or name in MODIFIERS:
        name = f"{name}_block".lstrip("_0123456789")
    return _free(name[:48], set(taken))


def _free(name: str, taken: set[str]) -> str:
    number = 2
    found = name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def name_arguments(variables: Variables, stack: Stack, scopes: tuple[Scope, ...]) -> dict[str, str]:
    """Return the names of all arguments by their signs."""
    last = _output(stack, variables)
    channels = [one for one in variables.arguments if one.kind == "channels"]
    squeezed = {
        id(one)
        for item in walk(stack)
        if item.word == "multiply"
        for part in item.parts
        for one in walk(part)
    }
    names: dict[str, str] = {}
    for one in variables.arguments:
        if one.kind != "channels":
            names[one.sign] = one.kind
        elif one is last:
            names[one.sign] = "filters"
        elif last and last.text and one.sign in last.text:
            names[one.sign] = "width"
        elif one.uses[0][1] not in ("filters", "units"):
            names[one.sign] = one.uses[0][1]
        elif id(one.uses[0][0]) in squeezed:
            names[one.sign] = "squeezed"
        else:
            names[one.sign] = _hint(one, channels, scopes) or ("width" if len(channels) == 1 else "inner")
    return _apart(names)


def _apart(names: dict[str, str]) -> dict[str, str]:
    """Return names that can be names, each once: those that are wanted several times get a number."""
    times = Counter(names.values())
    taken: Counter[str] = Counter()
    found: dict[str, str] = {}
    for sign, name in names.items():
        taken[name] += 1
        numbered = f"{name}{'_' if name[-1].isdigit() else ''}{taken[name]}" if times[name] > 1 else name
        while not _usable(numbered) or numbered in found.values():
            numbered += "_"
        found[sign] = numbered
    return found


def _usable(name: str) -> bool:
    refused = (*expression.RESERVED, *IN_REPEAT, *words(), "in_channels")
    return bool(name) and not keyword.iskeyword(name) and name not in refused


def _output(stack: Stack, variables: Variables) -> Variable | None:
    """Return the variable that the filters of the last layer are that has any, if they are one."""
    for item in reversed(stack):
        if item.word in ("residual", "sequence"):
            return _output(item.parts[0], variables)
        if item.word == "concat":
            return None
        for name in ("filters", "units"):
            if name in item.fields:
                return next((one for one in variables.found if (item, name) in one.uses), None)
    return None


def _hint(one: Variable, others: list[Variable], scopes: tuple[Scope, ...]) -> str:
    """Return what the attributes of the module say of a variable, if it is nearly its own."""
    mine = _telling(one, scopes)
    return mine if mine and sum(_telling(other, scopes) == mine for other in others) <= 3 else ""


def _telling(one: Variable, scopes: tuple[Scope, ...]) -> str:
    """Return the first telling name on the way from a block's module to where a variable is used."""
    start = len(scopes[-1].path.split(".")) if scopes else 0
    found = set()
    for item, _ in one.uses:
        path = item.scopes[-1].path.split(".") if item.scopes else []
        telling = [
            part for part in path[start:] if not part.isdigit() and not _TELLING_NOTHING.fullmatch(part)
        ]
        found.add(_PLAIN.sub("_", telling[0]).strip("_").lower() if telling else "")
    return found.pop() if len(found) == 1 else ""
