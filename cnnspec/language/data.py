"""The section `data`: what a network learns from, and how it is prepared."""

import os.path
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from cnnspec.catalog import DATA_SETS, DataSet
from cnnspec.errors import did_you_mean, one_of, shown
from cnnspec.language.augment import Augment
from cnnspec.language.choice import Section
from cnnspec.layers.fields import refuse
from cnnspec.shape import Shape

LUMA = (0.299, 0.587, 0.114)
"""What red, green and blue count for in the gray of ITU-R 601."""


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


def _path(value: Any) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        refuse(value, "it must be a path")
    return value


_PATH: dict[str, Any] = {"type": "string", "minLength": 1}
_DATA_SET_SCHEMA: dict[str, Any] = {
    "oneOf": [{"const": d.name, "description": d.title} for d in DATA_SETS.values()]
}


class Shards(Section):
    """Archives (.tar) of pictures KEY.jpg or KEY.png with their classes KEY.cls, as WebDataset has them."""

    train: Annotated[str, PlainValidator(_path), WithJsonSchema(_PATH)] = Field(
        description="what is learned from; `{000..099}` stands for numbers"
    )
    test: Annotated[str | None, PlainValidator(_path), WithJsonSchema(_PATH)] = Field(
        None, description="what is tested on; a share of `train` if not given"
    )


class _ShardsInBrief:
    """Takes a text as the archives to learn from."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_shards, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        either = handler(core)["anyOf"]
        return {"anyOf": [_PATH, *(one for one in either if one.get("type") != "null")]}


def _shards(value: Any) -> Any:
    if isinstance(value, (dict, Shards)):
        return value
    return Shards(train=_path(value))


SOURCES = ("dataset", "folder", "arrays", "shards")
"""The fields that say where the pictures come from: one of them is given."""

_OWN = ("test_share", "damaged")
"""The fields that are for a user's own pictures."""


class Data(Section):
    """What the network learns from: a data set by its name, or one's own pictures."""

    dataset: Annotated[str | None, PlainValidator(_data_set), WithJsonSchema(_DATA_SET_SCHEMA)] = Field(
        None, description="name of a data set; mnist if none is given"
    )
    folder: Annotated[str | None, PlainValidator(_path), WithJsonSchema(_PATH)] = Field(
        None,
        description="folder with a folder of pictures for each class, in train/ and test/ or all together",
    )
    arrays: Annotated[str | None, PlainValidator(_path), WithJsonSchema(_PATH)] = Field(
        None, description="file .npz with the arrays x_train, y_train, x_test, y_test"
    )
    shards: Annotated[Shards | None, _ShardsInBrief()] = Field(
        None, description="archives of pictures, as WebDataset has them"
    )
    test_share: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.2, description="share of each class to test on, where one's own pictures have no part for it"
    )
    damaged: Literal["error", "skip"] = Field(
        "error", description="what a picture that cannot be read is: an error, or left out and counted"
    )
    normalize: Normalize | None = Field(None, description="the data set's own statistics if not given")
    augment: Augment | None = Field(None, description="random changes of the training pictures")

    @model_validator(mode="before")
    @classmethod
    def _one_source(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        given = [name for name in value if name in SOURCES]
        if len(given) > 1:
            sentence = f"data has both '{given[0]}' and '{given[1]}'"
            why = "a network learns from one of them"
            told = {"sentence": sentence, "why": why, "fix": "Remove one", "at": given[1]}
            raise PydanticCustomError("rule", "not allowed", told)
        return value if given else {**value, "dataset": "mnist"}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the JSON Schema: of several sources, only one may be given."""
        schema = handler.resolve_ref_schema(handler(core))
        return schema | {
            "allOf": [
                {"if": {"required": [name]}, "then": {"properties": dict.fromkeys(SOURCES[n + 1 :], False)}}
                for n, name in enumerate(SOURCES[:-1])
            ]
        }

    @property
    def name(self) -> str:
        """What messages call it: the name of a data set, else that of the folder or file."""
        return self.dataset or Path(self.path).name or self.path

    @property
    def path(self) -> str:
        """The user's own folder or file, or the pattern of the archives; empty for a data set with a name."""
        return self.folder or self.arrays or (self.shards.train if self.shards else "")

    def known(self) -> DataSet | None:
        """Return the data set where it has a name; of one's own, all is known only when it is read."""
        return DATA_SETS[self.dataset] if self.dataset else None

    def located(self, base: str, root: str | None = None) -> "Data":
        """Return the same with absolute paths, which are relative to `base`.

        What a `root` holds goes before that: a file by the same name, or the folder's content itself.
        """
        if self.dataset:
            return self

        def found(path: str) -> str:
            if root is None:
                return absolute(base, path)
            inside = Path(root).absolute() / Path(path).name
            return str(Path(root).absolute() if self.folder and not inside.is_dir() else inside)

        if self.shards:
            changed: Any = {
                name: found(path) for name, path in self.shards.model_dump(exclude_none=True).items()
            }
            return self.model_copy(update={"shards": Shards(**changed)})
        return self.model_copy(update={"folder" if self.folder else "arrays": found(self.path)})

    def statistics(self, shape: Shape) -> Normalize | None:
        """Return the normalization for inputs of that shape: the one given, or the data set's own, if known.

        See `normalization` for what is done where the channels differ.
        """
        known = self.known()
        if self.normalize or known is None:
            return self.normalize
        return normalization(known.mean, known.std, shape)

    def resolved(self, shape: Shape | None) -> dict[str, Any]:
        """Return the section as plain values with every default filled in, for inputs of that shape.

        Without a shape, the statistics of the data set are left out.
        """
        whole = self if shape is None else self.model_copy(update={"normalize": self.statistics(shape)})
        return whole.model_dump(exclude_none=True, exclude=set(_OWN) if self.dataset else None)


def absolute(base: str, path: str) -> str:
    """Return a path that is relative to `base` as an absolute one."""
    return os.path.abspath(os.path.join(base, os.path.expanduser(path)))  # noqa: PTH100, PTH118, PTH111  # pathlib keeps the dots


def shape_is_color(shape: Shape) -> bool:
    """Tell whether inputs of that shape have the three channels of a picture in color."""
    return len(shape) == 3 and shape[0] == 3


def normalization(mean: float | tuple[float, ...], std: float | tuple[float, ...], shape: Shape) -> Normalize:
    """Return the normalization for inputs of that shape by statistics of gray or of three channels.

    The standard deviation of gray is taken to be the mean of the channels', weighted as gray is: in most
    pictures they rise and fall together.
    """
    color = shape_is_color(shape)
    mean, std = (v if isinstance(v, float) or color else _gray(v) for v in (mean, std))
    return Normalize(mean=mean, std=std)


def _gray(values: tuple[float, ...]) -> float:
    return round(sum(share * value for share, value in zip(LUMA, values, strict=True)), 4)
