"""What to write instead of an unknown field: it is misspelt, another tool's, or of another place."""

from typing import Any

from pydantic import BaseModel

from cnnspec.errors import nearest, one_of
from cnnspec.language.choice import Choice
from cnnspec.language.document import KeyPath
from cnnspec.language.synonyms import ADVICE, FIELDS
from cnnspec.layers import REGISTRY, Element

_KNOWN_ANYWAY = ("in_channels", "in_features", "num_features", "input_shape", "input_size")
"""Other tools' fields for what a layer here knows from the one before it."""

_FOLLOWING = ("activation", "act", "nonlinearity", "norm", "normalization", "pool", "pooling")
"""Other tools' fields for what is a layer of its own here."""


def instead_of_field(location: KeyPath, model: type[BaseModel], values: Any, value: Any) -> str:
    """Return what to write instead of an unknown field of a model, or of one within it.

    `values` are those that the model was given, and `value` that of the field.
    """
    name = str(location[-1])
    told = _slip(name) if value is None else ""
    if not told and issubclass(model, Element):
        told = _not_a_field(name, value)
    if told:
        return told
    holder, given = model_at(location, model, values)
    fields = list(holder.model_fields) if holder else []
    plain = FIELDS.get(name, name)
    way = _way_to(plain, holder, given)
    if way:
        return f"It belongs further in: {_written(way, plain)}"
    if name in ADVICE and not issubclass(model, Element):
        return ADVICE[name]
    right = nearest(name, fields, FIELDS)
    if right:
        return f"Did you mean '{right}'?"
    way = _way_to(plain, model, values)
    if way and holder is not model:
        return f"It belongs in {_written(way, plain)}"
    return f"It has {one_of(fields)}" if fields else "It has no fields"


def right_name(location: KeyPath, model: type[BaseModel]) -> str:
    """Return the field that was surely meant by an unknown one, or an empty text."""
    return nearest(str(location[-1]), fields_at(location, model), FIELDS)


def fields_at(location: KeyPath, model: type[BaseModel]) -> list[str]:
    """Return the fields of the model that an unknown field stands in."""
    holder, _ = model_at(location, model, None)
    return list(holder.model_fields) if holder else []


def model_at(location: KeyPath, model: type[BaseModel], values: Any) -> tuple[type[BaseModel] | None, Any]:
    """Return the model that an unknown field stands in, and what that was given."""
    holder: type[BaseModel] | None = model
    for part in location[:-1]:
        holder = _inner(holder, str(part)) if holder else None
        values = values.get(part) if isinstance(values, dict) else None
    return holder, values


def _written(way: KeyPath, field: str) -> str:
    """Return a field at the end of a way, as it is written: ``optimizer: {adam: {lr: …}}``."""
    return f"`{': {'.join(map(str, (*way, field)))}: …{'}' * len(way)}`"


def _slip(name: str) -> str:
    """Return what to write instead of a field without a value."""
    if ":" in name:
        return f"Put a space after the colon: `{name.replace(':', ': ')}`"
    if "=" in name:
        return f"Put a colon instead of `=`: `{name.replace('=', ': ')}`"
    return "Put a list in brackets, such as `[3, 3]`" if name.isdigit() else ""


def _not_a_field(name: str, value: Any) -> str:
    """Return what to do with a field that other tools' layers have."""
    if name in _KNOWN_ANYWAY:
        return "Remove it: a layer knows its input from the layer before it"
    if name not in _FOLLOWING and name not in REGISTRY:
        return ""
    layer = value if isinstance(value, str) and value in REGISTRY else name
    return f"Put `- {layer}` after it" if layer in REGISTRY else "It is a layer of its own, with a dash"


def _inner(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """Return the model that a field takes, None for a field that takes none."""
    info = model.model_fields.get(name)
    candidates = [info.annotation, *getattr(info.annotation, "__args__", ())] if info else []
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _way_to(name: str, model: type[BaseModel] | None, given: Any) -> tuple[str, ...]:
    """Return the fields to a model within the model that has a field of this name; empty for none.

    Of a choice's sections, the one that is chosen comes first.
    """
    if model is None:
        return ()
    fields = list(model.model_fields)
    if issubclass(model, Choice):
        fields.sort(key=lambda field: field != given and not (isinstance(given, dict) and field in given))
    for field in fields:
        inner = _inner(model, field)
        if inner and name in inner.model_fields:
            return (field,)
        deeper = _way_to(name, inner, given.get(field) if isinstance(given, dict) else None)
        if deeper:
            return (field, *deeper)
    return ()
