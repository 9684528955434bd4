"""What a layer must have that everything else relies on."""

import re
from collections.abc import Iterator
from typing import Any

from cnnspec.errors import RuleError, one_line
from cnnspec.language.item_slips import MODIFIERS
from cnnspec.language.items import RESERVED
from cnnspec.layers import Element, Layer

_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")


def faults(element: type[Element]) -> Iterator[str]:
    """Yield what a class of the registry lacks to be a layer, each as the end of a sentence about it."""
    word = element.type
    if not _TYPE.fullmatch(str(word)) or word in {*MODIFIERS, *RESERVED}:
        yield f"its type {word!r} is no word that a spec could call it"
    if not issubclass(element, Layer):
        yield "it is no Layer"
        return
    if not (element.__doc__ or "").strip():
        yield "it has no docstring, which tells what it does"
    for name in ("family", "example"):
        text = getattr(element, name, None)
        if not isinstance(text, str) or not text.strip():
            yield f"it has no {name}"
    if element.main is not None and element.main not in element.model_fields:
        yield f"its main field {element.main!r} is none of its fields"
    if not element.cases:
        yield "it has no cases"
    for name in ("output_shape", "build"):
        if getattr(element, name) is getattr(Layer, name):
            yield f"it has no method {name}"


def check_answers(layer: Layer, output: Any, **numbers: Any) -> None:
    """Raise RuleError where a layer's output is no shape, or its parameters or MACs are no numbers."""
    if not isinstance(output, tuple) or not output or not all(_is_whole(n, 1) for n in output):
        raise _wrong(layer, "output_shape", output, "a shape is a tuple of ints above 0")
    for method, number in numbers.items():
        if not _is_whole(number, 0):
            raise _wrong(layer, method, number, "it is an int, not below 0")


def _is_whole(number: Any, least: int) -> bool:
    return isinstance(number, int) and number >= least


def _wrong(layer: Layer, method: str, value: Any, why: str) -> RuleError:
    what = f"{method} of {{layer}} is {one_line(repr(value))[:80]}"
    return RuleError(what, why, f"Tell the authors of {type(layer).__module__}")
