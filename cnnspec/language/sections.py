"""The sections of a spec file as pydantic models; unknown fields are refused, nothing is converted."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from cnnspec.errors import shown
from cnnspec.language.choice import Section
from cnnspec.language.data import Data
from cnnspec.language.training import Train
from cnnspec.layers.fields import refuse
from cnnspec.shape import Shape

MAX_AXIS = 1_000_000
MAX_NAMES = 256
"""Variables, variants or blocks of a file, and arguments of a block."""


def _input_shape(value: Any) -> Shape:
    if not isinstance(value, (list, tuple)):
        refuse(value, "it must be a list: [channels, height, width], or with one axis or three")
    if not 2 <= len(value) <= 4:
        refuse(value, "it must be the shape of one sample: [C, L], [C, H, W] or [C, D, H, W]")
    for index, size in enumerate(value):
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_AXIS:
            sentence, why = f"input has {shown(size)}", f"a size is a whole number from 1 to {MAX_AXIS:,}"
            context = {"sentence": sentence, "why": why, "at": index}
            raise PydanticCustomError("rule", "not allowed", context)
    return tuple(value)


_INPUT_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1, "maximum": MAX_AXIS},
    "minItems": 2,
    "maxItems": 4,
}


def _version(value: Any) -> int:
    if type(value) is not int or value != 1:  # true and 1.0 equal 1, but are something else
        refuse(value, "it must be 1")
    return value


class BlockBody(Section):
    """A piece of a network that is used like a layer."""

    args: dict[str, Any] = Field(
        {}, max_length=MAX_NAMES, description="arguments with their defaults; null is one that must be given"
    )
    layers: list[Any] = Field(description="its layers, first to last")


class Top(Section):
    """The keys of the file itself."""

    cnnspec: Annotated[Literal[1], BeforeValidator(_version)] = Field(
        1, description="version of the language"
    )
    name: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$", description="name of the network"
    )
    description: str = Field("", description="what it is and where it comes from")
    input: Annotated[Shape, PlainValidator(_input_shape), WithJsonSchema(_INPUT_SCHEMA)] = Field(
        description="shape of a sample, channels first"
    )
    vars: dict[str, Any] = Field(
        {}, max_length=MAX_NAMES, description="names for numbers, truth values, words, or lists of them"
    )
    variants: dict[str, Any] = Field(
        {}, max_length=MAX_NAMES, description="named sets of other values for `vars`: a family in a file"
    )
    blocks: dict[str, Any] = Field(
        {}, max_length=MAX_NAMES, description="pieces with arguments, used like a layer"
    )
    layers: list[Any] = Field(description="the network, first layer to last")
    data: Data = Field(default_factory=Data, description="what it learns from")
    train: Train = Field(default_factory=Train, description="how it is trained")
