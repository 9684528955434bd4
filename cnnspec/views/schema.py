"""The language as JSON Schema, made from the registry: an editor completes, explains and checks with it.

A schema cannot know which names a file gives. So without a spec it takes every text that can be an
expression and every word that can be a block, but only in files with `vars` or `blocks` that may
name them. For a spec it knows the names of that file, and takes no others.

Only keywords that JSON Schema has had since draft 7 are used: editors know them best.
"""

import keyword
from typing import Any

from cnnspec.errors import shown
from cnnspec.language import blocks, expression, items, variables
from cnnspec.language.field_words import words
from cnnspec.language.item_slips import MODIFIERS
from cnnspec.language.sections import BlockBody, Top
from cnnspec.layers import REGISTRY
from cnnspec.spec import Spec
from cnnspec.views.schema_scope import Schema, Scope

_EVERYWHERE = frozenset(("in_channels", *items.IN_REPEAT))
"""Names that need no definition in the file."""

_SECTIONS = ("input", "data", "train")
"""The keys of a file whose values may use variables, but no blocks."""


def json_schema(spec: Spec | None = None) -> Schema:
    """Return the JSON Schema of every spec, or of the one file that `spec` comes from."""
    definitions = _names()
    if spec:
        names = _EVERYWHERE.union(spec.vars, *(block.arguments for block in spec.blocks.values()))
        top = _top(Scope(definitions, names=names, blocks=spec.blocks), spec)
    else:
        top = _any_top(definitions)
    title = f"cnnspec: {spec.name}" if spec else "cnnspec"
    address = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": address, "title": title, **top, "$defs": definitions}


def _any_top(definitions: Schema) -> Schema:
    """Return the keys of a file that may give any names, where it has the sections for them."""
    free = Scope(definitions, names=None, blocks=None)
    named = Scope(definitions, names=None, blocks={}, prefix="vars_")
    plain = Scope(definitions, names=_EVERYWHERE, blocks={}, prefix="plain_", leaves="plain_")
    top = _top(free)
    keys = {name: top["properties"].pop(name) for name in (*_SECTIONS, "layers")}
    top["patternProperties"] = {f"^(?:{'|'.join(keys)})$": {}}
    having = {"properties": {name: keys[name] for name in _SECTIONS}}
    fields = plain.model(Top)["properties"]
    without = {"properties": {name: fields[name] for name in _SECTIONS}}
    with_blocks, with_vars, with_none = (
        {"properties": {"layers": keys["layers"] | scope.layers(minItems=1)}}
        for scope in (free, named, plain)
    )
    top["allOf"] = [
        _if_has("vars", having, without),
        _if_has("blocks", with_blocks, _if_has("vars", with_vars, with_none)),
    ]
    return top


def _if_has(name: str, then: Schema, otherwise: Schema) -> Schema:
    return {"if": {"required": [name]}, "then": then, "else": otherwise}


def _top(scope: Scope, spec: Spec | None = None) -> Schema:
    """Return the keys of a file."""
    top = scope.model(Top)
    keys, name = top["properties"], {"$ref": "#/$defs/name"}
    body = scope.model(BlockBody)
    body["properties"]["layers"] |= scope.layers(minItems=1)
    default = {"anyOf": [{"type": "null"}, scope.value]}
    body["properties"]["args"] |= {"propertyNames": name, "additionalProperties": default}
    variant: Schema = {"type": "object", "additionalProperties": scope.value}
    if spec:
        known = {one: {"description": f"now {_text(now)}", **scope.value} for one, now in spec.vars.items()}
        variant |= {"properties": known, "additionalProperties": False}
    variant_name = {"pattern": f"^{variables.VARIANT.pattern}$"}
    keys["vars"] |= {"propertyNames": name, "additionalProperties": scope.value}
    keys["variants"] |= {"propertyNames": variant_name, "additionalProperties": variant}
    keys["blocks"] |= {"propertyNames": {"$ref": "#/$defs/block_name"}, "additionalProperties": body}
    keys["layers"] |= scope.layers(minItems=1)
    return top


def _text(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)


def _names() -> Schema:
    """Return the definitions of what things may be called, and of an item's number of keys."""
    module = {*items.RESERVED, *keyword.kwlist}
    variable = {*expression.RESERVED, *_EVERYWHERE, *words(), *keyword.kwlist}
    block = {*items.RESERVED, *REGISTRY, *MODIFIERS}
    return {
        "name": _name(variables.NAME.pattern, variable),
        "block_name": _name(blocks.NAME.pattern, block),
        "item_name": _name(blocks.NAME.pattern, set(items.RESERVED)),
        "module_name": _name(f"(?!_){items.NAME.pattern}", module),
        "one_layer": _one_layer(MODIFIERS),
    }


def _name(pattern: str, taken: set[str]) -> Schema:
    told = "a name is letters, digits or `_`, and no word that has a meaning already"
    return {"pattern": f"^{pattern}$", "not": {"enum": sorted(taken)}, "patternErrorMessage": told}


def _one_layer(modifiers: tuple[str, ...], keys: int = 1) -> Schema:
    """Return that an item has one key beside the modifiers, whatever it is called."""
    if not modifiers:
        return {"minProperties": keys, "maxProperties": keys}
    first, *rest = modifiers
    return _if_has(first, _one_layer((*rest,), keys + 1), _one_layer((*rest,), keys))
