"""pydantic's errors, said in cnnspec's one form and at their place in the file."""

import re
from dataclasses import replace
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from cnnspec.errors import MAX_PROBLEMS, Problem, did_you_mean, one_of, shown
from cnnspec.language.document import Document, KeyPath
from cnnspec.language.field_slips import fields_at, instead_of_field, right_name
from cnnspec.language.synonyms import EXAMPLES, WORDS
from cnnspec.language.validation import LIKE_A_VALUE, Context

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "`true` or `false`",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "dict_type": "a mapping",
}


def problems(
    errors: list[ErrorDetails],
    model: type[BaseModel],
    value: Any,
    document: Document,
    path: KeyPath,
    *,
    owner: str,
    context: Context,
) -> list[Problem]:
    """Return the errors of a model as problems; the arguments are those of `validate`."""
    extra = [e["loc"] for e in errors if e["type"] == "extra_forbidden"][: MAX_PROBLEMS + 1]
    unknown = [(loc, right_name(loc, model)) for loc in extra]
    # A misspelt field is not missing as well: one mistake, one message.
    meant = {(*loc[:-1], name) for loc, name in unknown if name}
    missing: dict[KeyPath, list[str]] = {}
    for e in errors:
        if e["type"] == "missing" and e["loc"] not in meant:
            missing.setdefault(e["loc"][:-1], []).append(str(e["loc"][-1]))
    rest = [e for e in errors if e["type"] != "missing" and not _follows(e, document, path)][
        : MAX_PROBLEMS + 1
    ]
    found = [
        _missing(names, document, (*path, *loc), str((owner, *loc)[-1])) for loc, names in missing.items()
    ]
    for one in rest:
        problem = _problem(one, model, value, document, path, owner=owner)
        found.append(_with_origin(problem, one, context) if problem.place else problem)
    return found


def _with_origin(problem: Problem, one: Any, context: Context) -> Problem:
    """Return the problem with the expression that the value came from, or the name that was meant."""
    location: KeyPath = tuple(one["loc"])
    value, at = one["input"], one.get("ctx", {}).get("at")
    if at is not None:
        location, value = (*location, at), value[at]
    texts = [text for way, text in context.told.items() if location and way[: len(location)] == location]
    if texts:
        fix = problem.fix
        if isinstance(value, float) and "whole number" in problem.why:
            fix = "Round it, with `round(…)` or `make_divisible(…, 8)`"
            if re.search("[^/]/[^/]", texts[0]):
                fix = "Divide by `//` to round down, or use `round(…)`"
        return replace(problem, what=f"{problem.what}, from `{', '.join(texts)}`", fix=fix)
    if isinstance(value, str) and not problem.fix and value.isidentifier():
        return replace(problem, fix=did_you_mean(value, sorted(context.known)))
    return problem


def _follows(one: Any, document: Document, path: KeyPath) -> bool:
    """Tell whether an error only follows from a value that was refused when it was read."""
    where = (*path, *one["loc"])
    if one["type"] == "extra_forbidden":
        return where in document.refused
    return bool(one["loc"]) and document.holds_refused(where)


def _missing(names: list[str], document: Document, where: KeyPath, holder: str) -> Problem:
    words = " and ".join(f"'{name}'" for name in names)
    what, why = (
        f"{holder} needs {words}",
        "there is no default" if len(names) == 1 else "they have no defaults",
    )
    return Problem(what, why, "Add " + " and ".join(f"`{name}:`" for name in names), document.place(where))


def _problem(
    one: Any, model: type[BaseModel], values: Any, document: Document, path: KeyPath, *, owner: str
) -> Problem:
    kind, context, value = one["type"], one.get("ctx", {}), one["input"]
    location: KeyPath = tuple(one["loc"])
    where = (*path, *location)
    names = [str(part) for part in location if isinstance(part, str)]
    name = names[-1] if names else owner
    holder = names[-2] if len(names) > 1 else owner
    if kind == "extra_forbidden":
        fix = instead_of_field(location, model, values, value)
        return Problem(f"unknown field {shown(name)} of {holder}", "", fix, document.place(where))
    if isinstance(value, str) and document.is_quoted(where) and LIKE_A_VALUE.fullmatch(value):
        fix = f"Remove the quotes: {value}"
        return Problem(f"'{name}' is text", "quotes make it a string", fix, document.value_place(where))
    if "sentence" in context:
        where = (*where, context["at"]) if "at" in context else where
        place = document.place(where) if "at" in context else document.value_place(where)
        return Problem(context["sentence"], context.get("why", ""), context.get("fix", ""), place)
    what, why, fix = _sentence(kind, context, name, value, one["msg"])
    if kind == "model_type":
        why, fix = _mapping(fields_at((*location, ""), model), name, holder, value)
    if value is True and name in EXAMPLES:
        fix = f"Write `{name}: {EXAMPLES[name]}`"
    return Problem(what, why, fix, document.value_place(where))


