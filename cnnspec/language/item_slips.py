"""Layer items that are none: what was surely meant, for the likeliest mistakes."""

from collections.abc import Iterable, Mapping
from typing import Any

from cnnspec.errors import Problem, did_you_mean, one_of, shown
from cnnspec.language.document import Document, KeyPath
from cnnspec.layers import REGISTRY

MODIFIERS = ("name", "repeat", "when")

Blocks = Mapping[str, Mapping[str, bool] | None]
"""The blocks by name, each with its arguments."""


def not_one_layer(
    words: list[str], value: dict[str, Any], document: Document, path: KeyPath, blocks: Blocks
) -> Problem:
    """Return the problem of an item whose words beside the modifiers are none, or several."""
    if not words:
        what = f"this item has {one_of(value)}, but no layer" if value else "this item is empty"
        return Problem(what, "", "Add a layer, or remove it", document.value_place(path))
    vocabulary = {*REGISTRY, *blocks}
    known = [word for word in words if word in vocabulary]
    if len(known) > 1:
        what, fix = f"two layers in one item: {known[0]} and {known[1]}", f"Put a dash before {known[1]}"
        return Problem(what, "", fix, document.place((*path, known[1])))
    wrong = next((word for word in words if word not in vocabulary), words[0])
    layer = known[0] if known else words[0]
    fix = f"Fields stand in the layer's braces: `{layer}: {{{wrong}: …}}`"
    if value[layer] is None:
        fix = f"Indent it further than `{layer}:`, or put it in braces: `{layer}: {{{wrong}: …}}`"
    fields = REGISTRY[layer].model_fields if layer in REGISTRY else blocks.get(layer) or {}
    if not known or wrong not in fields:
        near = did_you_mean(wrong, [*MODIFIERS, *sorted(vocabulary)])
        fix = near or f"Only {', '.join(MODIFIERS[:-1])} and {MODIFIERS[-1]} stand beside a layer"
    return Problem(f"unknown modifier {shown(wrong)}", "", fix, document.place((*path, wrong)))


def unknown_layer(word: str, given: Any, document: Document, path: KeyPath, blocks: Blocks) -> Problem:
    """Return the problem of an item of no known layer, with what it is given."""
    synonyms = {synonym: element.type for element in REGISTRY.values() for synonym in element.synonyms}
    near = did_you_mean(word, [*blocks, *REGISTRY], synonyms)
    fix = near or "`cnnspec layers` lists them all"
    if isinstance(given, str) and given in REGISTRY:  # activation: relu
        fix = f"Write `- {given}`"
    first, _, rest = word.partition(" ")
    if first in REGISTRY and rest.startswith("{"):
        fix = f"Put a colon after it: `{first}: {{…}}`"
    elif first in REGISTRY and rest.startswith("- "):
        fix = "Begin the dashes of all layers in the same column"
    return Problem(f"unknown layer {shown(word)}", "", fix, document.place(path))


def nothing_after_colon(word: str, document: Document, path: KeyPath, blocks: Blocks) -> Problem:
    """Return the problem of `word:` with nothing after it."""
    if word not in REGISTRY and word not in blocks:
        return unknown_layer(word, None, document, path, blocks)
    needed = [name for name, required in (blocks.get(word) or {}).items() if required]
    example = f"{word}: {{{', '.join(f'{name}: …' for name in needed)}}}" if needed else word
    if word in REGISTRY:
        example = REGISTRY[word].example
    what, why = f"nothing stands after `{word}:`", "the colon announces its fields"
    return Problem(what, why, f"Write `- {example}`", document.place(path))


def without_modifiers(
    given: dict[str, Any], fields: Iterable[str], document: Document, path: KeyPath, word: str
) -> tuple[dict[str, Any], list[Problem]]:
    """Return what a layer or block is given, without the modifiers that must stand beside it."""
    problems = []
    for name in MODIFIERS:
        if name in given and name not in fields:
            what, why = f"{name} is no field of {word}", "it stands beside the layer"
            fix = f"Give it a line below `{word}:`, in the same column"
            problems.append(Problem(what, why, fix, document.place((*path, name))))
    wrong = MODIFIERS if problems else ()
    return {name: value for name, value in given.items() if name in fields or name not in wrong}, problems


def are_branches(given: dict[str, Any]) -> bool:
    """Tell whether these are branches by name, and not fields."""
    return "branches" not in given and bool(given) and all(isinstance(v, list) for v in given.values())
