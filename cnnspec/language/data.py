"""The section `data`: what a network learns from, and how it is prepared."""

from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from cnnspec.catalog import DATA_SETS
from cnnspec.errors import did_you_mean, one_of, shown
from cnnspec.language.augment import Augment
from cnnspec.language.choice import Section
from cnnspec.layers.fields import refuse


def _per_channel(value: Any, *, positive: bool = False) -> float | tuple[float, ...]:
    values = value if isinstance(value, (list, tuple)) and value else [value]
    for one in values:
        if not isinstance(one, (int, float)) or isinstance(one, bool):
            refuse(value, "it must be a number, or a list with one per channel")
        if positive and one <= 0:
            refuse(value, "it must be greater than 0")
    return tuple(float(v) for v in values) if isinstance(value, (list, tuple)) else float(value)


def _per_channel_schema(**limits: float) -> WithJsonSchema:
    one = {"type": "number", **limits}
    return WithJsonSchema({"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]})


class Normalize(Section):
    """Pixels from 0 to 1 become (pixel − mean) / std."""

    mean: Annotated[float | tuple[float, ...], PlainValidator(_per_channel), _per_channel_schema()] = Field(
        description="mean"
    )
    std: Annotated[
        float | tuple[float, ...],
        PlainValidator(lambda v: _per_channel(v, positive=True)),
        _per_channel_schema(exclusiveMinimum=0),
    ] = Field(description="standard deviation")


def _data_set(value: Any) -> str:
    if not isinstance(value, str) or value not in DATA_SETS:
        near = did_you_mean(value, DATA_SETS) if isinstance(value, str) else ""
        fix = near or f"Use {one_of(DATA_SETS)}"
        sentence = f"unknown data set {shown(value)}"
        raise PydanticCustomError("rule", "not allowed", {"sentence": sentence, "fix": fix})
    return value


_DATA_SET_SCHEMA: dict[str, Any] = {
    "oneOf": [{"const": d.name, "description": d.title} for d in DATA_SETS.values()]
}


class Data(Section):
    """What the network learns from."""

    dataset: Annotated[str, PlainValidator(_data_set), WithJsonSchema(_DATA_SET_SCHEMA)] = Field(
        "mnist", description="name of the data set"
    )
    normalize: Normalize | None = Field(None, description="the data set's own statistics if not given")
    augment: Augment | None = Field(None, description="random changes of the training pictures")

    def statistics(self) -> Normalize:
        """Return the normalization: the one given, or the data set's own."""
        known = DATA_SETS[self.dataset]
        return self.normalize or Normalize(mean=known.mean, std=known.std)