def _mapping(fields: list[str], name: str, holder: str, value: Any) -> tuple[str, str]:
    """Return why and fix for a value that is no mapping of fields."""
    if not fields:
        return "it has no options", f"Write `{holder}: {name}`"
    if value in fields:
        return "it must be a mapping", f"Write `{name}: {{{value}: {{}}}}`"
    fix = ""
    if isinstance(value, list) and "layers" in fields:
        fix = "Put them under `layers:`"
    elif fields[0] == "lr" and isinstance(value, (int, float)) and not isinstance(value, bool):
        fix = f"Write `{name}: {{lr: {value}}}`"
    return f"it must be a mapping with {one_of(fields)}", fix


def _sentence(
    kind: str, context: dict[str, Any], name: str, value: Any, message: str
) -> tuple[str, str, str]:
    """Return what, why and fix for a value of the wrong kind or size."""
    if kind == "rule" or kind in _EXPECTED:
        what = context["what"] if kind == "rule" else f"is {shown(value)}"
        why = context["why"] if kind == "rule" else f"it must be {_EXPECTED[kind]}"
        return f"{name} {what}", why, _better(kind, name, value)
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'|(\d+)", context["expected"])
        words = [word or number for word, number in allowed]
        near = did_you_mean(value, words, WORDS) if isinstance(value, str) else ""
        return f"{name} is {shown(value)}", f"it must be {one_of(words)}", near
    if kind == "string_pattern_mismatch":
        why = "it must be letters, digits, `_`, `.` or `-`, at most 64, and begin with a letter, digit or `_`"
        return f"{name} is {shown(value)}", why, ""
    if kind == "too_long":
        return f"{name} has {len(value):,} entries", f"it must have at most {context['max_length']:,}", ""
    limits = {"greater_than": ("gt", "greater than"), "greater_than_equal": ("ge", "at least")}
    limits |= {"less_than": ("lt", "less than"), "less_than_equal": ("le", "at most")}
    if kind not in limits:
        return f"{name} is {shown(value)}", message, ""
    key, relation = limits[kind]
    limit = f"{context[key]:,}" if isinstance(context[key], int) else f"{context[key]:g}"
    percent = key in ("le", "lt") and context[key] == 1 and 5 <= value <= 100
    fix = f"Did you mean {value / 100:g}?" if percent else ""
    return f"{name} is {shown(value)}", f"it must be {relation} {limit}", fix


def _better(kind: str, name: str, value: Any) -> str:
    """Return how to write a value of the wrong kind, where it is plain what was meant."""
    text = str(value)
    if kind == "rule" and re.fullmatch(r"\d+([x×]\d+)+", text):
        return f"Write [{', '.join(re.split('[x×]', text))}]"
    if kind == "float_type" and re.fullmatch(r"\d+,\d+", text):
        return f"Write {text.replace(',', '.')}"
    if kind == "string_type" and isinstance(value, (int, float)):
        return "Put it in quotes"
    if kind in ("list_type", "tuple_type"):
        fix = f"Write `[{text}]`" if isinstance(value, str) and text.replace(".", "_").isidentifier() else ""
        fix = "Put a space after each dash" if text.startswith("-") else fix
        return "Put a dash before each layer" if kind == "list_type" and isinstance(value, dict) else fix
    return _in_braces(name, value) if kind == "dict_type" else ""


def _in_braces(name: str, value: Any) -> str:
    """Return how to write as a mapping what is none."""
    if isinstance(value, list):
        empty = "null" if name == "args" else "…"
        pairs = ", ".join(f"{one}: {empty}" for one in value if isinstance(one, str))
        return f"Write it like `{{{pairs}}}`" if pairs else "Remove the dashes"
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"Write it like `{{NAME: {value}}}`" if is_number else ""
