"""What the trainer tells reaches every reporter."""

import inspect
from typing import Any

from cnnspec.training.reporter import Reporter, Reporters


def test_each_event_reaches_each() -> None:
    """Several reporters together hear of every event there is, with all that it says, in their order."""
    heard: list[tuple[str, str, tuple[Any, ...]]] = []

    class Ear(Reporter):
        def __init__(self, name: str) -> None:
            self.name = name

        def __getattribute__(self, event: str) -> Any:
            if event in EVENTS:
                return lambda *told: heard.append((self.name, event, told))
            return super().__getattribute__(event)

    both = Reporters(Ear("first"), Ear("second"))
    for event, count in EVENTS.items():
        heard.clear()
        told = tuple(object() for _ in range(count))
        getattr(both, event)(*told)
        assert heard == [("first", event, told), ("second", event, told)]


EVENTS = {
    name: len(inspect.signature(method).parameters) - 1
    for name, method in vars(Reporter).items()
    if inspect.isfunction(method)
}
