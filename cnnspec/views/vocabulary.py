"""The vocabulary: every layer with its fields, read from the registry."""

from typing import Any, NamedTuple

from pydantic.fields import FieldInfo

from cnnspec.errors import Place
from cnnspec.layers import REGISTRY, Element, Layer
from cnnspec.plan import Step
from cnnspec.shape import Reach
from cnnspec.views import receptive
from cnnspec.views.explain import Explanation, explain_step
from cnnspec.views.explain import as_json as explanation_json

FAMILIES = (
    "convolution",
    "pooling",
    "dense",
    "normalization",
    "activation",
    "regularization",
    "channels and space",
    "composition",
)
"""The order in which families are listed; others follow."""


class FieldRow(NamedTuple):
    """A field of a layer, as text."""

    name: str
    default: str
    meaning: str


def families() -> dict[str, list[type[Element]]]:
    """Return the layers by family, in the order they are listed."""
    found: dict[str, list[type[Element]]] = {family: [] for family in FAMILIES}
    for layer in REGISTRY.values():
        found.setdefault(layer.family, []).append(layer)
    return {family: layers for family, layers in found.items() if layers}


def sentence(layer: type[Element]) -> str:
    """Return what the layer does, in one sentence."""
    return (layer.__doc__ or "").partition("\n")[0]


def about(layer: type[Element]) -> str:
    """Return the layer's family, and the module of one that is not built in."""
    module = layer.__module__
    return layer.family if module.startswith("cnnspec.") else f"{layer.family}, of {module}"


def field_rows(layer: type[Element]) -> list[FieldRow]:
    """Return the layer's fields with their defaults and meanings."""
    return [
        FieldRow(name, _default(info), info.description or "") for name, info in layer.model_fields.items()
    ]


def worked_example(layer: type[Element]) -> Explanation | None:
    """Return the formulas of a layer with the numbers of its first case, or None where it has none."""
    if not issubclass(layer, Layer):
        return None
    case = layer.cases[0]
    one, x = layer.of(case.fields), case.input
    step = Step(
        layer.type, layer.type, x, one.output_shape(x), one.params(x), one.macs(x), Place(""), layer=one
    )
    widens = any(reach != Reach() for reach in one.reach(x) or ())
    explanation = explain_step(step, receptive.first(one, x) if widens else None)
    return explanation if explanation.formulas else None


def as_json(layer: type[Element]) -> dict[str, Any]:
    """Return a layer's description as plain values."""
    example = worked_example(layer)
    return {
        "type": layer.type,
        "family": layer.family,
        "module": layer.__module__,
        "text": sentence(layer),
        "example": layer.example,
        "main": layer.main,
        "fields": [row._asdict() for row in field_rows(layer)],
        "formulas": explanation_json(example)["formulas"] if example else [],
    }


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    if info.default is None:
        return "none"
    return str(info.default).lower() if isinstance(info.default, bool) else str(info.default)
