"""A namespace that stands in for torch's: layers call its constructors, and the calls are written down."""

from typing import Any, NamedTuple

from cnnspec.errors import Problem, SpecError
from cnnspec.plan import Step


class Call(NamedTuple):
    """The call of a constructor with plain values, or with other calls: ``Conv2d(1, 6, 5)``.

    `module` is the one that has the constructor, and empty for ours and torch's.
    """

    name: str
    positional: tuple[Any, ...]
    named: dict[str, Any]
    module: str = ""


class Recorder:
    """Gives a constructor for any name, of a module if it has one, which returns its `Call`."""

    def __init__(self, module: str = "") -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return lambda *positional, **named: Call(name, positional, named, self._module)

    def imported(self, module: str) -> "Recorder":
        """Return what stands in for another package's module, which is not imported."""
        return Recorder(module)


RECORDER: Any = Recorder()


def recorded(step: Step) -> Call:
    """Return the call that makes a layer. Raises SpecError where it is none."""
    assert step.layer
    call = step.layer.build(RECORDER, step.input)
    if not isinstance(call, Call):
        what = f"{step.label} cannot be written as source"
        why = f"what makes {step.type} is not called through `nn`"
        raise SpecError(Problem(what, why, "", step.place))
    return call
