"""The kinds of values that layers' fields take, with the messages for wrong ones."""

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

Probability = Annotated[float, Field(ge=0, le=1)]


class _AxesSchema:
    """The JSON Schema of a field that takes one value or a list with one per axis."""

    def __init__(self, minimum: int, words: tuple[str, ...]) -> None:
        self.minimum, self.words = minimum, words

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        one = {"type": "integer", "minimum": self.minimum, "maximum": MAX_INT}
        many = {"type": "array", "items": one, "minItems": 1, "maxItems": 3}
        return {"anyOf": [one, many, *([{"enum": list(self.words)}] if self.words else [])]}


def _axes(minimum: int, words: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    """Return a validator of one whole number or one per axis, each of at least `minimum`."""

    def validate(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return value
        if isinstance(value, (list, tuple)):
            if not 1 <= len(value) <= 3:
                refuse(value, "it must be one number, or a list with one per axis")
            return tuple(one(v) for v in value)
        return one(value)

    def one(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            also = "".join(f" or `{word}`" for word in words)
            refuse(value, f"it must be a whole number{also}, or a list with one per axis")
        if value < minimum:
            refuse(value, f"it must be at least {minimum}")
        if value > MAX_INT:
            refuse(value, f"it must be at most {MAX_INT:,}")
        return int(value)

    return validate


def refuse(value: Any, why: str) -> NoReturn:
    """Say within a validator that a value is wrong, and why."""
    raise PydanticCustomError("rule", "not allowed", {"what": f"is {shown(value)}", "why": why})


Sizes = Annotated[int | tuple[int, ...], PlainValidator(_axes(1)), _AxesSchema(1, ())]
"""One whole number of at least 1, or a list with one per axis."""

Padding = Annotated[int | tuple[int, ...], PlainValidator(_axes(0)), _AxesSchema(0, ())]
"""One whole number of at least 0, or a list with one per axis."""

ConvPadding = Annotated[
    int | tuple[int, ...] | Literal["same", "valid"],
    PlainValidator(_axes(0, ("same", "valid"))),
    _AxesSchema(0, ("same", "valid")),
]
"""As `Padding`; also ``same`` (the output is as large as the input) and ``valid`` (0)."""
