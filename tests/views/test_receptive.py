"""The receptive field is what an impulse in the input shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from reference import Drawn
from strategies import EXAMPLES, specs

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.plan import Step
from cnnspec.testing.formulas import compute
from cnnspec.testing.reach import ranges, seen
from cnnspec.views import receptive

SPECS = Path(__file__).parents[2] / "specs"

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
