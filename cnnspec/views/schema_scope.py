"""Layers, compositions and blocks as JSON Schema, in a part of a spec where certain names are known."""

import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from cnnspec.errors import shown
from cnnspec.language import items
from cnnspec.language.arithmetic import FUNCTIONS
from cnnspec.language.blocks import Block
from cnnspec.language.field_words import words, words_within
from cnnspec.language.sections import Top
from cnnspec.language.validation import LIKE_A_VALUE
from cnnspec.layers import LAYERS, REGISTRY, Composite, Element
from cnnspec.views.vocabulary import sentence

Schema = dict[str, Any]

_MODIFIERS: dict[str, Schema] = {
    "name": {"description": "name of the module, which the names of its weights begin with"},
    "repeat": {
        "description": "how many times in a row; `index` counts them from 0",
        "type": "integer",
        "minimum": 0,
        "maximum": items.MAX_REPEAT,
    },
    "when": {"description": "whether the item is there at all", "type": "boolean"},
}

_NOTES = ("description", "markdownDescription", "default", "title")
"""Keywords that judge nothing."""

_APART = {"anyOf", "oneOf", "enum", "const", "items"}
"""Keywords that judge values of every type, or make editors believe that only a list may stand there."""

_END = "(?![A-Za-z0-9_])"
"""Where a word of an expression ends."""


@dataclass(frozen=True)
class Scope:
    """A part of a spec in which certain variables and blocks are known, or any, where they are None.

    It adds what can stand in its lists of layers to the definitions. Their names begin with
    `prefix`; those of layers, which know no blocks, with `leaves`.
    """

    definitions: Schema
    names: frozenset[str] | None
    blocks: Mapping[str, Block] | None
    prefix: str = ""
    leaves: str = ""

    def __post_init__(self) -> None:
        """Define all that lists of layers hold."""
        own = {"expression": _expression(self.names), "value": self.value}
        own |= {name: self._form(layer) for name, layer in LAYERS.items()}
        self.definitions.update({self.leaves + name: form for name, form in own.items()})
        composed = {name: self._form(e) for name, e in REGISTRY.items() if name not in LAYERS}
        composed["item"] = self._item()
        self.definitions.update({self.prefix + name: form for name, form in composed.items()})

    def _ref(self, name: str) -> Schema:
        composed = name == "item" or (name in REGISTRY and name not in LAYERS)
        return {"$ref": f"#/$defs/{self.prefix if composed else self.leaves}{name}"}

    @property
    def _expression(self) -> Schema:
        """What makes a text an expression; a `$ref` among other keywords would hide them from editors."""
        return {"allOf": [self._ref("expression")]}

    @property
    def value(self) -> Schema:
        """What a variable or an argument may be."""
        one = {"type": ["number", "boolean", "string"], **self._expression}
        many = {"type": "array", "items": self._ref("value")}
        return {"anyOf": [one, {"enum": sorted(words())}, many]}

    def layers(self, **limits: int) -> Schema:
        """Return a list of layers."""
        return {"type": "array", "items": self._ref("item"), **limits}

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
            return self._open(models[schema.pop("$ref").rpartition("/")[2]] | schema, models)
        if "properties" in schema:
            fields = {name: self._open(one, models) for name, one in schema["properties"].items()}
            return schema | {"properties": fields}
        if "anyOf" in schema:
            return schema | _either([self._open(one, models) for one in schema.pop("anyOf")])
        allowed = schema.get("enum", [schema["const"]] if "const" in schema else [])
        return self._open_words(schema, allowed) if allowed else self._open_kind(schema, models)

    def _open_words(self, schema: Schema, allowed: list[Any]) -> Schema:
        """Return the schema of one of several values with room for expressions, where these are words."""
        if not all(isinstance(word, str) for word in allowed):
            return schema
        rest = {key: one for key, one in schema.items() if key not in ("enum", "const", "type")}
        return rest | {"anyOf": [{"enum": allowed}, {"type": "string", **self._expression}]}

    def _open_kind(self, schema: Schema, models: Schema) -> Schema:
        """Return the schema of a value of some type with room for expressions."""
        kind = schema.get("type")
        if kind == "array":
            schema["items"] = self._open(schema["items"], models)
            if schema["items"].get("type") == "string":  # text is no value that an expression could have
                return schema
        if isinstance(schema.get("additionalProperties"), dict):
            schema["additionalProperties"] = self._open(schema["additionalProperties"], models)
        if kind in ("integer", "number", "boolean", "array"):
            schema |= {"type": [kind, "string"], **self._expression}
        return schema

    def _form(self, element: type[Element]) -> Schema:
        """Return what may stand after a layer's name and colon."""
        notes = {"title": element.type, **_told(element)}
        fields = {key: one for key, one in self.model(element).items() if key not in _NOTES}
        given = fields["properties"]
        if issubclass(element, Composite):
            for name in element.lists:
                form = self._branches() if element.branched else self.layers()
                given[name] = _described(element.model_fields[name].description or "") | form
        if element.main is None:
            return notes | fields
        alone = {key: one for key, one in given[element.main].items() if key not in _NOTES}
        if issubclass(element, Composite):
            alone = {"type": "array", "items": alone["items"]}
        return notes | _either([fields, alone])

    def _branches(self) -> Schema:
        """Return several lists of layers, in a list or by name."""
        layers = self.layers()
        name = {"$ref": "#/$defs/module_name"}
        either: Schema = {"type": ["array", "object"], "minItems": 1, "minProperties": 1}
        return either | {"items": layers, "propertyNames": name, "additionalProperties": layers}

    def _item(self) -> Schema:
        """Return a layer, composition or block with its modifiers."""
        known = self.blocks or {}
        calls = {name: self._call(block) for name, block in known.items()}
        words_alone: list[Schema] = [
            {"const": name, **_told(element)}
            for name, element in REGISTRY.items()
            if not any(info.is_required() for info in element.model_fields.values())
        ]
        words_alone += [
            {"const": name, "description": calls[name]["description"]}
            for name, block in known.items()
            if None not in block.arguments.values()
        ]
        item: Schema = {
            "type": ["object", "string"],
            "properties": {**calls, **{name: self._ref(name) for name in REGISTRY}, **self._modifiers()},
            "additionalProperties": False,
            "allOf": [{"$ref": "#/$defs/one_layer"}],
        }
        if self.blocks is None:
            arguments = {"type": "object", "additionalProperties": self._ref("value")}
            called: Schema = {"anyOf": [arguments, self._ref("value")]}
            item["additionalProperties"] = {"description": "a block of this file", **called}
            item["propertyNames"] = {"$ref": "#/$defs/item_name"}
            words_alone.append({"$ref": "#/$defs/block_name"})
        return item | {"anyOf": [{"type": "string", "oneOf": words_alone}, {"type": "object"}]}

    def _modifiers(self) -> Schema:
        opened = {name: self._open(one, {}) for name, one in _MODIFIERS.items()}
        opened["name"] |= {"type": "string", "allOf": [{"$ref": "#/$defs/module_name"}]}
        return opened

    def _call(self, block: Block) -> Schema:
        """Return what a block may be given: its arguments, or the first of them alone."""
        arguments = block.arguments
        needed = [name for name, default in arguments.items() if default is None]
        given: Schema = {
            "type": "object",
            "properties": dict.fromkeys(arguments, self._ref("value")),
            "additionalProperties": False,
            "required": needed,
        }
        told = [f"{n} ({_text(d.value)})" if d else n for n, d in arguments.items()]
        notes = {"title": block.name, "description": f"block with {', '.join(told)}" if told else "block"}
        if arguments and needed in ([], [next(iter(arguments))]):
            return notes | {"anyOf": [given, self._ref("value")]}
        return notes | given


