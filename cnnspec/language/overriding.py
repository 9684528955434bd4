"""Other values for the section `train`, as the command line and Python give them, held to what files are."""

from collections.abc import Mapping
from typing import Any

from cnnspec.errors import Place, Problem
from cnnspec.language import recipe
from cnnspec.language.choice import Choice
from cnnspec.language.document import Document, KeyPath
from cnnspec.language.training import Train
from cnnspec.language.validation import validate

_BY_PATH = ("lr_scale",)
"""Fields of `train` that hold values by the path of a layer."""


def changed(
    train: Train, settings: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[Train, list[Problem]]:
    """Return the section with other values, and what is wrong with them.

    `settings` are values by their way, as ``optimizer.sgd.lr``, and `options` are values of
    its own fields, where None leaves a value and `lr` is that of whichever optimizer there is.
    A file of weights is relative to the working folder.
    """
    values = train.model_dump(exclude_none=True)
    for name, value in settings.items():
        _put(values, _way(name), value)
    values |= {name: value for name, value in options.items() if value is not None and name != "lr"}
    lr = options.get("lr")
    if lr is not None:
        optimizer = values["optimizer"]
        named = {optimizer: {}} if isinstance(optimizer, str) else optimizer
        names = list(named) if isinstance(named, dict) else []
        for name in names[:1]:  # of none and of several, it is said what is wrong
            _put(values, ["optimizer", name, "lr"], lr)
    given = _Given(settings)
    new, problems = validate(Train, values, given, (), "train")
    if new is None:
        return train, problems
    return new.located("") if "weights" in settings else new, recipe.problems(new, given, ())


def _way(name: str) -> list[str]:
    """Return the way that a name with dots tells; the dots of a layer's path do not part it."""
    field, dot, rest = name.partition(".")
    return [field, rest] if dot and field in _BY_PATH else name.split(".")


def _put(values: dict[str, Any], way: list[str], value: Any) -> None:
    """Set the value at a way; where another name of a choice is on the way, it is chosen."""
    *fields, last = way
    for index, field in enumerate(fields):
        inner = values.get(field)
        if isinstance(inner, str):
            inner = {inner: {}}
        kept = isinstance(inner, dict) and (way[index + 1] in inner or not _is_choice(field))
        values[field] = dict(inner) if kept and inner else {}
        values = values[field]
    values[last] = value


def _is_choice(field: str) -> bool:
    """Tell whether a field of `train` takes one of several names."""
    info = Train.model_fields.get(field)
    return info is not None and isinstance(info.annotation, type) and issubclass(info.annotation, Choice)


class _Given(Document):
    """Values that come from no file, but from settings and options."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__("options", [])
        self.ways = [tuple(_way(name)) for name in settings]

    def place(self, path: KeyPath) -> Place:
        """Return the setting that the value at the path comes from, else the options as a whole."""
        for way in reversed(self.ways):
            if path and way[: len(path)] == path[: len(way)]:
                return Place(f"--train {'.'.join(way)}")
        return Place(self.file)
