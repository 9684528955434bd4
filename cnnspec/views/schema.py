"""The language as JSON Schema, made from the registry: an editor completes, explains and checks with it.

A schema cannot know which names a file gives. So without a spec it takes every text that can be an
expression and every word that can be a block, but only in files with `vars` or `blocks` that may
name them. For a spec it knows the names of that file, and takes no others.

Only keywords that JSON Schema has had since draft 7 are used: editors know them best.
"""

import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from cnnspec import blocks, expression, items, variables
from cnnspec.blocks import Block
from cnnspec.errors import shown
from cnnspec.item_slips import MODIFIERS
from cnnspec.layers import LAYERS, REGISTRY, Composite, Element
from cnnspec.sections import BlockBody, Top
from cnnspec.spec import Spec
from cnnspec.template import words
from cnnspec.validation import LIKE_A_VALUE
from cnnspec.views.vocabulary import sentence

Schema = dict[str, Any]

SECTIONS = ("input", "data", "train")
"""The keys of a file whose values may use variables, but no blocks."""

_EVERYWHERE = frozenset(("in_channels", *items.IN_REPEAT))
"""Names that need no definition in the file."""

_MODIFIERS: dict[str, Schema] = {
    "name": {"description": "name of the module, which the keys of the weights begin with"},
    "repeat": {
        "description": "how many times in a row; `index` counts from 0",
        "type": "integer",
        "minimum": 0,
        "maximum": items.MAX_REPEAT,
    },
    "when": {"description": "whether the item is there at all", "type": "boolean"},
}


def json_schema(spec: Spec | None = None) -> Schema:
    """Return the JSON Schema of every spec, or of the one file that `spec` comes from."""
    definitions = _names()
    if spec:
        names = _EVERYWHERE.union(spec.vars, *(block.arguments for block in spec.blocks.values()))
        top = _top(_Scope(definitions, names=names, blocks=spec.blocks), spec)
    else:
        top = _any_top(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"cnnspec: {spec.name}" if spec else "cnnspec",
        **top,
        "$defs": definitions,
    }


def _any_top(definitions: Schema) -> Schema:
    """Return the keys of a file that may give any names, where it has the sections for them."""
    free = _Scope(definitions, names=None, blocks=None)
    named = _Scope(definitions, names=None, blocks={}, prefix="vars_")
    plain = _Scope(definitions, names=_EVERYWHERE, blocks={}, prefix="plain_", leaves="plain_")
    top = _top(free)
    keys = top["properties"]
    having = {name: keys[name] for name in SECTIONS}
    without = {name: plain.model(Top)["properties"][name] for name in SECTIONS}
    for name in (*SECTIONS, "layers"):
        keys[name] = {"description": keys[name]["description"]}
    top["allOf"] = [
        _if_has("vars", {"properties": having}, {"properties": without}),
        _if_has("blocks", _network(free), _if_has("vars", _network(named), _network(plain))),
    ]
    return top


def _network(scope: "_Scope") -> Schema:
    return {"properties": {"layers": scope.layers(minItems=1)}}


def _if_has(name: str, then: Schema, otherwise: Schema) -> Schema:
    return {"if": {"required": [name]}, "then": then, "else": otherwise}


def _top(scope: "_Scope", spec: Spec | None = None) -> Schema:
    """Return the keys of a file."""
    top = scope.model(Top)
    keys = top["properties"]
    value, name = scope.ref("value"), {"$ref": "#/$defs/name"}
    body = scope.model(BlockBody)
    body["properties"]["layers"] |= scope.layers(minItems=1)
    default = {"anyOf": [{"type": "null"}, value]}
    body["properties"]["args"] |= {"propertyNames": name, "additionalProperties": default}
    variant = {"type": "object", "additionalProperties": value}
    if spec:
        known = {one: {"description": f"{shown(now)} now", **value} for one, now in spec.vars.items()}
        variant |= {"properties": known, "additionalProperties": False}
    keys["vars"] |= {"propertyNames": name, "additionalProperties": value}
    keys["variants"] |= {
        "propertyNames": {"pattern": f"^{variables.VARIANT.pattern}$"},
        "additionalProperties": variant,
    }
    keys["blocks"] |= {"propertyNames": {"$ref": "#/$defs/block_name"}, "additionalProperties": body}
    keys["layers"] |= scope.layers(minItems=1)
    return top


def _names() -> Schema:
    """Return the definitions of what things may be called, and of an item's number of keys."""
    module = {*items.RESERVED, *keyword.kwlist}
    variable = {*expression.RESERVED, *_EVERYWHERE, *words()}
    block = {*items.RESERVED, *REGISTRY, *MODIFIERS}
    return {
        "name": _name(variables.NAME.pattern, variable),
        "block_name": _name(blocks.NAME.pattern, block),
        "item_name": _name(blocks.NAME.pattern, {*items.RESERVED}),
        "module_name": _name(f"(?!_){items.NAME.pattern}", module),
        "one_layer": _one_layer(MODIFIERS),
    }


