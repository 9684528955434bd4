"""Layer items: ``- relu``, ``- fc: 120`` or ``- conv: {filters: 6}``, with the modifiers beside them."""

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cnnspec.errors import MAX_PROBLEMS, Place, Problem, did_you_mean, one_of, shown
from cnnspec.language.document import Alone, Document, KeyPath
from cnnspec.language.expression import Expression
from cnnspec.language.item_slips import (
    MODIFIERS,
    are_branches,
    not_one_layer,
    nothing_after_colon,
    unknown_layer,
    without_modifiers,
)
from cnnspec.language.template import Definition, Template, cut_off, define_all, find, read
from cnnspec.layers import REGISTRY, Composite, Element
from cnnspec.layers.composition import Way

MAX_REPEAT = 10_000
IN_REPEAT = frozenset(("index", "count"))
"""Names that an item knows when it repeats."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

RESERVED = frozenset(
    """
    T_destination add_module append apply bfloat16 buffers call_super_init children compile cpu cuda
    double dump_patches eval extend extra_repr float forward get_buffer get_extra_state
    get_parameter get_submodule half insert ipu load_state_dict modules mtia named_buffers
    named_children named_modules named_parameters parameters pop register_backward_hook
    register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state
    set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
    """.split()  # noqa: SIM905  # fifty names read best as text
)
"""Names that torch.nn.Module keeps for itself."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an item may name: variables and arguments, and the blocks with their arguments.

    A block's arguments are given with whether each must be given, or None where they are not known.
    """

    known: frozenset[str] = frozenset(("in_channels",))
    blocks: Mapping[str, Mapping[str, bool] | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """A layer, composition or block in a list of layers; `path` is where it stands in the document.

    A layer or composition has a `template`, and a composition its `parts` by the way to them;
    the call of a block has `arguments`.
    """

    word: str
    path: KeyPath
    template: Template[Element] | None = None
    parts: Mapping[Way, tuple["Item", ...]] = field(default_factory=dict)
    arguments: Definition | None = None
    name: str | None = None
    repeat: int | Expression | None = None
    when: bool | Expression | None = None

    def resolved(self) -> dict[str, Any] | str:
        """Return the item as plain values with every default filled in; expressions stay as they are."""
        modifiers = {"name": self.name, "repeat": self.repeat, "when": self.when}
        given = {
            key: str(value) if isinstance(value, Expression) else value
            for key, value in modifiers.items()
            if value is not None
        }
        fields = self._fields()
        return {self.word: fields} | given if fields or given else self.word

    def _fields(self) -> dict[str, Any]:
        if self.template is None:
            return dict(self.arguments.value) if self.arguments else {}
        fields = self.template.resolved()
        for way, items in self.parts.items():
            lists: Any = fields
            for key in way[:-1]:
                lists = lists[key]
            lists[way[-1]] = [item.resolved() for item in items]
        return fields


def parse_items(
    values: list[Any], document: Document, path: KeyPath, scope: Scope
) -> tuple[tuple[Item, ...], list[Problem]]:
    """Return the items of a list, up to the first that is wrong, and the problems of all of them."""
    problems: list[Problem] = []
    items: list[Item] = []
    intact = True
    for index, value in enumerate(values):
        item, more = _parse_item(value, document, (*path, index), scope)
        problems += more
        intact = intact and item is not None
        if item and intact:
            items.append(item)
        if len(problems) > MAX_PROBLEMS:
            break
    return tuple(items), problems


def name_problem(name: Any, place: Place, what: str = "name") -> list[Problem]:
    """Return what is wrong with the name of a module; `what` is it called in the file."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        why = "it must be letters, digits or `_`, at most 64, and not begin with a digit"
        plain = re.sub("[^A-Za-z0-9_]", "_", name) if isinstance(name, str) else ""
        fix = f"Call it {plain}, say" if NAME.fullmatch(plain) and plain.strip("_") else ""
        fix = "Begin it with a letter" if plain[:1].isdigit() else fix
        return [Problem(f"{what} is {shown(name)}", why, fix, place)]
    if name in RESERVED or keyword.iskeyword(name) or name.startswith("_"):
        problem, why = f"a layer cannot be called '{name}'", "Python or PyTorch keeps that name for itself"
        return [Problem(problem, why, f"Call it {name.strip('_')}_1, say", place)]
    return []


def _parse_item(
    value: Any, document: Document, path: KeyPath, scope: Scope
) -> tuple[Item | None, list[Problem]]:
    if isinstance(value, str):
        return _parse_word(value, {}, document, path, scope)
    if path in document.refused:
        return None, []
    if not isinstance(value, dict):
        what, why = f"{shown(value)} is not a layer", "an item is a layer's name, alone or with its fields"
        fix = "Write it like `- relu` or `- fc: 120`"
        if isinstance(value, list):
            fix = "Put a group of layers in `- sequence: […]`"
        return None, [Problem(what, why, fix, document.value_place(path))]
    outer = scope
    if "repeat" in value:
        scope = replace(scope, known=scope.known | IN_REPEAT)
    known = {"repeat": outer.known, "when": scope.known}
    modifiers, problems = _parse_modifiers(value, document, path, known)
    words = [key for key in value if key not in MODIFIERS]
    if len(words) != 1:
        return None, [*problems, not_one_layer(words, value, document, path, scope.blocks)]
    word = words[0]
    where = (*path, word)
    item: Item | None = None
    more: list[Problem] = []
    if where in document.refused:
        pass
    elif value[word] is None:
        more = [nothing_after_colon(word, document, where, scope.blocks)]
    else:
        item, more = _parse_word(word, value[word], document, where, scope)
    problems += more
    if item is None or problems or document.holds_refused(path):
        return None, problems
    return replace(item, **modifiers), []


