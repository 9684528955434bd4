"""Our own modules do what their layers promise; the harness of the layers sees only sizes."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor, nn
from torchvision.ops import StochasticDepth
from torchvision.ops.misc import Permute

import cnnspec
from cnnspec.layers import LAYERS
from cnnspec.layers.filters import FILTERS
from cnnspec.model import modules


def module(layer: str, shape: tuple[int, ...], **fields: Any) -> nn.Module:
    """Return a layer's module for an input shape."""
    built = LAYERS[layer].of(fields).build(modules, shape)
    assert isinstance(built, nn.Module)
    return built


def test_names_of_torch_and_ours() -> None:
    """The namespace has torch's modules beside ours, and no others."""
    assert modules.Conv2d is nn.Conv2d
    assert set(modules.__all__) & set(dir(nn)) == set()
    with pytest.raises(AttributeError, match="Conv4d"):
        _ = modules.Conv4d


@pytest.mark.parametrize("shape", [(6,), (6, 5), (6, 5, 4), (6, 5, 4, 3)])
def test_channel_layernorm(shape: tuple[int, ...]) -> None:
    """It is torch's layer normalization of the channels, at each place on its own, with its weights."""
    ours, theirs = module("channel_layernorm", shape, eps=1e-3), nn.LayerNorm(6, eps=1e-3)
    for parameter in theirs.parameters():
        nn.init.normal_(parameter)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, *shape)
    last = [0, *range(2, x.ndim), 1]
    first = [0, x.ndim - 1, *range(1, x.ndim - 1)]
    expected = Permute(first)(theirs(Permute(last)(x)))
    torch.testing.assert_close(ours(x), expected, rtol=0, atol=0)


def test_layer_scale() -> None:
    """Each channel has a factor of its own, all equal at first, and learns it."""
    scale = module("layer_scale", (3, 4, 4), init=0.5)
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(scale(x), x * 0.5)
    with torch.no_grad():
        scale.get_parameter("scale").copy_(torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1))
    y = scale(x)
    for channel in range(3):
        assert torch.equal(y[:, channel], x[:, channel] * (channel + 1))
    y.sum().backward()
    torch.testing.assert_close(scale.get_parameter("scale").grad, x.sum(dim=(0, 2, 3)).reshape(3, 1, 1))


@pytest.mark.parametrize("shape", [(5,), (5, 4), (5, 4, 3), (5, 4, 3, 2)])
def test_drop_path_in_training(shape: tuple[int, ...]) -> None:
    """In training a sample is 0 as a whole or divided by 1 − p, about p of them the former."""
    torch.manual_seed(0)
    x = torch.rand(1000, *shape) + 1
    y = module("drop_path", shape, p=0.2).train()(x)
    dropped = (y == 0).flatten(1).all(1)
    assert 150 < int(dropped.sum()) < 250
    torch.testing.assert_close(y[~dropped], x[~dropped] / 0.8)


def test_drop_path_otherwise() -> None:
    """Out of training, or with p = 0, it hands on its input; with p = 1 nothing is left."""
    x = torch.rand(4, 3, 2, 2)
    assert module("drop_path", (3, 2, 2), p=0.5).eval()(x) is x
    assert module("drop_path", (3, 2, 2), p=0).train()(x) is x
    assert torch.equal(module("drop_path", (3, 2, 2), p=1).train()(x), torch.zeros_like(x))