def _name(pattern: str, taken: set[str]) -> Schema:
    message = "letters, digits or `_`, and no word that has a meaning already"
    return {"pattern": f"^{pattern}$", "not": {"enum": sorted(taken)}, "patternErrorMessage": message}


def _one_layer(modifiers: tuple[str, ...], keys: int = 1) -> Schema:
    """Return that an item has one key beside the modifiers, whatever it is called."""
    if not modifiers:
        return {"minProperties": keys, "maxProperties": keys}
    first, *rest = modifiers
    return _if_has(first, _one_layer((*rest,), keys + 1), _one_layer((*rest,), keys))


@dataclass(frozen=True)
class _Scope:
    """A part of the schema in which certain names are known, or any, where they are None.

    Its definitions begin with `prefix`; those of layers, which know no blocks, with `leaves`.
    """

    definitions: Schema
    names: frozenset[str] | None
    blocks: Mapping[str, Block] | None
    prefix: str = ""
    leaves: str = ""

    def __post_init__(self) -> None:
        """Define all that can stand in lists of layers."""
        value: Schema = {"type": ["number", "boolean", "string", "array"], "items": self.ref("value")}
        own: Schema = {
            "expression": _expression(self.names),
            "value": value | self.ref("expression"),
            **{name: self._form(layer) for name, layer in LAYERS.items()},
        }
        self.definitions.update({self.leaves + name: one for name, one in own.items()})
        composed = {n: self._form(e) for n, e in REGISTRY.items() if issubclass(e, Composite)}
        composed["item"] = self._item()
        self.definitions.update({self.prefix + name: one for name, one in composed.items()})

    def ref(self, name: str) -> Schema:
        """Return the reference to a definition."""
        own = name == "item" or (name in REGISTRY and name not in LAYERS)
        return {"$ref": f"#/$defs/{self.prefix if own else self.leaves}{name}"}

    def layers(self, **limits: int) -> Schema:
        """Return a list of layers."""
        return {"type": "array", "items": self.ref("item"), **limits}

    def model(self, model: type[BaseModel]) -> Schema:
        """Return a model's fields, where expressions may stand for numbers, truth values and words."""
        whole = model.model_json_schema()
        return self._open(whole, whole.get("$defs", {}))

    def _open(self, schema: Schema, models: Schema) -> Schema:
        """Return pydantic's schema of a value with room for expressions."""
        schema = {key: one for key, one in schema.items() if key not in ("title", "$defs")}
        if schema.get("default") in (None, "", {}, []):
            schema.pop("default", None)
        if "description" in schema:
            schema |= _described(schema["description"])
        if "$ref" in schema:
            schema = models[schema.pop("$ref").rpartition("/")[2]] | schema
            return self._open(schema, models)
        if "properties" in schema:
            fields = {name: self._open(one, models) for name, one in schema["properties"].items()}
            return schema | {"properties": fields}
        if "anyOf" in schema:
            return schema | _either([self._open(one, models) for one in schema.pop("anyOf")])
        allowed = schema.get("enum", [schema["const"]] if "const" in schema else [])
        if allowed:
            if not all(isinstance(word, str) for word in allowed):
                return schema
            schema = {key: one for key, one in schema.items() if key not in ("enum", "const", "type")}
            return schema | {"anyOf": [{"enum": allowed}, {"type": "string", **self.ref("expression")}]}
        kind = schema.get("type")
        if kind == "array":
            schema["items"] = self._open(schema["items"], models)
        if kind in ("integer", "number", "boolean", "array"):
            schema |= {"type": [kind, "string"], **self.ref("expression")}
        return schema

    def _form(self, element: type[Element]) -> Schema:
        """Return what may stand after a layer's name and colon."""
        fields = self.model(element) | {"title": element.type, **_told(element)}
        if issubclass(element, Composite):
            for name in element.lists:
                one = self._branches() if element.branched else self.layers()
                fields["properties"][name] = one | _described(element.model_fields[name].description or "")
        if element.main is None:
            return fields
        alone = {k: v for k, v in fields["properties"][element.main].items() if k not in _NOTES}
        if issubclass(element, Composite):
            alone = {"type": "array", "items": alone["items"]}
        return _either([fields, alone])

    def _branches(self) -> Schema:
        """Return several lists of layers, in a list or by name."""
        by_name = {"propertyNames": {"$ref": "#/$defs/module_name"}, "additionalProperties": self.layers()}
        either: Schema = {"type": ["array", "object"], "minItems": 1, "minProperties": 1}
        return either | {"items": self.layers(), **by_name}

    def _item(self) -> Schema:
        """Return a layer, composition or block with its modifiers."""
        calls = {name: self._call(block) for name, block in (self.blocks or {}).items()}
        alone = [
            {"const": name, **_told(element)}
            for name, element in REGISTRY.items()
            if not any(info.is_required() for info in element.model_fields.values())
        ]
        for name, call in calls.items():
            if not call.get("required"):
                alone.append({"const": name, "description": call["description"]})
        beside = {name: self._open(one, {}) for name, one in _MODIFIERS.items()}
        item: Schema = {
            "type": ["object", "string"],
            "properties": {**calls, **{name: self.ref(name) for name in REGISTRY}, **beside},
            "additionalProperties": False,
            "allOf": [{"$ref": "#/$defs/one_layer"}],
        }
        if self.blocks is None:
            item["additionalProperties"] = self._any_call()
            item["propertyNames"] = {"$ref": "#/$defs/item_name"}
            alone.append({"$ref": "#/$defs/block_name"})
        return item | {"anyOf": [{"type": "object"}, {"type": "string", "oneOf": alone}]}

    def _any_call(self) -> Schema:
        """Return what a block may be given of which nothing is known."""
        value = self.definitions[f"{self.leaves}value"]
        arguments = {"type": "object", "additionalProperties": self.ref("value")}
        return _either([arguments, value]) | {"description": "a block of this file"}

    def _call(self, block: Block) -> Schema:
        """Return what a block may be given: its arguments, or the first of them alone."""
        arguments = {
            name: self.ref("value")
            | ({"description": f"{shown(default.value)} if not given"} if default else {})
            for name, default in block.arguments.items()
        }
        needed = [name for name, default in block.arguments.items() if default is None]
        given: Schema = {"type": "object", "properties": arguments, "additionalProperties": False}
        if needed:
            given["required"] = needed
        if arguments and needed in ([], [next(iter(arguments))]):
            given = _either([given, self.definitions[f"{self.leaves}value"]])
        told = f"block of this file{' with ' if arguments else ''}{', '.join(arguments)}"
        return given | {"title": block.name, "description": told}


