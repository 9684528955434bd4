"""Variables and variants: the names of numbers, truth values, words and lists in a spec."""

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnspec.errors import Place, Problem, SpecError, did_you_mean, one_of, shown
from cnnspec.language import expression
from cnnspec.language.arithmetic import Value
from cnnspec.language.document import Document, KeyPath
from cnnspec.language.field_words import words
from cnnspec.language.items import IN_REPEAT
from cnnspec.language.template import Definition, Unfit, cut_off, define

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
VARIANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Variables:
    """A file's variables in their order, and the variants that set some of them otherwise."""

    definitions: Mapping[str, Definition] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, Definition]] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The names of the variables."""
        return frozenset(self.definitions)

    def choose(self, variant: str | None, file: str) -> str | None:
        """Return the variant of that name, or the first; raises SpecError."""
        if variant is None:
            return next(iter(self.variants), None)
        if variant not in self.variants:
            fix = f"It has {one_of(self.variants)}" if self.variants else "It has no variants"
            fix = did_you_mean(variant, self.variants) or fix
            raise SpecError(Problem(f"there is no variant {shown(variant)}", "", fix, Place(file)))
        return variant

    def evaluate(
        self, variant: str | None, given: Mapping[str, Any]
    ) -> tuple[dict[str, Value], list[Problem]]:
        """Return the variables' values, those `given` and then the variant's coming first."""
        problems: list[Problem] = []
        options = Document("set", [])
        for name in given:
            if name not in self.definitions:
                fix = f"It has {one_of(self.definitions)}" if self.definitions else "It has none"
                fix = did_you_mean(name, self.definitions) or fix
                problems.append(Problem(f"there is no variable {shown(name)}", "", fix, Place("set")))
        values: dict[str, Value] = {}
        failed: set[str] = set()
        special = self.variants[variant] if variant else {}
        for name, definition in self.definitions.items():
            chosen = special.get(name, definition)
            more: list[Problem] = []
            if name in given:
                chosen, more = define(given[name], options, (name,), frozenset(values))
            if more or not failed.isdisjoint(chosen.names):
                problems += more
                failed.add(name)
                continue
            try:
                values[name] = chosen.evaluate(values)
            except Unfit as error:
                problems += error.problems
                failed.add(name)
        return values, problems


def read(vars_given: Any, variants_given: Any, document: Document) -> tuple[Variables, list[Problem]]:
    """Return the variables and variants of a file, and what is wrong with them."""
    problems: list[Problem] = []
    definitions: dict[str, Definition] = {}
    cut = cut_off(vars_given)
    for name, value in vars_given.items():
        path = ("vars", name)
        if name in cut:
            continue
        if value is None and name.isdigit() and definitions:
            *_, last = definitions
            what, fix = (
                f"{name} stands in `vars` without a name",
                f"Put a list in brackets: `{last}: [{vars_given[last]}, {name}]`",
            )
            return Variables(definitions), [*problems, Problem(what, "", fix, document.place(path))]
        problems += variable_name_problems(name, "a variable", document, path)
        known = frozenset(definitions)
        definitions[name], more = define(value, document, path, known, frozenset(vars_given) - known)
        problems += more
    variants: dict[str, dict[str, Definition]] = {}
    order = list(definitions)
    for variant, overrides in variants_given.items():
        path = ("variants", variant)
        if not VARIANT.fullmatch(variant):
            what, why = (
                f"a variant cannot be called {shown(variant)}",
                "it must be letters, digits, `_`, `.` or `-`",
            )
            problems.append(Problem(what, why, "", document.place(path)))
        if not isinstance(overrides, dict):
            what, why = f"variant {shown(variant)} is {shown(overrides)}", "it must be a mapping of variables"
            one = "" if overrides is None else f"{next(iter(order), 'width')}: {shown(overrides)}"
            fix = f"Write it like `{variant}: {{{one}}}`"
            problems.append(Problem(what, why, fix, document.value_place(path)))
            continue
        variants[variant] = {}
        for name, value in overrides.items():
            where = (*path, name)
            if name not in definitions:
                fix = did_you_mean(name, order) or "A variant sets what `vars` names"
                problems.append(Problem(f"unknown variable {shown(name)}", "", fix, document.place(where)))
                continue
            known = frozenset(order[: order.index(name)])
            later = frozenset(order) - known
            variants[variant][name], more = define(value, document, where, known, later)
            problems += more
    return Variables(definitions, variants), problems


def variable_name_problems(name: str, what: str, document: Document, path: KeyPath) -> list[Problem]:
    """Return what is wrong with the name of a variable or argument."""
    if not NAME.fullmatch(name):
        why = "it must be letters, digits or `_`, at most 64, and not begin with a digit"
    elif name == "in_channels":
        why = "every layer and block knows it anyway"
    elif keyword.iskeyword(name) or name in expression.RESERVED or name in IN_REPEAT:
        why = "expressions have a meaning for it already"
    elif name in words():
        why = "it is a word that a layer's field takes"
    else:
        return []
    plain = re.sub("[^A-Za-z0-9_]", "_", name)
    usable = plain != name and NAME.fullmatch(plain) and plain.strip("_")
    fix = f"Call it {plain}, say" if usable else "Choose another name"
    if name == "in_channels":
        fix = "Remove it"
    return [Problem(f"{what} cannot be called {shown(name)}", why, fix, document.place(path))]
