"""A layer is held to the language: it tells what it does, and can be written in a spec and read back."""

from functools import cache
from typing import Any

from cnnspec.errors import SpecError
from cnnspec.language import source
from cnnspec.language.yaml_text import to_yaml
from cnnspec.layers import LAYERS, Case, Layer
from cnnspec.plan import Plan
from cnnspec.plugins.contract import faults
from cnnspec.shape import Shape
from cnnspec.spec import loads
from cnnspec.testing.expecting import expect
from cnnspec.testing.fields import facts
from cnnspec.views.schema import json_schema


def check_description(layer: type[Layer]) -> None:
    """See that a layer has a sentence, cases, a meaning for every field, and an example that is a spec."""
    for fault in faults(layer):
        raise AssertionError(fault)
    expect(LAYERS.get(layer.type) is layer, f"another layer is called {layer.type}")
    sentence = (layer.__doc__ or "").splitlines()[0]
    expect(sentence.endswith((".", ").")), "the first line of its docstring is no sentence")
    for name, info in layer.model_fields.items():
        expect(info.description, f"its field {name} has no description")
    expect(layer.type in _defined(tuple(LAYERS.values())), "the JSON Schema has no definition of it")
    document, problems = source.parse(f"- {layer.example}", "its example")
    expect(not problems, f"its example {layer.example!r} is no YAML")
    made = [_made(case.input, document.value[0]) for case in layer.cases]
    expect(layer in map(type, made), f"its example {layer.example!r} takes the input of none of its cases")


def check_round_trip(layer: Layer, case: Case) -> None:
    """See that a case can be written in a spec, with and without its defaults, and is read as it was."""
    word = layer.type
    item: Any = {word: case.fields} if case.fields else word
    plan = plan_of(case.input, item)
    expect(plan.layers[-1].layer == layer, f"{item} is read as {plan.layers[-1].layer!r}")
    again = loads(to_yaml(plan.spec.resolved())).plan().layers[-1].layer
    same = again and facts(again, case.input) == facts(layer, case.input)
    expect(same, f"with all defaults, it is read as {again!r}")


@cache
def _defined(_layers: tuple[type[Layer], ...]) -> frozenset[str]:
    """Return what the JSON Schema defines, with these layers in the vocabulary."""
    return frozenset(json_schema()["$defs"])


def _made(x: Shape, item: Any) -> Layer | None:
    """Return the layer that an item becomes with an input; None where it does not take that."""
    try:
        return plan_of(x, item).layers[-1].layer
    except SpecError:
        return None


def plan_of(x: Shape, item: Any) -> Plan:
    """Return the plan of a network that gives an item this input, written and read."""
    before = ["flatten"] if len(x) == 1 else []  # the input of a network itself is never flat
    shape = [*x, 1] if before else list(x)
    text = to_yaml({"name": "net", "input": shape, "layers": [*before, _plain(item)]})
    return loads(text, file="its case").plan()


def _plain(value: Any) -> Any:
    """Return a value as YAML has it, which has lists for tuples."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value
