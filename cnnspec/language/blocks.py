"""Blocks: pieces of a network with arguments, written once and used like a layer."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cnnspec.errors import MAX_PROBLEMS, MAX_USES, Problem, shown
from cnnspec.language.document import Document, KeyPath
from cnnspec.language.item_slips import MODIFIERS
from cnnspec.language.items import RESERVED, Item, Scope, parse_items
from cnnspec.language.sections import BlockBody
from cnnspec.language.template import Definition, cut_off, define
from cnnspec.language.validation import validate
from cnnspec.language.variables import variable_name_problems
from cnnspec.layers import REGISTRY

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its arguments with their defaults, None for what must be given, and its layers.

    A `broken` one has problems that are told already: what it does to a shape is not known,
    and of one without a `head` not even its arguments are.
    """

    name: str
    arguments: Mapping[str, Definition | None] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    broken: bool = False
    head: bool = True

    @property
    def signature(self) -> dict[str, bool] | None:
        """Each argument with whether it must be given; None where that is not known."""
        if not self.head:
            return None
        return {name: default is None for name, default in self.arguments.items()}

    def resolved(self) -> dict[str, Any]:
        """Return the block as plain values."""
        arguments = {name: default.value if default else None for name, default in self.arguments.items()}
        body = {"layers": [item.resolved() for item in self.items]}
        return {"args": arguments} | body if arguments else body


def read(
    given: dict[str, Any], document: Document, variables: frozenset[str]
) -> tuple[dict[str, Block], list[Problem]]:
    """Return the blocks of a file by name, and what is wrong with them."""
    problems: list[Problem] = []
    bodies: dict[str, BlockBody] = {}
    heads: dict[str, dict[str, Definition | None]] = {}
    broken: set[str] = set()
    headless: set[str] = set()
    misnamed = False
    for name, value in given.items():
        path: KeyPath = ("blocks", name)
        more = _name_problems(name, document, path)
        misnamed = misnamed or bool(more)
        body, wrong = validate(BlockBody, value, document, path, name)
        heads[name], worse = _arguments(body.args if body else {}, document, (*path, "args"), variables)
        if body:
            bodies[name] = body
        refused = document.holds_refused((*path, "args"))
        if more or wrong or worse or refused:
            broken.add(name)
        if body is None or worse or refused:
            headless.add(name)
        problems += [*more, *wrong, *worse]
        if len(problems) > MAX_PROBLEMS:
            break
    blocks = {
        name: Block(name, head, (), broken=True, head=name not in headless) for name, head in heads.items()
    }
    signatures = {name: block.signature for name, block in blocks.items()}
    for name, body in bodies.items():
        path = ("blocks", name, "layers")
        scope = Scope(variables | {*heads[name], "in_channels"}, signatures)
        items, more = parse_items(body.layers, document, path, scope)
        if not body.layers:
            what, fix = f"block {name} is empty", "List at least one layer"
            more = [Problem(what, "", fix, document.place(path))]
        problems += more
        wrong_too = bool(more) or name in broken
        blocks[name] = replace(blocks[name], items=items, broken=wrong_too)
        if len(problems) > MAX_PROBLEMS:
            break
    cycle = [] if misnamed else _cycle(blocks)
    if cycle:
        problems.append(_cycle_problem(cycle, document))
    return blocks, problems


def _arguments(
    given: dict[str, Any], document: Document, path: KeyPath, variables: frozenset[str]
) -> tuple[dict[str, Definition | None], list[Problem]]:
    """Return the arguments' defaults, each of which may use those before it."""
    found: dict[str, Definition | None] = {}
    problems: list[Problem] = []
    cut = cut_off(given)
    for name, value in given.items():
        where = (*path, name)
        if name in cut:
            continue
        problems += variable_name_problems(name, "an argument", document, where)
        if value is None:
            found[name] = None
            continue
        known = variables | {*found, "in_channels"}
        found[name], more = define(value, document, where, known, frozenset(given) - known)
        problems += more
    return found, problems


def _name_problems(name: str, document: Document, path: KeyPath) -> list[Problem]:
    if not NAME.fullmatch(name):
        why = "it must be letters, digits or `_`, at most 64, and begin with a letter"
    elif name in REGISTRY:
        why = "there is a layer of that name"
    elif name in MODIFIERS or name in RESERVED:
        why = "that word has a meaning already"
    else:
        return []
    return [
        Problem(f"a block cannot be called {shown(name)}", why, "Choose another name", document.place(path))
    ]


def calls(items: tuple[Item, ...]) -> Iterator[Item]:
    """Yield the items that call a block, also those within compositions."""
    for item in items:
        if item.template is None:
            yield item
        for part in item.parts.values():
            yield from calls(part)


def _cycle(blocks: Mapping[str, Block]) -> list[Item]:
    """Return the calls by which a block contains itself, or an empty list."""
    done: set[str] = set()
    for start in blocks:
        if start in done:
            continue
        way: list[Item] = []
        on_way = {start}
        open_calls = [calls(blocks[start].items)]
        while open_calls:
            call = next(open_calls[-1], None)
            if call is None:
                open_calls.pop()
                done.add(way[-1].word if way else start)
                on_way.discard(way.pop().word if way else start)
            elif call.word in on_way:
                names = [start, *(item.word for item in way)]
                return [*way, call][names.index(call.word) :]
            elif call.word not in done:
                way.append(call)
                on_way.add(call.word)
                open_calls.append(calls(blocks[call.word].items))
    return []


def _cycle_problem(cycle: list[Item], document: Document) -> Problem:
    part = cycle if len(cycle) <= MAX_USES else [*cycle[:MAX_USES], cycle[-1]]
    names = [cycle[-1].word, *(item.word for item in part)]
    if len(cycle) > MAX_USES:
        names[-1:-1] = ["…"]
    lines = ", ".join(str(document.place(item.path).line) for item in part)
    way = f"{' → '.join(names)} (line{'s' * (len(cycle) > 1)} {lines})"
    what, why = f"block {names[0]} contains itself: {way}", "recursion is not part of the language"
    return Problem(what, why, "Use `repeat` to do something several times", document.place(cycle[-1].path))