def _parse_word(
    word: str, given: Any, document: Document, path: KeyPath, scope: Scope
) -> tuple[Item | None, list[Problem]]:
    """Return the layer, composition or block called `word` with what it is given, or its problems."""
    if word in scope.blocks:
        return _parse_call(word, given, document, path, scope)
    element = REGISTRY.get(word)
    if element is None:
        return None, [unknown_layer(word, given, document, path, scope.blocks)]
    if isinstance(given, dict):
        here, where, ways = document, path, 0
    elif element.main is None:
        why = f"it has {one_of(element.model_fields)}" if element.model_fields else "it has no fields"
        fix = f"Write `- {element.example}`"
        return None, [Problem(f"{word} does not take {shown(given)}", why, fix, document.value_place(path))]
    else:
        here, where, ways = Alone(document, path, element.main), (), 1
        given = {element.main: given}
    given, problems = without_modifiers(given, element.model_fields, here, where, word)
    if issubclass(element, Composite) and element.branched and are_branches(given):
        what, fix = f"{word} needs 'branches'", "Indent its branches below `branches:`"
        return None, [*problems, Problem(what, "there is no default", fix, here.place(where))]
    template, more = read(element, given, here, where, word, known=scope.known)
    problems += more
    parts: dict[Way, tuple[Item, ...]] = {}
    for way, values in _lists_of(element, given).items():
        parts[way], more = parse_items(values, document, (*path, *way[ways:]), scope)
        problems += more
        if isinstance(way[-1], str) and len(way) > 1:
            problems += name_problem(way[-1], document.place((*path, *way[ways:])), "the branch's name")
    if template is None or problems:
        return None, problems
    return Item(word, path, template, parts), []


def _lists_of(element: type[Element], given: dict[str, Any]) -> dict[Way, list[Any]]:
    """Return the lists of layers in a composition's values, by the way to them."""
    if not issubclass(element, Composite):
        return {}
    found: dict[Way, list[Any]] = {}
    for name in element.lists:
        value = given.get(name)
        if not element.branched and isinstance(value, list):
            found[(name,)] = value
        elif isinstance(value, (list, dict)):
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            found |= {(name, key): branch for key, branch in pairs if isinstance(branch, list)}
    return found


def _parse_call(
    word: str, given: Any, document: Document, path: KeyPath, scope: Scope
) -> tuple[Item | None, list[Problem]]:
    """Return the call of a block."""
    arguments = scope.blocks[word]
    if arguments is None:  # the block itself is wrong
        return Item(word, path), []
    here, where = document, path
    if not isinstance(given, dict):
        if not arguments:
            fix = f"Write `- {word}`"
            return None, [Problem(f"{word} takes no arguments", "", fix, document.value_place(path))]
        first = next(iter(arguments))
        here, where, given = Alone(document, path, first), (), {first: given}
    given, problems = without_modifiers(given, arguments, here, where, word)
    cut = cut_off(given)
    given = {name: value for name, value in given.items() if name not in cut}
    for name in given:
        if name not in arguments:
            fix = f"It has {one_of(arguments)}" if arguments else "It has none"
            fix = did_you_mean(name, arguments) or fix
            what = f"unknown argument {shown(name)} of {word}"
            problems.append(Problem(what, "", fix, here.place((*where, name))))
    missing = [name for name, required in arguments.items() if required and name not in given][:8]
    if missing and not problems:
        words = " and ".join(f"'{name}'" for name in missing)
        what, fix = f"{word} needs {words}", "Add " + " and ".join(f"`{name}:`" for name in missing)
        problems.append(Problem(what, "there is no default", fix, document.place(path)))
    values, more = define_all(given, here, where, scope.known)
    problems += more
    return (None if problems else Item(word, path, arguments=values)), problems


def _parse_modifiers(
    value: dict[str, Any], document: Document, path: KeyPath, known: Mapping[str, frozenset[str]]
) -> tuple[dict[str, Any], list[Problem]]:
    given = {
        word: value[word] for word in MODIFIERS if word in value and (*path, word) not in document.refused
    }
    problems: list[Problem] = []
    if "name" in given:
        problems += name_problem(given["name"], document.value_place((*path, "name")))
    for word, check in CHECKS.items():
        if word not in given:
            continue
        one, where = given[word], (*path, word)
        # A bare word that is no name is told as the wrong value that it is.
        is_word = isinstance(one, str) and one.isidentifier() and not document.is_quoted(where)
        found = None
        if isinstance(one, str) and (not is_word or one in known[word] | IN_REPEAT):
            found = find(one, document, where, known[word])
        if found:
            problems += found.problems
            given[word] = found.holes.get(())
        elif not check(one):
            problem = modifier_problem(word, one, document, path)
            near = did_you_mean(one, sorted(known[word])) if isinstance(one, str) else ""
            problems.append(replace(problem, fix=near))
    return given, problems


def _is_repeat(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_REPEAT


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


CHECKS = {"repeat": _is_repeat, "when": _is_truth}
"""The modifiers that may be expressions, with what their values must be."""


def modifier_problem(word: str, value: Any, document: Document, path: KeyPath, origin: str = "") -> Problem:
    """Return the problem of a modifier of a wrong value; `origin` is the expression it came from."""
    why = {
        "repeat": f"it must be a whole number from 0 to {MAX_REPEAT:,}",
        "when": "it must be true or false, such as `stride > 1`",
    }[word]
    what = f"{word} is {shown(value)}" + (f", from `{origin}`" if origin else "")
    fix = "Divide by `//` to round down" if isinstance(value, float) and "/" in origin else ""
    return Problem(what, why, fix, document.value_place((*path, word)))
