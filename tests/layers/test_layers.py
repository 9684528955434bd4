"""All layers are held to torch and to the language by the public harness; the vocabulary is the promised one."""

import pytest

from cnnspec.layers import LAYERS, REGISTRY, Layer
from cnnspec.testing import Check, checks


# torch says so once, as it must make a padded copy.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("check", [c for layer in LAYERS.values() for c in checks(layer)], ids=str)
def test_layer(check: Check) -> None:
    """Every layer is what torch runs, in each of its cases, and all that it tells of itself is true."""
    check()


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
    ours = [name for name, element in REGISTRY.items() if element.__module__.startswith("cnnspec.")]
    assert sorted(ours) == sorted(words.split())


def test_two_layers_of_one_name() -> None:
    """A second layer of a registered name is refused: nothing is replaced silently."""
    with pytest.raises(TypeError, match="two layers are called 'conv'"):

        class Again(Layer):
            type = "conv"

    assert REGISTRY["conv"].__name__ == "Conv"
