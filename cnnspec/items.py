"""Layer items: ``- relu``, ``- fc: 120`` or ``- conv: {filters: 6}``, with the modifiers beside them."""

import re
from dataclasses import dataclass
from typing import Any

from cnnspec.errors import MAX_PROBLEMS, Problem, did_you_mean, one_of, shown
from cnnspec.layers import REGISTRY, Layer
from cnnspec.source import Document, KeyPath
from cnnspec.validation import validate

MODIFIERS = ("name", "repeat")
MAX_REPEAT = 10_000

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Item:
    """A layer in a list of layers; `path` is where it stands in the document."""

    layer: Layer
    path: KeyPath
    name: str | None = None
    repeat: int | None = None

    def resolved(self) -> dict[str, Any] | str:
        """Return the item as plain values with every default filled in."""
        modifiers = {"name": self.name, "repeat": self.repeat}
        given = {key: value for key, value in modifiers.items() if value is not None}
        fields = self.layer.resolved()
        return {self.layer.type: fields} | given if fields or given else self.layer.type


def parse_items(
    values: list[Any], document: Document, path: KeyPath
) -> tuple[tuple[Item, ...], list[Problem]]:
    """Return the items of a list, up to the first that is wrong, and the problems of all of them."""
    problems: list[Problem] = []
    items: list[Item] = []
    if not values:
        what, fix = (
            f"{path[-1]} is empty",
            "List at least one layer, such as `- conv: {filters: 6, kernel: 5}`",
        )
        problems.append(Problem(what, "", fix, document.place(path)))
    intact = True
    for index, value in enumerate(values):
        item, more = _parse_item(value, document, (*path, index))
        problems += more
        intact = intact and item is not None
        if item and intact:
            items.append(item)
        if len(problems) > MAX_PROBLEMS:
            break
    return tuple(items), problems


def _parse_item(value: Any, document: Document, path: KeyPath) -> tuple[Item | None, list[Problem]]:
    if isinstance(value, str):
        layer, problems = _parse_layer(value, {}, document, path)
        return (Item(layer, path) if layer else None), problems
    if path in document.refused:
        return None, []
    if not isinstance(value, dict):
        what, why = f"{shown(value)} is not a layer", "an item is a layer's name, alone or with its fields"
        return None, [Problem(what, why, "Write it like `- relu` or `- fc: 120`", document.value_place(path))]
    problems = _modifier_problems(value, document, path)
    words = [key for key in value if key not in MODIFIERS]
    if len(words) != 1:
        return None, [*problems, _not_one_layer(words, value, document, path)]
    word = words[0]
    where = (*path, word)
    if where in document.refused:
        layer, more = None, []
    elif value[word] is None:
        layer, more = None, [_nothing_after_colon(word, document, where)]
    else:
        layer, more = _parse_layer(word, value[word], document, where)
    problems += more
    if layer is None or problems:
        return None, problems
    return Item(layer, where, value.get("name"), value.get("repeat")), []


def _parse_layer(
    word: str, given: Any, document: Document, path: KeyPath
) -> tuple[Layer | None, list[Problem]]:
    """Return the layer called `word` with the given fields, or its problems."""
    layer = REGISTRY.get(word)
    if layer is None:
        return None, [_unknown_layer(word, document, path)]
    if isinstance(given, dict):
        return validate(layer, given, document, path, word)
    if layer.main is None:
        why = f"it has {one_of(layer.model_fields)}" if layer.model_fields else "it has no fields"
        fix = f"Write `- {layer.example}`"
        return None, [Problem(f"{word} does not take {shown(given)}", why, fix, document.value_place(path))]
    # The main field stands where the value stands.
    mark, depth = document.values[path], len(path)
    refused = {(layer.main, *way[depth:]) for way in document.refused if way[:depth] == path}
    here = Document(document.file, document.lines, given, {}, {(layer.main,): mark}, refused)
    return validate(layer, {layer.main: given}, here, (), word)


def _modifier_problems(value: dict[str, Any], document: Document, path: KeyPath) -> list[Problem]:
    problems = []
    given = {
        word: value[word] for word in MODIFIERS if word in value and (*path, word) not in document.refused
    }
    name, repeat = given.get("name", "a"), given.get("repeat", 1)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        why = "it must be letters, digits or `_`, and not begin with a digit"
        problems.append(Problem(f"name is {shown(name)}", why, "", document.value_place((*path, "name"))))
    if not isinstance(repeat, int) or isinstance(repeat, bool) or not 0 <= repeat <= MAX_REPEAT:
        why = f"it must be a whole number from 0 to {MAX_REPEAT:,}"
        problems.append(
            Problem(f"repeat is {shown(repeat)}", why, "", document.value_place((*path, "repeat")))
        )
    return problems


def _not_one_layer(words: list[str], value: dict[str, Any], document: Document, path: KeyPath) -> Problem:
    if not words:
        what = f"this item has {one_of(value)}, but no layer" if value else "this item is empty"
        return Problem(what, "", "Add a layer, or remove it", document.value_place(path))
    known = [word for word in words if word in REGISTRY]
    if len(known) > 1:
        what, fix = f"two layers in one item: {known[0]} and {known[1]}", f"Put a dash before {known[1]}"
        return Problem(what, "", fix, document.place((*path, known[1])))
    wrong = next((word for word in words if word not in REGISTRY), words[0])
    layer = known[0] if known else words[0]
    fix = f"Fields stand in the layer's braces: `{layer}: {{{wrong}: …}}`"
    if not known or wrong not in REGISTRY[layer].model_fields:
        fix = (
            did_you_mean(wrong, [*MODIFIERS, *REGISTRY])
            or f"Only {' and '.join(MODIFIERS)} stand beside a layer"
        )
    return Problem(f"unknown modifier {shown(wrong)}", "", fix, document.place((*path, wrong)))


def _unknown_layer(word: str, document: Document, path: KeyPath) -> Problem:
    synonyms = {synonym: layer.type for layer in REGISTRY.values() for synonym in layer.synonyms}
    fix = did_you_mean(word, REGISTRY, synonyms) or "`cnnspec layers` lists them all"
    first, _, rest = word.partition(" ")
    if first in REGISTRY and rest.startswith("{"):
        fix = f"Put a colon after it: `{first}: {{…}}`"
    elif first in REGISTRY and rest.startswith("- "):
        fix = "Begin the dashes of all layers in the same column"
    return Problem(f"unknown layer {shown(word)}", "", fix, document.place(path))


def _nothing_after_colon(word: str, document: Document, path: KeyPath) -> Problem:
    if word not in REGISTRY:
        return _unknown_layer(word, document, path)
    example = REGISTRY[word].example
    what, why = f"nothing stands after `{word}:`", "the colon announces its fields"
    return Problem(what, why, f"Write `- {example}`", document.place(path))
