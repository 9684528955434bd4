"""Every field of a layer is held to have an effect on the module that it builds."""

from typing import Any

from pydantic import ValidationError

from cnnspec.layers import Layer
from cnnspec.model import modules
from cnnspec.shape import Shape
from cnnspec.testing.expecting import expect


def check_field(layer: type[Layer], field: str) -> None:
    """See that a case gives the field, that the module has its value, and is another without it."""
    cases = [case for case in layer.cases if field in case.fields]
    expect(cases, "no case gives the field another value than its default")
    for case in cases:
        value, others = case.fields[field], {k: v for k, v in case.fields.items() if k != field}
        told = facts(layer.of(case.fields), case.input)
        if field in told:
            each = tuple(value) if isinstance(value, list) else (value,) * (len(case.input) - 1)
            expect(told[field] in (value, each), f"{value} becomes {told[field]} in the module")
        try:
            default = layer.of(others)
        except ValidationError:
            continue  # one of two fields is needed, and this was it
        same = value != default.resolved().get(field) and told == facts(default, case.input)
        expect(not same, f"with {value} and without it, the module is the same")


def facts(layer: Layer, x: Shape) -> dict[str, Any]:
    """Return all that a built module was told, as far as torch shows it."""
    module = layer.build(modules, x)
    told = {name: value for name, value in vars(module).items() if name[0] != "_" and name != "training"}
    return told | {key: tuple(value.shape) for key, value in module.state_dict().items()}
