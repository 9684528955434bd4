"""One harness for all layers: each of a layer's own cases is held to torch."""

from typing import Any

import pytest
import torch
from formula import compute
from pydantic import ValidationError
from torch.utils.flop_counter import FlopCounterMode

from cnnspec import loads
from cnnspec.errors import RuleError
from cnnspec.layers import LAYERS, REGISTRY, Case, Layer
from cnnspec.model import modules
from cnnspec.shape import Shape

CASES = [
    pytest.param(layer, case, id=f"{name} {case}") for name, layer in LAYERS.items() for case in layer.cases
]
REFUSED = [
    pytest.param(layer, case, id=f"{name} {case}") for name, layer in LAYERS.items() for case in layer.refused
]
BATCH = 2


# torch says so once, as it must make a padded copy.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(("layer_class", "case"), CASES)
def test_equals_torch(layer_class: type[Layer], case: Case) -> None:
    """Output shape, parameters and MACs are those of the torch module that the layer builds."""
    layer = layer_class.of(case.fields)
    output = layer.output_shape(case.input)
    module = layer.build(modules, case.input)
    with FlopCounterMode(display=False) as counter:
        y = module(torch.zeros(BATCH, *case.input))
    assert tuple(y.shape[1:]) == output
    assert sum(p.numel() for p in module.parameters() if p.requires_grad) == layer.params(case.input)
    assert counter.get_total_flops() == 2 * BATCH * layer.macs(case.input)


@pytest.mark.parametrize(("layer_class", "case"), CASES)
def test_formulas_give_the_numbers(layer_class: type[Layer], case: Case) -> None:
    """Each formula, computed as it is printed, gives the number it stands for."""
    layer, x = layer_class.of(case.fields), case.input
    output = layer.output_shape(x)
    formulas = layer.size_formulas(x)
    assert len(formulas) in (0, len(output))
    for (words, numbers), size in zip(formulas, output, strict=False):
        assert bool(words) == bool(numbers)
        assert not words or compute(numbers) == size
    for window, size in zip(layer.windows(x), output[1:], strict=False):
        assert window.output == size
    for formula, number in (
        (layer.params_formula(x), layer.params(x)),
        (layer.macs_formula(x), layer.macs(x)),
    ):
        assert bool(formula[0]) == bool(formula[1]) == bool(number)
        assert not number or compute(formula[1]) == number


@pytest.mark.parametrize(("layer_class", "case"), REFUSED)
def test_refuses_what_torch_refuses(layer_class: type[Layer], case: Case) -> None:
    """What torch cannot run is refused without running it."""
    with pytest.raises((RuleError, ValidationError)):
        layer_class.of(case.fields).output_shape(case.input)
    # torch has no module for a flat input where it lacks the attribute
    with pytest.raises((RuntimeError, ValueError, AssertionError, AttributeError)):
        _torch_run(layer_class, case)


def _torch_run(layer_class: type[Layer], case: Case) -> None:
    """Build and run the layer without our own checks."""
    layer = layer_class.model_construct(**{k: _tuples(v) for k, v in case.fields.items()})
    layer.build(modules, case.input)(torch.zeros(BATCH, *case.input))


def _tuples(value: Any) -> Any:
    """Return a value as it is in a layer, which has tuples for lists."""
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def facts(layer: Layer, x: Shape) -> dict[str, Any]:
    """Return all that a built module was told, as far as torch shows it."""
    module = layer.build(modules, x)
    told = {name: value for name, value in vars(module).items() if name[0] != "_" and name != "training"}
    return told | {key: tuple(value.shape) for key, value in module.state_dict().items()}


@pytest.mark.parametrize(
    ("layer_class", "field"),
    [
        pytest.param(layer, field, id=f"{name} {field}")
        for name, layer in LAYERS.items()
        for field, info in layer.model_fields.items()
        if not info.is_required()
    ],
)
def test_every_field_reaches_torch(layer_class: type[Layer], field: str) -> None:
    """Each field has a case that gives it, its value is in the module, and without it the module is another."""
    cases = [case for case in layer_class.cases if field in case.fields]
    assert cases
    for case in cases:
        value, others = case.fields[field], {k: v for k, v in case.fields.items() if k != field}
        told = facts(layer_class.of(case.fields), case.input)
        if field in told:
            each = tuple(value) if isinstance(value, list) else (value,) * (len(case.input) - 1)
            assert told[field] in (value, each)
        try:
            default = layer_class.of(others)
        except ValidationError:
            continue  # one of two fields is needed, and this was it
        assert value == default.resolved().get(field) or told != facts(default, case.input)


@pytest.mark.parametrize("name", LAYERS)
def test_describes_itself(name: str) -> None:
    """Each layer has a sentence, an example that a spec can hold, cases, and a meaning for every field."""
    layer = LAYERS[name]
    assert layer.__doc__
    assert layer.__doc__.splitlines()[0].endswith((".", ")."))
    assert layer.cases
    assert layer.family
    assert all(field.description for field in layer.model_fields.values())
    assert layer.main is None or layer.main in layer.model_fields
    example = layer.example
    net = loads(f"input: [4, 16, 16]\nlayers:\n{'  - flatten' if name == 'fc' else ''}\n  - {example}\n")
    assert net.plan().layers[-1].type == name


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "maxpool", "avgpool"])
def test_has_enough_cases(name: str) -> None:
    """Each convolution and pool is held to torch in at least 20 cases, in 1-D, 2-D and 3-D."""
    cases = LAYERS[name].cases
    assert len(cases) >= 20
    assert {len(case.input) for case in cases} == {2, 3, 4}


def test_vocabulary() -> None:
    """The registry has every layer that the language promises, and no other."""
    words = """
        conv depthwise_conv conv_transpose image_filter
        maxpool avgpool adaptive_avgpool adaptive_maxpool global_avgpool global_maxpool
        flatten fc
        batchnorm channel_layernorm groupnorm instancenorm local_response_norm
        relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid tanh hardsigmoid hardswish
        hardtanh softplus prelu softmax log_softmax abs square sqrt
        dropout channel_dropout drop_path
        upsample zero_pad pixel_shuffle channel_shuffle channel_slice layer_scale
        sequence residual add concat multiply
    """
    assert sorted(REGISTRY) == sorted(words.split())


def test_two_layers_of_one_name() -> None:
    """A second layer of a registered name is refused: nothing is replaced silently."""
    with pytest.raises(TypeError, match="two layers are called 'conv'"):

        class Again(Layer):
            type = "conv"

    assert REGISTRY["conv"].__name__ == "Conv"
