"""All that is checked of a layer, in a list."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from cnnspec.layers import Case, Layer
from cnnspec.testing import fields, formulas, language, memory, reach, reading, running, source, starting

IN_EACH_CASE: dict[str, Callable[[Layer, Case], None]] = {
    "is what torch runs": running.check_numbers,
    "formulas give the numbers": formulas.check_formulas,
    "keeps what autograd saves": memory.check_kept,
    "sees what an impulse shows": reach.check_reach,
    "is written and read": language.check_round_trip,
    "is what its source makes": source.check_source,
    "is read from its module": reading.check_read,
}
"""What holds in each of a layer's cases."""


class Check(NamedTuple):
    """Something that a layer must keep; the call raises AssertionError where it does not."""

    name: str
    run: Callable[[], None]

    def __str__(self) -> str:
        return self.name

    def __call__(self) -> None:
        """Check it. Raises AssertionError, and whatever the layer raises."""
        try:
            self.run()
        except Exception as error:
            error.add_note(f"cnnspec.testing: {self.name}")
            raise


def check_layer(layer: type[Layer]) -> None:
    """Hold a layer to torch and to the language, in its own cases; raises AssertionError at the first fault.

    Output shape, parameters, MACs, what autograd keeps for the backward pass, and how far a value
    sees are those of the module that it builds; formulas give these numbers; what is to be refused is
    refused; every field reaches the module; the layer describes itself; each case can be written in a
    spec and read back, and as source that makes the same; if it reads modules, then its own.
    """
    for check in checks(layer):
        check()


def checks(layer: type[Layer]) -> Iterator[Check]:
    """Yield the checks of a layer, one by one, as `check_layer` runs them."""
    yield Check(f"{layer.type}: describes itself", partial(language.check_description, layer))
    if starting.is_announced(layer):
        yield Check(f"{layer.type}: is defined without torch", partial(starting.check_start, layer))
    for case in layer.cases:
        for name, check in IN_EACH_CASE.items():
            yield Check(f"{layer.type} {case}: {name}", partial(_in_case, check, layer, case))
    for case in layer.refused:
        yield Check(f"{layer.type} {case}: is refused", partial(running.check_refused, layer, case))
    for name, info in layer.model_fields.items():
        if not info.is_required():
            yield Check(f"{layer.type}.{name}: reaches torch", partial(fields.check_field, layer, name))


def _in_case(check: Callable[[Layer, Case], None], layer: type[Layer], case: Case) -> None:
    check(layer.of(case.fields), case)
