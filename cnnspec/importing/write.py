"""The file's text, as a person writes it: settings of a layer on its line, blocks before the layers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cnnspec.importing.fold.items import Blocks, Expr, Item, Items, Network, default_of
from cnnspec.language.yaml_text import to_yaml
from cnnspec.layers import REGISTRY
from cnnspec.shape import Shape

WIDTH = 100
SHORT = 3
"""Items in lists that are written on one line at most."""


def write(network: Network, name: str, description: str, x: Shape) -> str:
    """Return the spec's text."""
    head = {"cnnspec": 1, "name": name, "description": description, "input": list(x)}
    return to_yaml(head) + "\n" + "\n".join(lines_of(network)) + "\n"


def lines_of(network: Network) -> list[str]:
    """Return the lines of the sections `blocks` and `layers`."""
    writer = _Writer(network.blocks)
    lines: list[str] = []
    if network.blocks:
        lines.append("blocks:")
        for block in network.blocks.values():
            lines.append(f"  {block.name}:")
            if block.arguments:
                lines += writer.mapping("args", block.arguments, 4)
            lines.append("    layers:")
            lines += writer.items(block.body, 6)
            lines.append("")
    lines.append("layers:")
    return lines + list(writer.noted(network.layers))


class _Writer:
    """Writes items; each method returns lines, or the text of a value within one."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks

    def noted(self, row: Items) -> Iterator[str]:
        """Yield the network's own list, with the names that parts have in the module."""
        before = ""
        for item in row:
            lines = self.item(item, 2)
            part = _part(item)
            if part and part not in (before, item.word):
                number = next((n for n, line in enumerate(lines) if len(f"{line}  # {part}") <= WIDTH), None)
                if number is not None and (number == 0 or lines[number].endswith("}")):
                    lines[number] += f"  # {part}"
            before = part or before
            yield from lines

    def items(self, row: Items, indent: int) -> list[str]:
        """Return the lines of a list."""
        return [line for item in row for line in self.item(item, indent)]

    def item(self, item: Item, indent: int) -> list[str]:
        """Return the lines of an item."""
        space = " " * indent
        modifiers = [f"{space}  {name}: {_scalar(value)}" for name, value in _modifiers(item)]
        whole = self.flow(item)
        if modifiers and not whole.startswith("{"):
            whole = f"{{{whole}: {{}}}}"
        line = f"{space}- {whole[1:-1] if whole.startswith('{') else whole}"
        if len(line) <= WIDTH and self.brief(item):
            return [line, *modifiers]
        return [*self.long(item, indent), *modifiers]

    def brief(self, item: Item) -> bool:
        """Tell whether an item reads well on one line."""
        return not item.parts or _few([one for part in item.parts for one in part])

    def long(self, item: Item, indent: int) -> list[str]:
        """Return the lines of an item that does not fit on one."""
        start, inner = f"{' ' * indent}- {item.word}:", " " * (indent + 4)
        if not item.parts:
            return _wrapped(f"{' ' * indent}- {self.flow(item)[1:-1]}")
        fields = [f"{inner}{name}: {_scalar(value)}" for name, value in self.written(item).items()]
        if item.word == "sequence":
            return [start, *self.items(item.parts[0], indent + 4)]
        if item.word == "residual":
            layers, shortcut = item.parts
            if not shortcut and not fields:
                return [start, *self.items(layers, indent + 4)]
            lines = [start, *fields, f"{inner}layers:", *self.items(layers, indent + 6)]
            return [*lines, *self.branch(f"{inner}shortcut:", shortcut, indent + 6)] if shortcut else lines
        if not item.names:
            return [start, *(line for part in item.parts for line in self.unnamed(part, indent + 4))]
        lines = [start, f"{inner}branches:"]
        for name, part in zip(item.names, item.parts, strict=True):
            lines += self.branch(f"{inner}  {name}:", part, indent + 8)
        return lines

    def branch(self, start: str, row: Items, indent: int) -> list[str]:
        """Return the lines of a named list: on one if it fits."""
        line = f"{start} {self.flow_list(row)}"
        if len(line) <= WIDTH and _few(row):
            return [line]
        return [start, *self.items(row, indent)]

    def unnamed(self, row: Items, indent: int) -> list[str]:
        """Return the lines of a list in a list."""
        space = " " * indent
        line = f"{space}- {self.flow_list(row)}"
        if not row or (len(line) <= WIDTH and _few(row)):
            return [line]
        first, *others = self.items(row, indent + 2)
        return [f"{space}- {first.lstrip()}", *others]

    def flow(self, item: Item) -> str:
        """Return an item as it stands within a line."""
        if item.parts:
            return f"{{{item.word}: {self.flow_parts(item)}}}"
        fields = {name: _scalar(value, flow=True) for name, value in self.written(item).items()}
        if not fields:
            return item.word
        if list(fields) == [self.main(item.word)]:
            return f"{{{item.word}: {next(iter(fields.values()))}}}"
        return f"{{{item.word}: {_mapping(fields)}}}"

    def flow_parts(self, item: Item) -> str:
        """Return what stands in a composition, within a line."""
        parts = [self.flow_list(part) for part in item.parts]
        fields = {name: _scalar(value, flow=True) for name, value in self.written(item).items()}
        if item.names:
            return f"{{branches: {_mapping(dict(zip(item.names, parts, strict=True)))}}}"
        if item.word == "residual":
            layers, shortcut = parts
            if item.parts[1]:
                return _mapping(fields | {"layers": layers, "shortcut": shortcut})
            return _mapping(fields | {"layers": layers}) if fields else layers
        return parts[0] if item.word == "sequence" else f"[{', '.join(parts)}]"

    def main(self, word: str) -> str | None:
        """Return the field that may stand alone: of a block, its first argument."""
        if word in self.blocks:
            return next(iter(self.blocks[word].arguments), None)
        return REGISTRY[word].main

    def flow_list(self, row: Items) -> str:
        """Return a list as it stands within a line."""
        texts = [self.flow(item) for item in row]
        return "[" + ", ".join(text[1:-1] if text.startswith("{") else text for text in texts) + "]"

    def written(self, item: Item) -> dict[str, Any]:
        """Return the fields that are not at their defaults; of a layer, `bias` at last, as one says it."""
        fields = sorted(item.fields, key=lambda field: field[0] == "bias" and item.word in REGISTRY)
        return {n: v for n, v in fields if v != default_of(item.word, n, self.blocks) or isinstance(v, Expr)}

    def mapping(self, name: str, values: Mapping[str, Any], indent: int) -> list[str]:
        """Return a mapping on one line, or on several."""
        texts = {key: _scalar(value, flow=True) for key, value in values.items()}
        return _wrapped(" " * indent + f"{name}: {_mapping(texts)}")


