"""A choice in the file: one of several names, alone or with its options, as in ``schedule: cosine``."""

from typing import Any, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema


class Section(BaseModel):
    """A mapping in the file, with a fixed set of fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)


class _WhenNeeded:
    """Builds what checks a section only when a file has it: there are many, and a file has three."""

    def __get_pydantic_core_schema__(self, source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        section, _none = get_args(source)
        return core_schema.no_info_plain_validator_function(
            lambda value: None if value is None else section.model_validate(value)
        )

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {}  # the choice puts in each section's own


CHOSEN = _WhenNeeded()
"""Marks the options of a name, which are None where it is not chosen."""


class Choice(Section):
    """One of several sections: each field is a name that can be chosen, and exactly one is set.

    The first is the usual one. A name whose options all have defaults may stand alone.
    """

    @property
    def name(self) -> str:
        """The name that is chosen."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def options(self) -> Any:
        """The section of the name that is chosen."""
        return getattr(self, self.name)

    @classmethod
    def sections(cls) -> dict[str, type[Section]]:
        """Return the sections of all names."""
        return {name: get_args(info.annotation)[0] for name, info in cls.model_fields.items()}

    @classmethod
    def alone(cls) -> list[str]:
        """Return the names that may stand alone: all their options have defaults."""
        return [
            name
            for name, section in cls.sections().items()
            if not any(info.is_required() for info in section.model_fields.values())
        ]

    @model_validator(mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        if isinstance(value, cls):
            return value
        if isinstance(value, str) and value in cls.alone():
            return {value: {}}
        if isinstance(value, dict) and len(value) == 1:
            ((name, options),) = value.items()
            if name in cls.model_fields and options is not None:
                return value
        from cnnspec.language.choice_slips import Slip  # only a wrong file needs it

        raise Slip(cls.__name__.lower(), cls.sections(), value).error()

    @model_serializer(mode="wrap")
    def _chosen(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any] | str:
        options = handler(self)[self.name]
        return {self.name: options} if options else self.name

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the JSON Schema: exactly one name with its options, or a name that may stand alone."""
        schema = handler.resolve_ref_schema(handler(core))
        for name, section in cls.sections().items():
            schema["properties"][name] = section.model_json_schema() | {
                "description": cls.model_fields[name].description
            }
        whole = schema | {"minProperties": 1, "maxProperties": 1}
        return {"anyOf": [{"enum": cls.alone(), "type": "string"}, whole]}
