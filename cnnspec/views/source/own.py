"""Code of ours as text, copied from the files that define it, so that a network's source is the same."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

MODULES = ("model.layers", "model.composition")
"""Where our own modules are defined, within the package."""

COPIED = (*MODULES, "data.digit", "data.prepare", "language.arithmetic")
"""All modules of which something may be copied."""

_PACKAGE = "cnnspec."

_Node = ast.ClassDef | ast.FunctionDef | ast.Assign


class Copy(NamedTuple):
    """Code with all that it needs of ours, and the lines that import what it needs besides."""

    imports: list[str]
    texts: list[str]


@cache
def classes() -> dict[str, tuple[str, ...]]:
    """Return the names of our own modules, each with those of its constructor's plain arguments."""
    return {
        name: _arguments(node)
        for module in MODULES
        for name, node in _definitions(module).items()
        if isinstance(node, ast.ClassDef) and not name.startswith("_")
    }


@cache
def names() -> frozenset[str]:
    """Return all names that copied code may define or import."""
    return frozenset(name for module in COPIED for name in (*_definitions(module), *_imports(module)))


def modules(names: Iterable[str]) -> Copy:
    """Return the code of those of our own modules that are among the names."""
    wanted = set(names)
    return copied((module, name) for module in MODULES for name in _definitions(module) if name in wanted)


def copied(wanted: Iterable[tuple[str, str]]) -> Copy:
    """Return the code of definitions by module and name, in the order of the files.

    It has all that they name of their own file, and of ours that this imports.
    """
    queue = list(wanted)
    found: dict[str, set[str]] = {}
    imports: dict[str, None] = {}
    while queue:
        module, name = queue.pop(0)
        if name in found.setdefault(module, set()):
            continue
        found[module].add(name)
        imported = _imports(module)
        for used in _names(_definitions(module)[name]):
            if used in _definitions(module):
                queue.append((module, used))
            elif used in imported:
                line, origin = imported[used]
                if origin:
                    queue.append((origin, used))
                else:
                    imports[line] = None
    texts = []
    for module, names in sorted(found.items(), key=lambda item: _rank(item[0])):
        chosen = [node for name, node in _definitions(module).items() if name in names]
        texts += [_text_of(module, node) for node in dict.fromkeys(chosen)]  # one may define two names
    return Copy(list(imports), texts)


def _rank(module: str) -> tuple[bool, str]:
    """Return what modules are sorted by: first those that others build on."""
    return "." in module, module


def _text_of(module: str, node: _Node) -> str:
    """Return the text of a definition, with the string after a constant that tells what it is."""
    body = _tree(module).body
    last: ast.stmt = node
    after = body[body.index(node) + 1 : body.index(node) + 2]
    if isinstance(node, ast.Assign) and after and isinstance(after[0], ast.Expr):
        last = after[0]
    return "\n".join(_text(module).splitlines()[node.lineno - 1 : last.end_lineno])


def _names(node: ast.AST) -> list[str]:
    """Return the names that a definition looks up, in order."""
    return list(dict.fromkeys(one.id for one in ast.walk(node) if isinstance(one, ast.Name)))


def _arguments(node: ast.ClassDef) -> tuple[str, ...]:
    functions = (one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
    return next((tuple(argument.arg for argument in one.args.args[1:]) for one in functions), ())


@cache
def _text(module: str) -> str:
    """Return the text of a module of the package, which is not imported."""
    *folders, file = module.split(".")
    return files("cnnspec").joinpath(*folders, f"{file}.py").read_text("utf-8")


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_text(module))


@cache
def _definitions(module: str) -> dict[str, _Node]:
    """Return the classes, functions and constants that a module defines."""
    found: dict[str, _Node] = {}
    for node in _tree(module).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            names = [
                one.id for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name)
            ]
            found |= dict.fromkeys(names, node)
    return found


@cache
def _imports(module: str) -> dict[str, tuple[str, str]]:
    """Return what a module imports by name: a line that imports it alone, and which module of ours has it."""
    return {name: (line, origin) for name, line, origin in _imported(_tree(module))}


def _imported(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    for node in tree.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        for alias in node.names:
            alone: ast.stmt = ast.Import([alias])
            origin = ""
            if isinstance(node, ast.ImportFrom):
                alone = ast.ImportFrom(node.module, [alias], node.level)
                origin = (node.module or "").removeprefix(_PACKAGE)
                origin = origin if origin != node.module else ""
            yield alias.asname or alias.name, ast.unparse(alone), origin
