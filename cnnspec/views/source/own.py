"""Our own modules as text, copied from the files that define them, so that a network's source is the same code."""

import ast
import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from cnnspec.language.arithmetic import FUNCTIONS

FILES = ("layers.py", "composition.py")
"""The files of the package `cnnspec.model` that define modules."""


@cache
def classes() -> dict[str, tuple[str, ...]]:
    """Return the names of our own modules, each with those of its constructor's plain arguments."""
    return {
        name: _arguments(node)
        for file in FILES
        for name, node in _definitions(file).items()
        if not name.startswith("_")
    }


def copied(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the lines that import what our own modules of these names need, and the text of each."""
    wanted = set(names)
    imports: list[str] = []
    texts: list[str] = []
    for file in FILES:
        text = _text(file)
        definitions = _definitions(file)
        needed = {name for name in definitions if name in wanted}
        needed |= {
            name for known in list(needed) for name in _names(definitions[known]) if name in definitions
        }
        chosen = [node for name, node in definitions.items() if name in needed]
        texts += ["\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno]) for node in chosen]
        used = {name for node in chosen for name in _names(node)}
        imports += [line for name, line in _imports(file) if name in used]
    return imports, texts


def function(name: str) -> str:
    """Return the text of a function that expressions of the spec call."""
    return inspect.getsource(FUNCTIONS[name][2]).rstrip()


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _arguments(node: ast.ClassDef) -> tuple[str, ...]:
    functions = (one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
    return next((tuple(argument.arg for argument in one.args.args[1:]) for one in functions), ())


@cache
def _text(file: str) -> str:
    return files("cnnspec").joinpath("model", file).read_text("utf-8")  # read, not imported


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse(_text(file))


def _definitions(file: str) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in _tree(file).body if isinstance(node, ast.ClassDef)}


def _imports(file: str) -> Iterator[tuple[str, str]]:
    """Yield each name that a file imports, with a line that imports it alone."""
    for node in _tree(file).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                alone = ast.Import([alias])
                if isinstance(node, ast.ImportFrom):
                    alone = ast.ImportFrom(node.module, [alias], node.level)
                yield alias.asname or alias.name, ast.unparse(alone)
