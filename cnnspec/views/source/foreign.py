"""The classes of other packages that a network is made of; its source imports them."""

from collections.abc import Iterator, Mapping

from cnnspec.plan import Plan
from cnnspec.views.source.identifiers import ClassNames
from cnnspec.views.source.recording import Call, recorded

Foreign = Mapping[tuple[str, str], str]
"""What the source calls a class, by its module and its name there."""


def foreign_classes(plan: Plan, class_names: ClassNames) -> Foreign:
    """Return what the classes of other packages are called that the plan's layers build. Raises SpecError."""
    found = dict.fromkeys(
        (call.module, call.name) for step in plan.layers for call in _within(recorded(step)) if call.module
    )
    return {key: class_names.unique(key[1]) for key in found}


def imports(foreign: Foreign) -> list[str]:
    """Return a line for each class that imports it."""
    return [
        f"from {module} import {name}" + (f" as {called}" if called != name else "")
        for (module, name), called in foreign.items()
    ]


def _within(call: Call) -> Iterator[Call]:
    """Yield a call and those that its arguments are."""
    yield call
    for argument in (*call.positional, *call.named.values()):
        if isinstance(argument, Call):
            yield from _within(argument)
