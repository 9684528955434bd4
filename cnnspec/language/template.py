"""Values of the file in which expressions stand: checked when read, filled when their names have values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from cnnspec.errors import Place, Problem, RuleError, shown
from cnnspec.language import expression
from cnnspec.language.arithmetic import Value
from cnnspec.language.document import Document, KeyPath
from cnnspec.language.expression import Expression
from cnnspec.language.field_words import takes_at, words
from cnnspec.language.validation import LIKE_A_VALUE, Context, validate
from cnnspec.layers import Composite, Element

M = TypeVar("M", bound=BaseModel)

MAX_ENTRIES = 1_000
MAX_LISTS = 8

Holes = Mapping[KeyPath, Expression]
"""Expressions by the way to them from the value that they stand in."""

Names = Mapping[str, Value]
"""What names stand for, where an expression is evaluated."""

_OPERATOR = re.compile(r"[-+*/%()\[\]<>=^&|?]| (if|and|or) |^not |^[A-Za-z_]\w*\.")
"""What makes a text an expression, be it one that is wrong."""


class Unfit(Exception):  # noqa: N818  # carries problems that have their place already
    """The values that expressions came to do not fit."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Template(Generic[M]):
    """Values for a pydantic model, in some of which stand expressions; `ready` is the model where none do."""

    model: type[M]
    values: dict[str, Any]
    holes: Holes
    document: Document
    path: KeyPath
    owner: str
    ready: M | None = None

    def resolved(self) -> dict[str, Any]:
        """Return the values as they stand in the file, with every default filled in."""
        if isinstance(self.ready, Element):
            return self.ready.resolved()
        fields = self.model.model_fields
        defaults = {name: info.default for name, info in fields.items() if not info.is_required()}
        given = {name: self.values.get(name, defaults.get(name)) for name in fields}
        return {name: value for name, value in given.items() if value is not None}

    def place(self, field: str | None) -> Place:
        """Return the place of a field, whether it has a key or stands alone, or of the values as a whole."""
        return self.document.place((*self.path, field) if field else self.path)

    def fill(self, names: Names) -> M:
        """Return the model with every expression evaluated; raises Unfit."""
        if self.ready is not None:
            return self.ready
        values = filled(self.values, self.holes, names, self.document, self.path)
        told = {way: hole.text for way, hole in self.holes.items()}
        model, problems = validate(
            self.model, values, self.document, self.path, self.owner, context=Context(told=told)
        )
        if model is None:
            raise Unfit(*problems)
        return model


def read(
    model: type[M],
    values: dict[str, Any],
    document: Document,
    path: KeyPath,
    owner: str,
    *,
    known: frozenset[str],
) -> tuple[Template[M] | None, list[Problem]]:
    """Return the template of a model's values, or what is wrong with them.

    `known` are the names that expressions may use here. What holds no expression is
    validated now, and the rest when the template is filled.
    """
    lists = model.lists if issubclass(model, Composite) else ()
    searched = {name: value for name, value in values.items() if name not in lists} if lists else values
    found = find(searched, document, path, known, model)
    later = frozenset(str(way[0]) for way in (*found.holes, *found.wrong))
    cut = cut_off(values)
    now = {name: value for name, value in values.items() if name not in later and name not in cut}
    ready, problems = validate(model, now, document, path, owner, context=Context(known=known, later=later))
    problems = [*found.problems, *problems]
    if problems:
        return None, problems
    return Template(model, values, found.holes, document, path, owner, None if later else ready), []


def cut_off(values: Mapping[str, Any]) -> set[str]:
    """Return the keys that are only the rest of an expression, which a comma in braces cut off."""
    found = set()
    is_open = False
    for name, value in values.items():
        if value is None and is_open:
            found.add(name)
            is_open = name.count(")") <= name.count("(")
        else:
            is_open = isinstance(value, str) and value.count("(") > value.count(")")
    return found


@dataclass(frozen=True, slots=True)
class Definition:
    """A value in the file, which may hold expressions: of a variable, an argument, or a default."""

    value: Any
    holes: Holes
    document: Document
    path: KeyPath

    @property
    def names(self) -> frozenset[str]:
        """The names that its expressions look up."""
        return frozenset(name for hole in self.holes.values() for name in hole.names)

    def evaluate(self, names: Mapping[str, Value]) -> Value:
        """Return the value; raises Unfit."""
        value = filled(self.value, self.holes, names, self.document, self.path)
        if self.holes and _is_long(value):  # lists in lists, each entry naming another
            raise Unfit(_too_long(self.document, self.path))
        return value


def define(
    value: Any,
    document: Document,
    path: KeyPath,
    known: frozenset[str],
    later: frozenset[str] = frozenset(),
) -> tuple[Definition, list[Problem]]:
    """Return the definition in the file at `path`, which may use the names `known`, and not those `later`."""
    if isinstance(value, dict):
        return Definition(value, {}, document, path), [_not_a_value(value, document, path)]
    if _is_long(value):
        return Definition(value, {}, document, path), [_too_long(document, path)]
    found = find(value, document, path, known, later=later)
    return Definition(value, found.holes, document, path), found.problems