@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
def test_drop_path_is_torchvisions(p: float) -> None:
    """The same random numbers give what torchvision's stochastic depth by row gives."""
    x = torch.randn(16, 3, 2, 2)
    torch.manual_seed(7)
    expected = StochasticDepth(p, "row").train()(x)
    torch.manual_seed(7)
    assert torch.equal(module("drop_path", (3, 2, 2), p=p).train()(x), expected)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"stop": 2}, [0, 1]),
        ({"start": 4}, [4, 5]),
        ({"start": 1, "stop": 3}, [1, 2]),
        ({"start": -2}, [4, 5]),
        ({"stop": -4}, [0, 1]),
        ({"start": -3, "stop": 5}, [3, 4]),
        ({}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_channel_slice(fields: dict[str, int], kept: list[int]) -> None:
    """The channels are those that Python's slice of them is."""
    x = torch.randn(2, 6, 3, 3)
    assert torch.equal(module("channel_slice", (6, 3, 3), **fields)(x), x[:, kept])


@pytest.mark.parametrize("shape", [(50, 4), (50, 4, 4), (50, 2, 3, 4)])
def test_channel_dropout(shape: tuple[int, ...]) -> None:
    """In training a channel is 0 as a whole, or scaled as a whole."""
    torch.manual_seed(0)
    y = module("channel_dropout", shape).train()(torch.ones(4, *shape)).flatten(2)
    assert set(y.unique().tolist()) == {0, 2}
    assert torch.equal(y.amin(-1), y.amax(-1))


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 4), (2, 6, 4, 2)])
def test_adaptive_pools(kind: str, shape: tuple[int, ...]) -> None:
    """Global and adaptive pooling keep the largest value or the mean of what they see."""
    x = torch.randn(3, *shape)
    both = x.flatten(2).amax(-1) if kind == "max" else x.flatten(2).mean(-1)
    torch.testing.assert_close(module(f"global_{kind}pool", shape)(x).flatten(1), both)
    halves = torch.stack(
        [h.flatten(2).amax(-1) if kind == "max" else h.flatten(2).mean(-1) for h in x.split(3, 2)], -1
    )
    size = [2] + [1] * (len(shape) - 2)
    torch.testing.assert_close(module(f"adaptive_{kind}pool", shape, output_size=size)(x).flatten(2), halves)


def picture() -> Tensor:
    """Return a channel that is 0 in its left half and 1 in its right, and its transpose as another."""
    edge = torch.zeros(6, 6)
    edge[:, 3:] = 1
    return torch.stack([edge, edge.T])[None]


@pytest.mark.parametrize(
    ("name", "upright", "lying"),
    [("sobel_x", 4, 0), ("sobel_y", 0, 4), ("prewitt_x", 3, 0), ("prewitt_y", 0, 3)],
)
def test_edge_filters(name: str, upright: int, lying: int) -> None:
    """An x filter sees an upright edge and a y filter a lying one, and the picture's border is no edge."""
    y = module("image_filter", (2, 6, 6), kernel=name)(picture())[0]
    strip = torch.zeros(6)
    strip[2:4] = 1
    assert torch.equal(y[0], upright * strip.expand(6, 6))
    assert torch.equal(y[1], lying * strip.expand(6, 6).T)