def _wrapped(line: str) -> list[str]:
    """Return a line with a mapping in braces, broken between its keys where it is too long."""
    lines = []
    indent = line.index("{") + 1
    while len(line) > WIDTH and ", " in line[indent:WIDTH]:
        cut = line.rindex(", ", indent, WIDTH) + 1
        lines.append(line[:cut])
        line = " " * indent + line[cut + 1 :]
    return [*lines, line]


def _few(row: Sequence[Item]) -> bool:
    """Tell whether a list is short and simple enough for one line."""
    return len(row) <= SHORT and all(not one.parts and not _modifiers(one) for one in row)


def _mapping(texts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {text}" for name, text in texts.items()) + "}"


def _modifiers(item: Item) -> list[tuple[str, Any]]:
    repeat = [("repeat", item.repeat)] if item.repeat != 1 else []
    return [*repeat, *([("when", item.when)] if item.when else [])]


def _part(item: Item) -> str:
    """Return the part of the module that an item of the network's own list comes from."""
    return item.scopes[0].path if item.scopes else ""


def _scalar(value: Any, *, flow: bool = False) -> str:
    """Return a value's text; within brackets, what holds a sign with a meaning there is in quotes."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_scalar(one, flow=True) for one in value) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float):
        return _number(value)
    text = str(value)
    return f'"{text}"' if flow and any(sign in text for sign in ",[]{}") else text


def _number(value: float) -> str:
    """Return a float as a person writes it: ``1e-5``, ``0.001``."""
    digits, e, power = repr(value).partition("e")
    return f"{digits}e{int(power)}" if e else digits.removesuffix(".0")