def _either(options: list[Schema]) -> Schema:
    """Return that one of several schemas holds: as one schema with several types where that says the same.

    An editor then names what is wrong with the value, and not that it is none of several.
    """
    folded: list[Schema] = []
    for option in options:
        for index, other in enumerate(folded):
            both = (option.keys() & other.keys()) - {"type"}
            whole = {"type"} <= option.keys() & other.keys() and not _WHOLE & {*option, *other}
            if whole and all(option[key] == other[key] for key in both):
                kinds = [*_kinds(other), *(kind for kind in _kinds(option) if kind not in _kinds(other))]
                folded[index] = other | option | {"type": kinds}
                break
        else:
            folded.append(option)
    return folded[0] if len(folded) == 1 else {"anyOf": folded}


_WHOLE = {"anyOf", "oneOf", "allOf", "enum", "const"}
"""Keywords that judge values of every type; all others used here judge those of one."""

_NOTES = ("description", "markdownDescription", "default", "title")
"""Keywords that judge nothing."""


def _kinds(schema: Schema) -> list[str]:
    return schema["type"] if isinstance(schema["type"], list) else [schema["type"]]


def _described(text: str) -> Schema:
    """Return a description, also as Markdown where it holds any."""
    return {"description": text} | ({"markdownDescription": text} if "`" in text else {})


def _told(element: type[Element]) -> Schema:
    told, example = sentence(element), f"- {element.example}"
    return {
        "description": f"{told}\n\n{example}",
        "markdownDescription": f"{told}\n```yaml\n{example}\n```",
    }


def _expression(names: frozenset[str] | None) -> Schema:
    """Return the form of expressions whose names are known, or may be any."""
    functions = "|".join(expression.FUNCTIONS)
    name = r"[A-Za-z_][A-Za-z0-9_]*"
    if names is not None:
        name = f"(?:{'|'.join(sorted({*names, *words(), 'true', 'false'}))})(?![A-Za-z0-9_])"
    taken = f"(?!(?:and|or|not|if|else|{functions})(?![A-Za-z0-9_]))"
    number = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![A-Za-z0-9_.])"
    before = rf"\s*(?:[-+(]|not(?![A-Za-z0-9_])|(?:{functions})\s*\()"
    operand = rf"(?:{before})*\s*(?:{number}|{taken}{name})(?:\s*(?::\s*)?[)\]])*"
    between = r"\s*(?:\*\*|//|[-+*/%,:]|\[\s*:?|[<>]=?|[=!]=|(?:and|or|if|else)(?![A-Za-z0-9_]))"
    told = "neither a value that may stand here nor an expression, such as `4 * width`"
    if names is not None:
        told += f"; the names for expressions are {', '.join(sorted(names))}"
    return {
        "pattern": rf"^(?!(?:{LIKE_A_VALUE.pattern})$){operand}(?:{between}{operand})*\s*$",
        "patternErrorMessage": told,
    }
