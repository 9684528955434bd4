"""The file's text, as a person writes it: settings of a layer on its line, blocks before the layers."""

from collections.abc import Iterator, Mapping
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
        if not item.parts:
            return True
        inner = [one for part in item.parts for one in part]
        simple = all(not one.parts and not _modifiers(one) for one in inner)
        return simple and (len(inner) <= SHORT or (item.word in REGISTRY and len(inner) <= SHORT))

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
        if (
            len(line) <= WIDTH
            and len(row) <= SHORT
            and all(not one.parts and not _modifiers(one) for one in row)
        ):
            return [line]
        return [start, *self.items(row, indent)]

    def unnamed(self, row: Items, indent: int) -> list[str]:
        """Return the lines of a list in a list."""
        space = " " * indent
        line = f"{space}- {self.flow_list(row)}"
        if not row or (
            len(line) <= WIDTH
            and len(row) <= SHORT
            and all(not one.parts and not _modifiers(one) for one in row)
        ):
            return [line]
        first, *others = self.items(row, indent + 2)
        return [f"{space}- {first.lstrip()}", *others]

    def flow(self, item: Item) -> str:  # noqa: PLR0911  # one for each form that an item has
        """Return an item as it stands within a line."""
        if item.parts:
            parts = [self.flow_list(part) for part in item.parts]
            fields = [f"{name}: {_scalar(value, flow=True)}" for name, value in self.written(item).items()]
            if item.word == "sequence":
                return f"{{{item.word}: {parts[0]}}}"
            if item.word == "residual":
                if len(item.parts[1]) == 0 and not fields:
                    return f"{{{item.word}: {parts[0]}}}"
                shortcut = [f"shortcut: {parts[1]}"] if item.parts[1] else []
                return f"{{{item.word}: {{{', '.join([*fields, f'layers: {parts[0]}', *shortcut])}}}}}"
            if item.names:
                named = ", ".join(f"{name}: {part}" for name, part in zip(item.names, parts, strict=True))
                return f"{{{item.word}: {{branches: {{{named}}}}}}}"
            return f"{{{item.word}: [{', '.join(parts)}]}}"
        given = self.written(item)
        if not given:
            return item.word
        main = (
            next(iter(self.blocks[item.word].arguments))
            if item.word in self.blocks
            else REGISTRY[item.word].main
        )
        if main is not None and list(given) == [main]:
            return f"{{{item.word}: {_scalar(given[main], flow=True)}}}"
        inner = ", ".join(f"{name}: {_scalar(value, flow=True)}" for name, value in given.items())
        return f"{{{item.word}: {{{inner}}}}}"

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
        inner = ", ".join(f"{key}: {_scalar(value, flow=True)}" for key, value in values.items())
        return _wrapped(" " * indent + f"{name}: {{{inner}}}")


def _wrapped(line: str) -> list[str]:
    """Return a line with a mapping in braces, broken between its keys where it is too long."""
    lines = []
    indent = line.index("{") + 1
    while len(line) > WIDTH and ", " in line[indent:WIDTH]:
        cut = line.rindex(", ", indent, WIDTH) + 1
        lines.append(line[:cut])
        line = " " * indent + line[cut + 1 :]
    return [*lines, line]


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
    text = repr(value)
    if "e" in text:
        digits, _, power = text.partition("e")
        return f"{digits}e{int(power)}"
    exact = value != int(value) or abs(value) < 1e15
    return text.removesuffix(".0") if exact else text