def define_all(
    values: dict[str, Any], document: Document, path: KeyPath, known: frozenset[str]
) -> tuple[Definition, list[Problem]]:
    """Return the definition of a mapping of values, as `define` does of one."""
    if _is_long(values):
        return Definition(values, {}, document, path), [_too_long(document, path)]
    found = find(values, document, path, known)
    return Definition(values, found.holes, document, path), found.problems


def _not_a_value(value: Any, document: Document, path: KeyPath) -> Problem:
    what = f"{path[-1] if path else 'this'} is {shown(value)}"
    why = "a value is a number, true or false, a word, or a list of these"
    return Problem(what, why, "", document.value_place(path))


def _too_long(document: Document, path: KeyPath) -> Problem:
    what = f"{path[-1] if path else 'this'} is too large a list"
    why = (
        f"at most {MAX_ENTRIES:,} entries, those of lists in it counted, and {MAX_LISTS} lists in each other"
    )
    return Problem(what, why, "", document.value_place(path))


def _is_long(value: Any) -> bool:
    """Tell whether lists in a value, or in a mapping of values, are beyond the limits.

    A list that stands in others several times counts every time.
    """
    count, entries = 0, list(value.values()) if isinstance(value, dict) else [value]
    for _ in range(MAX_LISTS + 1):
        entries = [entry for one in entries if isinstance(one, list) for entry in one[: MAX_ENTRIES + 1]]
        count += len(entries)
        if count > MAX_ENTRIES:
            return True
    return bool(entries)


@dataclass(frozen=True, slots=True)
class Found:
    """The expressions in a value, and those that are wrong."""

    holes: dict[KeyPath, Expression] = field(default_factory=dict)
    wrong: list[KeyPath] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def find(
    value: Any,
    document: Document,
    path: KeyPath,
    known: frozenset[str],
    model: type[BaseModel] | None = None,
    *,
    later: frozenset[str] = frozenset(),
) -> Found:
    """Return the expressions in a value of the file: every text, or where a `model` takes no such text."""
    found = Found()
    for way, text in _leaves(value, (), nested=model is not None):
        where = (*path, *way)
        if not isinstance(text, str):
            if model is None and not document.holds_refused(where):
                found.problems.append(_not_a_value(text, document, where))
            continue
        if document.is_quoted(where) and LIKE_A_VALUE.fullmatch(text):
            if model is None:
                what, fix = f"{shown(text)} is text", f"Remove the quotes: {text}"
                found.problems.append(
                    Problem(what, "quotes make it a string", fix, document.value_place(where))
                )
            continue
        if text in words() if model is None else not _is_expression(model, way, text, known):
            continue
        try:
            hole = expression.parse(text)
            hole.check_names(known, words() | _own_words(model, way), later)
            found.holes[way] = hole
        except RuleError as error:
            found.wrong.append(way)
            if text.isidentifier() and not (error.why or error.fix):
                error.why = "it is neither a name known here nor a word that a layer's field takes"
            found.problems.append(error.at(document.text_place(where, text, error.column), ""))
    return found


def _leaves(value: Any, way: KeyPath, *, nested: bool) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the texts in a value, and what can be no part of one; mappings can where they are `nested`."""
    if isinstance(value, dict) and (nested or not way):
        for name, one in value.items():
            yield from _leaves(one, (*way, name), nested=nested)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _leaves(one, (*way, index), nested=nested)
    elif value is None or isinstance(value, (str, dict)):
        yield way, value


def filled(value: Any, holes: Holes, names: Names, document: Document, path: KeyPath) -> Any:
    """Return the value with its expressions evaluated; raises Unfit."""
    return _filled(value, holes, names, document, path) if holes else value


def _filled(
    value: Any, holes: Holes, names: Names, document: Document, path: KeyPath, *, way: KeyPath = ()
) -> Any:
    if isinstance(value, dict):
        return {k: _filled(v, holes, names, document, path, way=(*way, k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, holes, names, document, path, way=(*way, i)) for i, v in enumerate(value)]
    hole = holes.get(way)
    if hole is None:
        return value
    try:
        return hole.evaluate(names)
    except RuleError as error:
        raise Unfit(error.at(document.value_place((*path, *way)), "")) from None


def _own_words(model: type[BaseModel] | None, way: KeyPath) -> frozenset[str]:
    """Return the words that a field takes, which an expression in it may choose from."""
    takes = takes_at(model, way) if model else None
    return takes.words if takes else frozenset()


def _is_expression(model: type[BaseModel], way: KeyPath, text: str, known: frozenset[str]) -> bool:
    """Tell whether a text in a field is an expression, and not one of its words or a slip."""
    takes = takes_at(model, way)
    if takes is None:
        return False
    if takes.text or text in takes.words:
        return False
    if text.isidentifier():
        # Else its name is a slip, and the field says best what it takes.
        return text in known or text in expression.ELSEWHERE
    if takes.number:
        return _OPERATOR.search(text) is not None
    return bool(takes.words) and " if " in text
