"""The kinds of values that layers' fields take, with the messages for wrong ones."""

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, NoReturn

from pydantic import Field, GetJsonSchemaHandler, PlainValidator
from pydantic_core import CoreSchema, PydanticCustomError

from cnnspec.errors import shown

MAX_INT = 1_000_000_000
"""Sizes above this are mistakes: a billion channels fit no memory."""

Count = Annotated[int, Field(ge=1, le=MAX_INT)]
"""A whole number of at least 1."""

Index = Annotated[int, Field(ge=0, le=MAX_INT)]
"""A whole number of at least 0."""

Position = Annotated[int, Field(ge=-MAX_INT, le=MAX_INT)]
"""A whole number that counts from the end if it is negative."""

Probability = Annotated[float, Field(ge=0, le=1)]

FillMode = Literal["zeros", "reflect", "replicate", "circular"]
"""What the padding of a convolution is filled with."""


class _AxesSchema:
    """The JSON Schema of a field that takes one value or a list with one per axis."""

    def __init__(self, one: dict[str, Any], words: tuple[str, ...] = ()) -> None:
        self.one, self.words = one, words

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        many = {"type": "array", "items": self.one, "minItems": 1, "maxItems": 3}
        return {"anyOf": [self.one, many, *([{"enum": list(self.words)}] if self.words else [])]}


def _axes(one: Callable[[Any], Any], words: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    """Return a validator of one value or a list with one per axis, each as `one` takes it, or of a word."""

    def validate(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return value
        if isinstance(value, (list, tuple)):
            if not 1 <= len(value) <= 3:
                refuse(value, "it must be one number, or a list with one per axis")
            return tuple(one(v) for v in value)
        return one(value)

    return validate


def _whole(minimum: int, words: tuple[str, ...] = ()) -> Callable[[Any], int]:
    """Return a validator of a whole number of at least `minimum`; it only knows the words for its message."""

    def one(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            also = "".join(f" or `{word}`" for word in words)
            refuse(value, f"it must be a whole number{also}, or a list with one per axis")
        if value < minimum:
            refuse(value, f"it must be at least {minimum}")
        if value > MAX_INT:
            refuse(value, f"it must be at most {MAX_INT:,}")
        return int(value)

    return one


def _factor(value: Any) -> int | float:
    """Validate a number greater than 0."""
    if not is_number(value):
        refuse(value, "it must be a number, or a list with one per axis")
    if not 0 < value <= MAX_INT:
        refuse(value, f"it must be greater than 0 and at most {MAX_INT:,}")
    return int(value) if value == int(value) else float(value)


def _margin(value: Any) -> int | tuple[int, int]:
    """Validate a whole number, or a list of one before and one after."""
    if not isinstance(value, (list, tuple)):
        return _whole(0)(value)
    if len(value) != 2:
        refuse(value, "a list within the list is `[before, after]` of one axis")
    return _whole(0)(value[0]), _whole(0)(value[1])


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def refuse(value: Any, why: str) -> NoReturn:
    """Say within a validator that a value is wrong, and why."""
    raise PydanticCustomError("rule", "not allowed", {"what": f"is {shown(value)}", "why": why})


def _int_schema(minimum: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": minimum, "maximum": MAX_INT}


Sizes = Annotated[int | tuple[int, ...], PlainValidator(_axes(_whole(1))), _AxesSchema(_int_schema(1))]
"""One whole number of at least 1, or a list with one per axis."""

Padding = Annotated[int | tuple[int, ...], PlainValidator(_axes(_whole(0))), _AxesSchema(_int_schema(0))]
"""One whole number of at least 0, or a list with one per axis."""

_SAME_VALID = ("same", "valid")

ConvPadding = Annotated[
    int | tuple[int, ...] | Literal["same", "valid"],
    PlainValidator(_axes(_whole(0, _SAME_VALID), _SAME_VALID)),
    _AxesSchema(_int_schema(0), _SAME_VALID),
]
"""As `Padding`; also ``same`` (the output is as large as the input) and ``valid`` (0)."""

Factors = Annotated[
    float | tuple[float, ...],
    PlainValidator(_axes(_factor)),
    _AxesSchema({"type": "number", "exclusiveMinimum": 0, "maximum": MAX_INT}),
]
"""One number greater than 0, or a list with one per axis."""

Margins = Annotated[
    int | tuple[int | tuple[int, int], ...],
    PlainValidator(_axes(_margin)),
    _AxesSchema(
        {"anyOf": [_int_schema(0), {"type": "array", "items": _int_schema(0), "minItems": 2, "maxItems": 2}]}
    ),
]
"""One whole number of at least 0, or a list with one per axis, each a number or ``[before, after]``."""
