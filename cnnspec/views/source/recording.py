"""A namespace that stands in for torch's: layers call its constructors, and the calls are written down."""

from typing import Any, NamedTuple


class Call(NamedTuple):
    """The call of a constructor with plain values: ``Conv2d(1, 6, 5)``."""

    name: str
    positional: tuple[Any, ...]
    named: dict[str, Any]


class Recorder:
    """Gives a constructor for any name, which returns its `Call`."""

    def __getattr__(self, name: str) -> Any:
        return lambda *positional, **named: Call(name, positional, named)


RECORDER: Any = Recorder()
