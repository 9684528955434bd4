"""Random specs over the whole language, drawn by Hypothesis.

A spec is drawn item by item, each tried at once by the reference interpreter: so most fit, and
what does not fit is known. Layers and their fields are read from the registry: a new one is drawn, too.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from disguise import equals, forms, numbers
from hypothesis import strategies as st
from pydantic import ValidationError
from reference import BATCH, Drawn, Names, Reference, Refused, TooLarge, resolved
from torch import Tensor

from cnnspec.layers import LAYERS

EXAMPLES = int(os.environ.get("CNNSPEC_EXAMPLES", "1000"))
"""Specs that are drawn in a run; `make fuzz` draws more."""

Draw = Callable[[st.SearchStrategy[Any]], Any]

SMALL = st.integers(1, 4)
COMPOSITIONS = ("sequence", "residual", "add", "concat", "multiply")
VARIABLES: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
    "a": lambda: SMALL,
    "width": lambda: SMALL,
    "rate": lambda: st.sampled_from([0.25, 0.5, 1.5]),
    "flag": st.booleans,
    "mode": lambda: st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
    "rows": lambda: st.lists(SMALL, min_size=1, max_size=4),
    "grid": lambda: st.lists(st.lists(SMALL, min_size=2, max_size=2), min_size=1, max_size=3),
}
_PERCENT = st.integers(0, 99)
MAX_NESTING = 3


@st.composite
def specs(draw: Draw, *, valid: bool | None = None, plain: bool = False) -> Drawn:
    """Draw a spec; a third does not care whether it fits, unless all are to be `valid`.

    A `plain` one has only layers and compositions.
    """
    return Writer(draw, valid=draw(st.integers(0, 2)) > 0 if valid is None else valid, plain=plain).spec()


@dataclass
class Writer:
    """Writes a spec; `valid` tells whether what does not fit is replaced."""

    draw: Draw
    valid: bool = True
    plain: bool = False
    blocks: dict[str, Any] = field(default_factory=dict)
    typical: dict[str, dict[str, Any]] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    kinds: Mapping[str, Callable[[], st.SearchStrategy[Any]]] = field(default_factory=lambda: VARIABLES)
    names: int = 0

    def odds(self, percent: int) -> bool:
        """Return True that often."""
        return bool(self.draw(_PERCENT) >= 100 - percent)  # shrinks to False

    def spec(self) -> Drawn:
        drawn = Drawn({})
        if not self.plain and self.odds(60):
            drawn = self.with_variables()
        self.variables = drawn.variables()
        rank = self.draw(st.sampled_from([2, 2, 2, 1, 3]))
        shape = [self.draw(st.integers(1, 6)), *(self.draw(st.integers(1, 12 // rank)) for _ in range(rank))]
        drawn.values["input"] = [self.disguised(size, self.variables) for size in shape]
        x = torch.randn(BATCH, *shape)
        layers, _ = self.items(x, self.variables, 0, most=6)
        if self.blocks:
            drawn.values["blocks"] = self.blocks
        if self.odds(20):
            drawn.values["name"] = "net-1.0"
        drawn.values["layers"] = layers
        return drawn

    def with_variables(self) -> Drawn:
        """Draw variables, some by expressions of those before them, and variants."""
        given: dict[str, Any] = {}
        kinds = {name: kind for name, kind in self.kinds.items() if self.odds(60)}
        for name, kind in kinds.items():
            given[name] = self.disguised(self.draw(kind()), resolved(given, {}))
        if not given or not self.odds(30):
            return Drawn({"vars": given} if given else {})
        variants = {
            variant: {name: self.draw(kind()) for name, kind in kinds.items() if self.odds(40)}
            for variant in ("small", "large2.0")
        }
        chosen = self.draw(st.sampled_from([None, *variants]))
        return Drawn({"vars": given, "variants": variants}, chosen or "small")

    def items(
        self, x: Tensor, names: Names, depth: int, *, least: int = 1, most: int = 3
    ) -> tuple[list[Any], Tensor]:
        """Draw a list of items for an input; return it with its output."""
        items: list[Any] = []
        for _ in range(self.draw(st.integers(least, most))):
            item, x = self.item(x, names, depth)
            items.append(item)
        return items, x

    def item(self, x: Tensor, names: Names, depth: int) -> tuple[Any, Tensor]:
        """Draw an item and try it; return it, or another that fits, with its output."""
        for _ in range(3):
            names_here = {**names, "in_channels": x.shape[1]}
            item = self.with_modifiers(x, names_here, depth)
            try:
                return item, self.tried(item, x, names_here)
            except TooLarge:
                continue
            except Refused:
                if not self.valid:
                    return item, x
        item = self.draw(st.sampled_from(["relu", "batchnorm", "sigmoid"]))
        return item, self.tried(item, x, names)

    def tried(self, item: Any, x: Tensor, names: Names) -> Tensor:
        """Return the output of an item; raises Refused."""
        return Reference(self.blocks, self.variables).run([item], x, names)

    def with_modifiers(self, x: Tensor, names: Names, depth: int) -> Any:
        """Draw an item with what stands beside it."""
        modifiers: dict[str, Any] = {}
        if self.odds(15):
            self.names += 1
            modifiers["name"] = f"part_{self.names}"
        if self.odds(20):
            count = self.draw(st.sampled_from([2, 3, 1, 0]))
            modifiers["repeat"] = self.disguised(count, names)
            names = {**names, "index": 0, "count": count}
        if self.odds(12):
            modifiers["when"] = self.disguised(not self.odds(30), names)
        item = self.word(x, names, depth)
        if not modifiers:
            return item
        return ({item: {}} if isinstance(item, str) else item) | modifiers

    def word(self, x: Tensor, names: Names, depth: int) -> Any:
        """Draw a layer, a composition, or the call of a block."""
        if depth < MAX_NESTING and self.odds(25):
            return self.composition(x, names, depth + 1)
        if not self.plain and self.odds(15):
            return self.call(x, names, depth)
        return self.layer(x, names)

    def layer(self, x: Tensor, names: Names) -> Any:
        """Draw a layer with fields of the kinds that its JSON Schema tells."""
        word = self.draw(st.sampled_from(_words(x.ndim > 2)))
        layer, schema = LAYERS[word], _schema(word)
        required = schema.get("required", [])
        fields = {
            name: self.value(one, x)
            for name, one in schema.get("properties", {}).items()
            if name in required or self.odds(30)
        }
        try:
            layer.of(fields)
        except ValidationError:  # fields that do not go together, wherever the layer stands
            fields = layer.cases[0].fields
        if not fields:
            return word
        fields = {name: self.disguised(value, names) for name, value in fields.items()}
        alone = len(fields) == 1 and layer.main in fields and self.odds(60)
        return {word: fields[layer.main] if alone else fields}

    def value(self, schema: Any, x: Tensor) -> Any:
        """Draw a value that a JSON Schema describes, small and mostly one that fits."""
        if "anyOf" in schema:
            kinds = [kind for kind in schema["anyOf"] if kind.get("type") != "null"]
            return self.value(self.draw(st.sampled_from(kinds)), x)
        if "enum" in schema or "const" in schema:
            return self.draw(st.sampled_from(schema.get("enum", [schema.get("const")])))
        if schema["type"] == "array":
            axes = x.ndim - 2 if self.valid or self.odds(80) else 3
            length = min(max(axes, schema.get("minItems", 1)), schema.get("maxItems", 3))
            return [self.value(schema["items"], x) for _ in range(length)]
        if schema["type"] == "integer":
            lowest = max(schema.get("minimum", -3), -3)
            channels = x.shape[1]
            near = [*(n for n in (1, 2, 3, 4) if channels % n == 0), channels, channels + 1]
            wholes = st.sampled_from(near) | st.integers(lowest, lowest + 2) | st.integers(lowest, 8)
            return self.draw(wholes if self.valid or self.odds(50) else st.integers(lowest, 12))
        if schema["type"] == "number":
            most = schema.get("maximum", 2)
            return self.draw(st.sampled_from([n for n in (0.5, 0.25, 0.1, 1, 1.5, 2) if n <= most]))
        assert schema["type"] == "boolean"
        return self.draw(st.booleans())

    def composition(self, x: Tensor, names: Names, depth: int) -> Any:
        """Draw a composition whose parts mostly agree."""
        word = self.draw(st.sampled_from(COMPOSITIONS))
        first, y = self.items(x, names, depth)
        if word == "sequence":
            return {word: {"layers": first} if self.odds(20) else first}
        if word == "residual":
            fields: dict[str, Any] = {"layers": first}
            if x.shape != y.shape or self.odds(30):
                fields["shortcut"] = self.branch(x, y, names, depth)
            if self.odds(20):
                fields["skip"] = self.disguised(self.draw(st.booleans()), names)
            return {word: first if len(fields) == 1 and self.odds(60) else fields}
        y = y.mean(tuple(range(2, y.ndim)), keepdim=True) if word == "multiply" and self.odds(40) else y
        more = [self.branch(x, y, names, depth, word) for _ in range(self.draw(st.integers(1, 2)))]
        branches = [first, *more]
        if self.odds(40):
            return {word: {"branches": {f"way{i}": branch for i, branch in enumerate(branches)}}}
        return {word: branches if self.odds(60) else {"branches": branches}}

    def branch(self, x: Tensor, like: Tensor, names: Names, depth: int, word: str = "") -> list[Any]:
        """Draw a list of items whose output is like another's, by layers at its end if need be."""
        if x.shape == like.shape and self.odds(30):
            return []
        items, y = self.items(x, names, depth, least=0, most=2)
        if not self.valid and self.odds(40):
            return items
        if y.ndim != like.ndim:
            items, y = [*items, *(["flatten"] if y.ndim > like.ndim else [])], y.flatten(1)
        if y.shape[2:] != like.shape[2:]:
            items = [*items, {"adaptive_avgpool": [*like.shape[2:]]}]
        if y.shape[1] != like.shape[1] and word != "concat":
            width = like.shape[1]
            items = [*items, {"fc": width} if like.ndim == 2 else {"conv": {"filters": width, "kernel": 1}}]
        return items

    def call(self, x: Tensor, names: Names, depth: int) -> Any:
        """Draw the call of a block: one that there is, or a new one."""
        if not self.blocks or (len(self.blocks) < 4 and depth < MAX_NESTING and self.odds(60)):
            word = self.block(x, depth)
        else:
            word = self.draw(st.sampled_from(list(self.blocks)))
        arguments = self.blocks[word].get("args", {})
        given = {
            name: self.disguised(self.typical[word][name], names)
            for name, default in arguments.items()
            if default is None or self.odds(40)
        }
        alone = len(given) == 1 and list(given) == list(arguments)[:1] and self.odds(60)
        return {word: given[next(iter(given))] if alone else given} if given else word

    def block(self, x: Tensor, depth: int) -> str:
        """Draw a block, made for an input; return its name."""
        inside = {**self.variables, "in_channels": x.shape[1]}
        arguments: dict[str, Any] = {}
        values: dict[str, Any] = {}
        for name in ("filters", "stride", "yes")[: self.draw(st.integers(0, 3))]:
            values[name] = self.draw(st.booleans() if name == "yes" else SMALL)
            arguments[name] = self.disguised(values[name], inside) if self.odds(50) else None
            inside[name] = values[name]
        body, _ = self.items(x, inside, depth + 1)
        word = f"block{len(self.blocks)}"
        self.blocks[word] = ({"args": arguments} if arguments else {}) | {"layers": body}
        self.typical[word] = values
        return word

    def disguised(self, value: Any, names: Names) -> Any:
        """Return a value as it is, or as an expression that comes to it."""
        if isinstance(value, list):
            return [self.disguised(one, names) for one in value]
        known = numbers(names)[-4:]  # those last known: arguments, in_channels, index
        if self.plain or not known or not self.odds(45):
            return value
        form = self.draw(st.sampled_from([value, *forms(value, names, self.draw(st.sampled_from(known)))]))
        return form if equals(form, value, names) else value


@cache
def _schema(word: str) -> dict[str, Any]:
    return LAYERS[word].model_json_schema()


@cache
def _words(spatial: bool) -> list[str]:
    """Return the layers to draw from: windows more often, and for a flat input mostly those that take it."""
    if not spatial:
        return [*["fc", "relu", "batchnorm", "dropout", "flatten"] * 12, *LAYERS]
    windows = [word for word, layer in LAYERS.items() if layer.family in ("convolution", "pooling")]
    return [*LAYERS, *windows * 2]
