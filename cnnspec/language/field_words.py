"""What the fields of models take as text: any, certain words, or expressions for numbers and truth values."""

import typing
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from cnnspec.language.choice import Choice
from cnnspec.language.document import KeyPath
from cnnspec.layers import REGISTRY


class Takes(NamedTuple):
    """What a field takes as text: any, certain words, or expressions for numbers and truth values."""

    text: bool
    number: bool
    words: frozenset[str]


def takes_at(model: type[BaseModel], way: KeyPath) -> Takes | None:
    """Return what the field at the way takes, which may be of a model within the model; None for no field."""
    name, *rest = way
    if not isinstance(name, str) or name not in model.model_fields:
        return None
    inner = next((k for k in _flat(model.model_fields[name].annotation) if _is_model(k)), None)
    if inner and rest:
        return takes_at(inner, tuple(rest))
    return _takes(model, name)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


@cache
def _takes(model: type[BaseModel], name: str) -> Takes:
    info = model.model_fields[name]
    kinds = set(_flat(info.annotation))
    choices = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Choice)]
    found = {
        word for kind in kinds for word in getattr(kind, "__args__", ()) if typing.get_origin(kind) is Literal
    }
    found |= {word for choice in choices for word in choice.model_fields}
    found |= {word for mark in info.metadata for word in getattr(mark, "words", ())}
    number = any(kind in (int, float, bool) for kind in kinds)
    return Takes(str in kinds or Any in kinds, number, frozenset(w for w in found if isinstance(w, str)))


def _flat(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation is made of."""
    if typing.get_origin(annotation) in (Literal, None):
        yield annotation
        return
    parts = typing.get_args(annotation)
    for part in parts[1:] if typing.get_origin(annotation) is dict else parts:  # names are no values
        yield from _flat(part)


def words() -> frozenset[str]:
    """Return every word that a field of the vocabulary takes."""
    return _words(tuple(REGISTRY.values()))


@cache
def _words(kinds: tuple[type[BaseModel], ...]) -> frozenset[str]:
    return frozenset(w for kind in kinds for name in kind.model_fields for w in _takes(kind, name).words)


def words_within(model: type[BaseModel]) -> frozenset[str]:
    """Return every word that a field of a model, or of a model within it, takes."""
    found: frozenset[str] = frozenset()
    for name, info in model.model_fields.items():
        inner = [words_within(kind) for kind in set(_flat(info.annotation)) if _is_model(kind)]
        found = found.union(_takes(model, name).words, *inner)
    return found