@pytest.mark.parametrize(
    ("name", "even", "point"),
    [
        ("laplacian", 0, [[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        ("sharpen", 1, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
        ("gaussian", 1, [[1 / 16, 1 / 8, 1 / 16], [1 / 8, 1 / 4, 1 / 8], [1 / 16, 1 / 8, 1 / 16]]),
        ("box", 1, [[1 / 9] * 3] * 3),
    ],
)
def test_other_filters(name: str, even: float, point: list[list[float]]) -> None:
    """An even picture stays even up to its border, and a single point shows the filter."""
    filtered = module("image_filter", (1, 5, 5), kernel=name)
    torch.testing.assert_close(filtered(torch.ones(1, 1, 5, 5)), torch.full((1, 1, 5, 5), float(even)))
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 2, 2] = 1
    torch.testing.assert_close(filtered(x)[0, 0, 1:4, 1:4], torch.tensor(point).float())


def test_every_named_filter_is_tested() -> None:
    """The two tests above have all names."""
    edges = {"sobel_x", "sobel_y", "prewitt_x", "prewitt_y"}
    assert set(FILTERS) == edges | {"laplacian", "sharpen", "gaussian", "box"}


# torch says so once, as it must make a padded copy.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", ["same", "valid", 1, [2, 1]])
@pytest.mark.parametrize("kernel", [[[1, 2, 3], [4, 5, 6]], [[0.5, -1], [2, 3]]])
def test_filter_of_numbers(kernel: list[list[float]], padding: Any, mode: str) -> None:
    """A filter of numbers is a convolution with them on each channel, padded as a conv is."""
    filtered = module("image_filter", (2, 6, 7), kernel=kernel, padding=padding, padding_mode=mode)
    conv = LAYERS["conv"].of(
        {"filters": 2, "kernel": [2, len(kernel[0])], "padding": padding, "padding_mode": mode, "groups": 2}
        | {"bias": False}
    )
    theirs = conv.build(modules, (2, 6, 7))
    theirs.weight.data[:] = torch.tensor(kernel)
    x = torch.randn(3, 2, 6, 7)
    torch.testing.assert_close(filtered(x), theirs(x))


def test_filter_of_a_signal() -> None:
    """In one dimension the filter is a list of numbers."""
    x = torch.tensor([[[1.0, 2, 4, 8]]])
    difference = module("image_filter", (1, 4), kernel=[-1, 0, 1], padding=0)
    assert difference(x).tolist() == [[[3, 6]]]
    assert torch.equal(
        module("image_filter", (1, 4), kernel=[0, 1])(x), F.pad(x[..., 1:], (0, 1), "replicate")
    )


def test_filter_is_fixed() -> None:
    """A filter has nothing to train or to save, moves with the model, and takes no random numbers."""
    torch.manual_seed(1)
    filtered = module("image_filter", (2, 6, 6), kernel="box")
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), after)
    assert list(filtered.parameters()) == []
    assert filtered.state_dict() == {}
    assert filtered.double()(picture().double()).dtype is torch.float64


def test_arithmetic() -> None:
    """Absolute values, squares and roots are those of the numbers; below 0 there is no root."""
    x = torch.tensor([[-2.0, -0.0, 0.25, 9.0]])
    assert module("abs", (4,))(x).tolist() == [[2, 0, 0.25, 9]]
    assert module("square", (4,))(x).tolist() == [[4, 0, 0.0625, 81]]
    roots = module("sqrt", (4,))(x)
    assert roots.isnan().tolist() == [[True, False, False, False]]
    assert roots[0, 1:].tolist() == [0, 0.5, 3]


def test_network_with_all_of_them() -> None:
    """A network of our own modules learns: gradients reach the first layer through every one of them."""
    layers = """
      - conv: {filters: 8, kernel: 3, padding: 1}
      - image_filter: gaussian
      - channel_layernorm
      - channel_slice: {start: 2}
      - layer_scale: 0.5
      - drop_path: 0.1
      - conv_transpose: {filters: 4, kernel: 2, stride: 2}
    """
    model = cnnspec.loads(f"input: [1, 8, 8]\nlayers:{layers}").plan().build()
    torch.manual_seed(0)
    model(torch.randn(16, 1, 8, 8)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("layer", "fields", "text"),
    [
        ("channel_layernorm", {}, "ChannelLayerNorm(6, eps=1e-05)"),
        ("layer_scale", {}, "LayerScale((6, 1, 1), init=1e-06)"),
        ("drop_path", {"p": 0.2}, "DropPath(p=0.2)"),
        ("channel_slice", {"stop": 2}, "ChannelSlice(start=0, stop=2)"),
        ("image_filter", {"kernel": "box"}, "ImageFilter(6, 3×3, padding='same', padding_mode='replicate')"),
    ],
)
def test_shown_as_torchs_modules(layer: str, fields: dict[str, Any], text: str) -> None:
    """A printed model shows our modules with their arguments."""
    assert repr(module(layer, (6, 4, 4), **fields)) == text
