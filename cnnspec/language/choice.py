"""A choice in the file: one of several names, alone or with its options, as in ``schedule: cosine``."""

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from cnnspec.errors import did_you_mean, one_of, shown


class Section(BaseModel):
    """A mapping in the file, with a fixed set of fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)


class Choice(Section):
    """One of several sections: each field is a name that can be chosen, and exactly one is set."""

    @property
    def name(self) -> str:
        """The name that is chosen."""
        return next(iter(self.model_fields_set))

    @property
    def options(self) -> Any:
        """The section of the name that is chosen."""
        return getattr(self, self.name)

    @model_validator(mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in cls.model_fields:
                fix = did_you_mean(value, cls.model_fields) or f"Use {one_of(cls.model_fields)}"
                sentence = f"unknown {cls.__name__.lower()} {shown(value)}"
                raise PydanticCustomError("rule", "not allowed", {"sentence": sentence, "fix": fix})
            return {value: {}}
        if isinstance(value, dict) and len(value) != 1:
            sentence = f"{cls.__name__.lower()} names {len(value) or 'none'}"
            context = {"sentence": sentence, "why": "it is one of them", "fix": f"Use {one_of(cls.model_fields)}"}
            raise PydanticCustomError("rule", "not allowed", context)
        return value

    @model_serializer(mode="wrap")
    def _chosen(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}
