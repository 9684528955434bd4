"""Values of a file as pydantic models, or what is wrong with them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cnnspec.errors import Problem
from cnnspec.language.document import Document, KeyPath

M = TypeVar("M", bound=BaseModel)

LIKE_A_VALUE = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|true|false")
"""Text that without its quotes would be a number or a truth value."""


@dataclass(frozen=True, slots=True)
class Context:
    """What else is known of the values: `told` are the expressions that they came from, by their way.

    The fields `later` hold expressions with no value yet; `known` are the names these may use.
    """

    told: Mapping[KeyPath, str] = field(default_factory=dict)
    later: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()


_PLAIN = Context()


def validate(
    model: type[M], value: Any, document: Document, path: KeyPath, owner: str, *, context: Context = _PLAIN
) -> tuple[M | None, list[Problem]]:
    """Return the model of a value, or None and all that is wrong with it.

    `path` is where the value stands in the document, and `owner` is what messages call it.
    """
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        errors = [e for e in error.errors(include_url=False) if not _waits(e["loc"], context)]
    if not errors:
        return None, []
    from cnnspec.language.mistakes import problems  # only a wrong file needs it

    return None, problems(errors, model, value, document, path, owner=owner, context=context)


def _waits(location: KeyPath, context: Context) -> bool:
    """Tell whether an error is only that a field's expression has no value yet."""
    return bool(context.later) and (not location or location[0] in context.later)