def _either(options: list[Schema]) -> Schema:
    """Return that one of several schemas holds: as one schema with several types where that says the same.

    An editor then tells what is wrong with a value, and not that it is none of several.
    """
    folded: list[Schema] = []
    for option in options:
        for index, other in enumerate(folded):
            both = option.keys() & other.keys()
            apart = _APART & {*option, *other}
            if "type" in both and not apart and all(option[k] == other[k] for k in both - {"type"}):
                folded[index] = other | option | {"type": list(dict.fromkeys(_kinds(other) + _kinds(option)))}
                break
        else:
            folded.append(option)
    return folded[0] if len(folded) == 1 else {"anyOf": folded}


def _kinds(schema: Schema) -> list[str]:
    return schema["type"] if isinstance(schema["type"], list) else [schema["type"]]


def _described(text: str) -> Schema:
    """Return a description, also as Markdown where it holds any."""
    return {"description": text} | ({"markdownDescription": text} if "`" in text else {})


def _told(element: type[Element]) -> Schema:
    told, example = sentence(element), f"- {element.example}"
    markdown = f"{told}\n```yaml\n{example}\n```"
    return {"description": f"{told}\n\n{example}", "markdownDescription": markdown}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)


def _expression(names: frozenset[str] | None) -> Schema:
    """Return the form of expressions whose names are known, or may be any.

    It is that of operands with operators between them, and leaves it to the reader to count brackets.
    """
    functions = "|".join(FUNCTIONS)
    name, alone = "[A-Za-z_][A-Za-z0-9_]*", words()
    told = "neither a value that may stand here nor an expression, such as `4 * width`"
    if names is not None:
        sections = words_within(Top)
        alone |= sections - names
        name = f"(?:{'|'.join(sorted({*names, *words(), *sections, 'true', 'false'}))}){_END}"
        told += f"; names for expressions are {', '.join(sorted(names))}"
    taken = {*FUNCTIONS, *keyword.kwlist} - {"True", "False"}
    name = f"(?!(?:{'|'.join(sorted(taken))}){_END}){name}"
    number = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![A-Za-z0-9_.])"
    before = rf"\s*(?:[-+(]|not{_END}|(?:{functions})\s*\()"
    after = r"\s*[)\]]"
    operand = rf"(?:{before})*\s*(?:{number}|{name})(?:{after})*"
    between = rf"\s*(?:\*\*|//|[-+*/%,\[]|[<>]=?|[=!]=|(?:and|or|if|else){_END})"
    # Not a number in quotes, which is text, nor a word alone: what takes words lists its own.
    none = f"(?!(?:{'|'.join((LIKE_A_VALUE.pattern, *sorted(alone)))})$)"
    return {"pattern": rf"^{none}{operand}(?:{between}{operand})*\s*$", "patternErrorMessage": told}
