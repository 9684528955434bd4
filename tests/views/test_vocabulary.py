"""What the vocabulary says of a layer is what the layer does."""

import json

import pytest

import cnnspec
from cnnspec.language import source
from cnnspec.layers import LAYERS, REGISTRY, Layer
from cnnspec.testing.formulas import compute
from cnnspec.views import vocabulary


def test_every_layer_once() -> None:
    """Each registered layer stands in one family, and the families in the order of the language."""
    families = vocabulary.families()
    listed = [layer.type for layers in families.values() for layer in layers]
    assert sorted(listed) == sorted(REGISTRY)
    assert list(families) == [family for family in vocabulary.FAMILIES if family in families]


@pytest.mark.parametrize("name", REGISTRY)
def test_defaults_are_those_of_a_spec(name: str) -> None:
    """A field's printed default, written into a spec, is the value it has without it."""
    layer = REGISTRY[name]
    for row in vocabulary.field_rows(layer):
        info = layer.model_fields[row.name]
        assert row.meaning
        assert (row.default == "required") == info.is_required()
        if row.default not in ("required", "none"):
            document, problems = source.parse(f"value: {row.default}", "f")
            assert problems == []
            assert document.value["value"] == info.default


@pytest.mark.parametrize("name", REGISTRY)
def test_example_is_a_spec(name: str) -> None:
    """The example of each layer can be copied into a spec."""
    layer = REGISTRY[name]
    flat = "flatten, " if name == "fc" else ""
    spec = cnnspec.loads(f"input: [4, 16, 16]\nlayers: [{flat}{layer.example}]")
    *_, item = spec.layers
    assert item.template
    assert item.template.model is layer
    assert spec.plan().output_shape


@pytest.mark.parametrize("name", REGISTRY)
def test_json(name: str) -> None:
    """A layer's description is plain values, with a main field that it has."""
    described = json.loads(json.dumps(vocabulary.as_json(REGISTRY[name])))
    assert described.keys() == {"type", "family", "module", "text", "example", "main", "fields", "formulas"}
    assert described["main"] in {None, *(field["name"] for field in described["fields"])}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_formulas(layer: type[Layer]) -> None:
    """The formulas shown for a layer, with the numbers of its first case, give the result that stands there."""
    example = vocabulary.worked_example(layer)
    params = layer.of(layer.cases[0].fields).params(layer.cases[0].input)
    assert example or not params
    for formula in example.formulas if example else ():
        assert compute(formula.numbers) == formula.result
        if formula.of == "parameters":
            assert formula.result == params


def test_shows_formulas() -> None:
    """Convolution shows how its numbers come about, and what it sees; relu has nothing to show."""
    shown = {name: vocabulary.worked_example(REGISTRY[name]) for name in ("conv", "maxpool", "relu", "add")}
    of = {name: [formula.of for formula in one.formulas] if one else [] for name, one in shown.items()}
    assert of == {
        "conv": ["height, width", "parameters", "MACs", "receptive field"],
        "maxpool": ["height, width", "receptive field", "effective stride"],
        "relu": [],
        "add": [],
    }


def test_synonyms_lead_to_one_layer() -> None:
    """No other tool's name for a layer is itself a layer, or leads to two."""
    synonyms = [synonym for layer in REGISTRY.values() for synonym in layer.synonyms]
    assert len(set(synonyms)) == len(synonyms)
    assert not set(synonyms) & set(REGISTRY)
