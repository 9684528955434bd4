"""The receptive field is what an impulse in the input shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from formula import compute
from hypothesis import HealthCheck, given, settings
from reference import Drawn
from strategies import EXAMPLES, specs
from torch import Tensor, nn

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.layers import LAYERS, Case, Layer
from cnnspec.model import modules
from cnnspec.plan import Step
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


FORMULAS = {
    "a window": ("conv: {filters: 1, kernel: 5}", ["r + (f − 1)·j = 1 + (5 − 1)·1"], []),
    "with a stride": (
        "sequence: [maxpool: 2, maxpool: {kernel: 3, stride: 2}]",
        ["r + (f − 1)·j = 2 + (3 − 1)·2"],
        ["j·s = 2·2"],
    ),
    "dilated": ("conv: {filters: 1, kernel: 3, dilation: 2}", ["r + d(f − 1)·j = 1 + 2·(3 − 1)·1"], []),
    "another for each axis": (
        "maxpool: [2, 3]",
        ["r + (f − 1)·j = 1 + (2 − 1)·1", "r + (f − 1)·j = 1 + (3 − 1)·1"],
        ["j·s = 1·2", "j·s = 1·3"],
    ),
    "nothing seen beside it": ("relu", ["r = 1"], []),
    "branches": (
        "concat: [[], [conv: {filters: 1, kernel: 3, padding: 1}]]",
        ["the branches' largest = max(1, 3)"],
        [],
    ),
    "upsampled": (
        "sequence: [maxpool: 4, upsample: {scale: 2, mode: bilinear}]",
        ["r + (k − 1)·j = 4 + (2 − 1)·4"],
        ["j·n/m = 4·6/12"],
    ),
    "only one axis upsampled": ("upsample: {size: [48, 24]}", ["r = 1"], ["j·n/m = 1·24/48", "j = 1"]),
    "transposed": (
        "sequence: [maxpool: 4, conv_transpose: {filters: 1, kernel: 3, stride: 2}]",
        ["r + (k − 1)·j = 4 + (2 − 1)·4"],
        ["j/s = 4/2"],
    ),
    "upsampled twice": (
        "sequence: [conv_transpose: {filters: 1, kernel: 2, stride: 2}, conv_transpose: {filters: 1, kernel: 2, stride: 2}]",
        ["r + (k − 1)·j = 1 + (1 − 1)·1/2"],
        ["j/s = (1/2)/2"],
    ),
    "between the places of a coarser map": (
        "sequence: [maxpool: 4, upsample: 4, conv: {filters: 1, kernel: 3}]",
        ["c + ⌈b + (f − 1)·j/g⌉·g = 4 + ⌈0 + (3 − 1)·1/4⌉·4"],
        [],
    ),
    "further between them": (
        "sequence: [maxpool: 4, upsample: 4, conv: {filters: 1, kernel: 3}, conv: {filters: 1, kernel: 2}]",
        ["c + ⌈b + (f − 1)·j/g⌉·g = 4 + ⌈1/2 + (2 − 1)·1/4⌉·4"],
        [],
    ),
    "the whole input": ("global_avgpool", [], []),
    "flat": ("sequence: [flatten, relu]", [], []),
}  # fmt: skip


@pytest.mark.parametrize("case", FORMULAS.values(), ids=FORMULAS)
def test_formulas(case: tuple[str, list[str], list[str]]) -> None:
    """How a field grows is told in letters and in numbers, as short as it is true."""
    item, sizes, strides = case
    plan = cnnspec.loads(f"input: [1, 24, 24]\nlayers:\n  - {item}\n").plan()
    growths = receptive.growths(plan)
    step = plan.steps[0] if plan.steps[0].composite else plan.layers[-1]
    for found, expected in (
        (receptive.size_formulas(step, growths[step.path]), sizes),
        (receptive.stride_formulas(step, growths[step.path]), strides),
    ):
        assert list(dict.fromkeys(f"{words} = {numbers}" for words, numbers, _ in found)) == expected


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_formula_gives_the_field(path: Path) -> None:
    """Every formula in numbers comes to the field's size, and to its stride."""
    check_formulas(cnnspec.load(path).plan())


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@settings(max_examples=EXAMPLES // 10, suppress_health_check=[HealthCheck.too_slow])
@given(specs(valid=True, plain=True))
def test_formulas_of_any_network(drawn: Drawn) -> None:
    """So it is in networks with branches, upsampling and all else."""
    try:
        plan = cnnspec.loads(drawn.text).plan()
    except SpecError:
        return
    check_formulas(plan)


def check_formulas(plan: cnnspec.Plan) -> None:
    growths = receptive.growths(plan)
    for path, step in steps_of(plan.steps):
        growth = growths[path]
        if not step.layer and not step.composite:
            continue
        sizes, strides = receptive.size_formulas(step, growth), receptive.stride_formulas(step, growth)
        if growth.after is None:
            assert (sizes, strides) == ([], [])
            continue
        assert [compute(numbers) for _, numbers, _ in sizes] == list(growth.after.size)
        assert [result for *_, result in sizes] == list(growth.after.size)
        if strides or step.layer:
            assert growth.before
            after = [compute(numbers) for _, numbers, _ in strides] or list(growth.before.stride)
            assert after == list(growth.after.stride)


def steps_of(steps: tuple[Step, ...]) -> Iterator[tuple[str, Step]]:
    for step in steps:
        yield step.path, step
        yield from steps_of(step.children)
