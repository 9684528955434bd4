"""The receptive field is what an impulse in the input shows."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import cnnspec
from cnnspec.layers import LAYERS, Case, Layer
from cnnspec.model import modules
from cnnspec.shape import Shape, volume
from cnnspec.views import receptive

SPECS = Path(__file__).parents[2] / "specs"

# Means and variances that a normalization takes are no part of a receptive field, as the module says;
# circular padding lets the values at one edge see the other one, too.
SEEING = [
    pytest.param(layer, case, id=f"{name} {case}")
    for name, layer in LAYERS.items()
    if layer.family not in ("normalization", "dense")
    for case in layer.cases
    if len(case.input) > 1 and case.fields.get("padding_mode") != "circular"
]
SIZES = {1: 60, 2: 13, 3: 8}
"""Inputs on an axis, by the number of axes: enough for a value that the edges do not cut short."""

BRANCHES = """
input: [2, 40, 23]
layers:
  - conv: {filters: 3, kernel: [3, 2], stride: 2, padding: 1}
  - residual:
      - conv: {filters: 3, kernel: 3, padding: same, dilation: [2, 1]}
      - relu
  - concat:
      branches:
        here: []
        below:
          - avgpool: 2
          - conv: {filters: 2, kernel: 3, padding: 1}
          - conv_transpose: {filters: 2, kernel: 2, stride: 2}
  - upsample: {scale: 2, mode: bilinear}
  - conv: {filters: 1, kernel: 2}
"""


def seen(module: nn.Module, x: Shape) -> Tensor:
    """Return for each place of the output, flat, at which places of the input an impulse changes it."""
    module = module.double().eval()
    for parameter in module.parameters():
        nn.init.uniform_(parameter, 0.1, 1)  # nothing cancels out
    places = volume(x[1:])
    impulses = torch.zeros(places, x[0], places, dtype=torch.double)
    impulses[torch.arange(places), :, torch.arange(places)] = torch.arange(1, x[0] + 1, dtype=torch.double)
    with torch.no_grad():
        silence = module(torch.zeros(1, *x, dtype=torch.double))
        changed = (module(impulses.reshape(places, *x)) - silence).abs().sum(1).flatten(1) > 1e-12
    places_seen: Tensor = changed.T.reshape(-1, *x[1:])
    return places_seen


def ranges(places: Tensor, axis: int) -> list[tuple[int, int]]:
    """Return the first and the last place along an axis that each value of the output depends on."""
    others = tuple(a for a in range(1, places.ndim) if a != axis + 1)
    lines = places.any(dim=others) if others else places
    return [(int(line.nonzero().min()), int(line.nonzero().max())) for line in lines if line.any()]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(("layer_class", "case"), SEEING)
def test_layer_sees_what_an_impulse_shows(layer_class: type[Layer], case: Case) -> None:
    """The output that depends on most inputs depends on as many as the layer says, as far as there are any."""
    rank = len(case.input) - 1
    layer, x = layer_class.of(case.fields), (case.input[0], *(SIZES[rank],) * rank)
    places, reach = seen(layer.build(modules, x), x), layer.reach(x)
    for axis, n in enumerate(x[1:]):
        spans = [last - first + 1 for first, last in ranges(places, axis)]
        assert max(spans) == (n if reach is None else min(n, reach[axis].size))


def test_network_sees_what_an_impulse_shows() -> None:
    """Through branches, shortcuts and upsampling, the way that sees most counts."""
    plan = cnnspec.loads(BRANCHES).plan()
    field = receptive.fields(plan)[plan.steps[-1].path]
    places = seen(plan.build(), plan.input_shape)
    spans = [max(last - first + 1 for first, last in ranges(places, axis)) for axis in (0, 1)]
    assert field
    assert field.size == tuple(spans)


@pytest.mark.parametrize(
    ("file", "path", "size", "stride"),
    [
        ("alexnet.yaml", "features", 195, 32),
        ("vgg.yaml@vgg16", "features", 212, 32),
        ("inception_v3.yaml", "inception_c2", 1311, 32),
    ],
)
def test_published(file: str, path: str, size: int, stride: int) -> None:
    """The fields of known networks are those of Araujo et al.'s table."""
    field = receptive.fields(cnnspec.load(SPECS / file).plan())[path]
    assert field
    assert (field.size, field.stride) == ((size, size), (stride, stride))


@pytest.mark.parametrize("item", ["flatten", "global_avgpool", "multiply: [[], [global_maxpool, sigmoid]]"])
def test_the_whole_input(item: str) -> None:
    """Whatever a value of which depends on all of the input sees it whole, and so does all that follows."""
    plan = cnnspec.loads(f"input: [2, 9, 9]\nlayers: [conv: {{filters: 2, kernel: 3}}, {item}, relu]").plan()
    first, *others = receptive.fields(plan).values()
    assert first
    assert first.size == (3, 3)
    assert others[-1] is None


def test_each_axis_has_its_own() -> None:
    """Kernels and strides that differ between the axes give fields that do."""
    text = "input: [1, 20, 20]\nlayers: [maxpool: {kernel: [2, 1]}, conv: {filters: 1, kernel: [3, 5]}]"
    field = receptive.fields(cnnspec.loads(text).plan())["conv1"]
    assert field
    assert (field.size, field.stride) == ((6, 5), (2, 1))
