"""Compositions nest lists of layers; torch, calculating by hand from the same parts, is the oracle."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from telling import told
from torch import Tensor, nn

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.language.yaml_text import to_yaml


def text(layers: str, shape: str = "[4, 8, 8]") -> str:
    return f"input: {shape}\nlayers:\n{layers.strip(chr(10))}\n"


def plan(layers: str, shape: str = "[4, 8, 8]") -> cnnspec.Plan:
    return cnnspec.loads(text(layers, shape)).plan()


def paths(layers: str) -> list[str]:
    return [step.path for step in plan(layers).layers]


def run(network: cnnspec.Plan) -> tuple[nn.Module, Tensor, Tensor]:
    """Return the torch model of a plan, an input, and its output, having compared what the plan says."""
    torch.manual_seed(0)
    model = network.build().eval()
    x = torch.randn(2, *network.input_shape)
    with torch.no_grad():
        y = model(x)
    assert y.shape == (2, *network.output_shape)
    assert sum(p.numel() for p in model.parameters()) == network.params
    return model, x, y


CONV = "conv: {filters: 4, kernel: 3, padding: 1}"


# What each composition calculates.
@torch.no_grad()
def test_residual() -> None:
    """A residual is the sum of what its layers and its shortcut give."""
    model, x, y = run(
        plan(f"  - residual: {{layers: [{CONV}, relu], shortcut: [conv: {{filters: 4, kernel: 1}}]}}")
    )
    layers, shortcut = model.get_submodule("residual1.layers"), model.get_submodule("residual1.shortcut")
    assert torch.equal(y, layers(x) + shortcut(x))


@torch.no_grad()
def test_residual_without_shortcut() -> None:
    """Without a shortcut the input itself is added."""
    model, x, y = run(plan(f"  - residual: [{CONV}, relu]"))
    assert torch.equal(y, model.get_submodule("residual1.layers")(x) + x)


@torch.no_grad()
@pytest.mark.parametrize("skip", ["false", "in_channels == 8", "1 > 2"])
def test_no_skip(skip: str) -> None:
    """With `skip: false` only the layers are left, whatever their shape."""
    model, x, y = run(plan(f"  - residual: {{layers: [conv: {{filters: 7, kernel: 3}}], skip: {skip}}}"))
    assert torch.equal(y, model.get_submodule("residual1.layers")(x))


@torch.no_grad()
@pytest.mark.parametrize("skip", ["true", "in_channels == 4", "2 > 1"])
def test_skip(skip: str) -> None:
    """`skip` is true unless it is said to be false."""
    model, x, y = run(plan(f"  - residual: {{layers: [{CONV}], skip: {skip}}}"))
    assert torch.equal(y, model.get_submodule("residual1.layers")(x) + x)


BRANCHES = f"[[{CONV}], [], [conv: {{filters: 4, kernel: 1}}, relu]]"


@torch.no_grad()
def test_add() -> None:
    """The sum of all branches is given; an empty one is the input itself."""
    model, x, y = run(plan(f"  - add: {BRANCHES}"))
    first, third = model.get_submodule("add1.0"), model.get_submodule("add1.2")
    torch.testing.assert_close(y, first(x) + x + third(x))


@torch.no_grad()
def test_multiply() -> None:
    """The product of all branches is given, stretched where an axis is 1."""
    model, x, y = run(plan("  - multiply: [[], [global_avgpool, conv: {filters: 4, kernel: 1}, sigmoid]]"))
    assert torch.equal(y, x * model.get_submodule("multiply1.1")(x))


@torch.no_grad()
@pytest.mark.parametrize("name", ["outputs", "named", "numbered", "self", "branches"])
def test_names_of_branches(name: str) -> None:
    """A branch may be called what our own module calls its arguments, or called once."""
    model, x, y = run(plan(f"  - concat: {{branches: {{{name}: [{CONV}], other: []}}}}"))
    assert torch.equal(y, torch.cat([model.get_submodule(f"concat1.{name}")(x), x], dim=1))


@torch.no_grad()
def test_concat() -> None:
    """The channels of all branches are given in their order."""
    model, x, y = run(
        plan("  - concat: [[conv: {filters: 3, kernel: 1}], [], [conv: {filters: 2, kernel: 1}]]")
    )
    first, third = model.get_submodule("concat1.0"), model.get_submodule("concat1.2")
    assert torch.equal(y, torch.cat([first(x), x, third(x)], dim=1))


@torch.no_grad()
def test_sequence() -> None:
    """A sequence is its layers in a row."""
    model, x, y = run(plan(f"  - sequence: [{CONV}, tanh, conv: {{filters: 2, kernel: 3}}]\n    name: stem"))
    stem = model.get_submodule("stem")
    assert torch.equal(y, stem.conv2(stem.tanh1(stem.conv1(x))))  # type: ignore[operator]  # modules are called


MERGED = {
    "equal shapes": ("add", "[[], [relu]]", (4, 8, 8)),
    "one branch": ("add", "[[conv: {filters: 3, kernel: 1}]]", (3, 8, 8)),
    "channels": ("concat", "[[], [conv: {filters: 3, kernel: 1}], []]", (11, 8, 8)),
    "flat channels": ("concat", "[[flatten, fc: 3], [flatten, fc: 5]]", (8,)),
    "one channel": ("multiply", "[[], [conv: {filters: 1, kernel: 1}]]", (4, 8, 8)),
    "one pixel": ("multiply", "[[], [global_avgpool]]", (4, 8, 8)),
    "the first is stretched": ("multiply", "[[global_avgpool], [], [conv: {filters: 1, kernel: 1}]]", (4, 8, 8)),
    "both are stretched": ("multiply", "[[global_avgpool], [conv: {filters: 1, kernel: 1}]]", (4, 8, 8)),
    "one column": ("multiply", "[[maxpool: [1, 8]], [maxpool: [8, 1]]]", (4, 8, 8)),
    "flat": ("multiply", "[[flatten, fc: 3], [flatten, fc: 1]]", (3,)),
}  # fmt: skip


@pytest.mark.parametrize("case", MERGED.values(), ids=MERGED)
def test_merged_shapes(case: tuple[str, str, tuple[int, ...]]) -> None:
    """The output's shape is that of torch."""
    kind, branches, expected = case
    network = plan(f"  - {kind}: {branches}")
    assert network.output_shape == expected
    run(network)


@pytest.mark.parametrize("shape", ["[4, 8]", "[4, 4, 8]", "[4, 4, 4, 8]"])
def test_any_rank(shape: str) -> None:
    """Compositions are the same in one, two and three dimensions."""
    run(
        plan(
            f"  - residual: [{CONV}]\n  - concat: [[{CONV}], [], [relu]]\n  - add: [[{CONV}], [{CONV}]]",
            shape,
        )
    )


def test_numbers_add_up() -> None:
    """A composition has the parameters and MACs of all its parts."""
    (step,) = plan(f"  - residual: {{layers: [{CONV}], shortcut: [conv: {{filters: 4, kernel: 1}}]}}").steps
    assert step.params == (4 * 9 + 1) * 4 + (4 + 1) * 4
    assert step.macs == 64 * 4 * 4 * (9 + 1)
    assert [child.path for child in step.children] == ["residual1.layers", "residual1.shortcut"]
    assert step.composite is not None


# Names.
NAMED = f"""
  - residual:
      layers: [{CONV}]
      shortcut: [conv: {{filters: 4, kernel: 1}}]
  - concat:
      branches: {{pool: [maxpool: 1], wide: [{CONV}, {CONV}]}}
    name: mix
  - concat: [[{CONV}], [sequence: [{CONV}]]]
  - sequence:
      - {CONV}
      - sequence: [{CONV}]
        name: inner
    name: outer
"""


def test_names() -> None:
    """Parts have names of their own; a sequence has its layers directly."""
    expected = [
        *("residual1.layers.conv1", "residual1.shortcut.conv1"),
        *("mix.pool.maxpool1", "mix.wide.conv1", "mix.wide.conv2"),
        *("concat1.0.conv1", "concat1.1.sequence1.conv1", "outer.conv1", "outer.inner.conv1"),
    ]
    assert paths(NAMED) == expected
    weights = [p.removesuffix(".weight") for p in plan(NAMED).build().state_dict() if p.endswith("weight")]
    assert weights == [path for path in expected if "conv" in path]


def test_layers_come_before_the_shortcut() -> None:
    """In a model's state a residual's layers come first, in whichever order they are written."""
    one = "  - residual: {layers: [conv: {filters: 4, kernel: 1}], shortcut: [batchnorm]}"
    other = "  - residual: {shortcut: [batchnorm], layers: [conv: {filters: 4, kernel: 1}]}"
    assert list(plan(one).build().state_dict()) == list(plan(other).build().state_dict())
    assert next(iter(plan(other).build().state_dict())) == "residual1.layers.conv1.weight"


def test_each_list_numbers_its_own() -> None:
    """Unnamed layers are numbered within their list."""
    layers = "  - relu\n  - residual: [relu, relu]\n  - add: [[relu], [relu, relu]]\n  - relu"
    assert paths(layers) == [
        *("relu1", "residual1.layers.relu1", "residual1.layers.relu2"),
        *("add1.0.relu1", "add1.1.relu1", "add1.1.relu2", "relu2"),
    ]


def test_names_of_lists_do_not_clash() -> None:
    """The same name may stand in two lists; only in one it must not stand twice."""
    named = "{relu: {}, name: a}"
    assert paths(f"  - add: [[{named}], [{named}]]\n  - relu: {{}}\n    name: a")[-1] == "a"
    (problem,) = told(text(f"  - residual:\n      - relu: {{}}\n        name: a\n      - {named}"))
    assert problem == "6:26: two layers are called 'a'; the first stands in line 5. Rename one of them."


# Nesting.
def layer_items(depth: int) -> st.SearchStrategy[Any]:
    """Return items that keep the shape: layers, and compositions of lists of such items."""
    leaves = st.sampled_from(
        ["relu", "batchnorm", {"conv": {"filters": 4, "kernel": 3, "padding": 1}}, {"maxpool": 1}]
    )
    if not depth:
        return leaves
    inner = st.lists(layer_items(depth - 1), max_size=2)
    branches = st.lists(inner, min_size=1, max_size=3)
    names = st.sampled_from(["a", "b_1", "pool"])
    return leaves | st.one_of(
        st.builds(lambda items: {"sequence": items}, inner),
        st.builds(lambda items: {"residual": items}, inner),
        st.builds(
            lambda a, b, skip: {"residual": {"layers": a, "shortcut": b, "skip": skip}},
            inner,
            inner,
            st.sampled_from([True, False, "in_channels == 4", "in_channels > 4"]),
        ),
        st.builds(lambda kind, lists: {kind: lists}, st.sampled_from(["add", "multiply"]), branches),
        st.builds(lambda lists: {"add": {"branches": lists}}, st.dictionaries(names, inner, min_size=1)),
        st.builds(
            lambda lists: {
                "sequence": [{"concat": lists}, {"conv": {"filters": 4, "kernel": 1}}],
                "repeat": 2,
            },
            branches,
        ),
    )


@settings(max_examples=50)
@given(st.lists(layer_items(3), min_size=1, max_size=3))
def test_any_nesting(layers: list[Any]) -> None:
    """However compositions are nested, torch agrees with the plan on shape, parameters and names."""
    written = to_yaml({"input": [4, 6, 6], "layers": layers})
    network = cnnspec.loads(written).plan()
    assert network.output_shape == (4, 6, 6)
    model, _, _ = run(network)
    for step in network.layers:
        module = model.get_submodule(step.path)
        assert sum(p.numel() for p in module.parameters()) == step.params
    again = cnnspec.loads(to_yaml(cnnspec.loads(written).resolved())).plan()
    assert [(s.path, s.type, s.output, s.params) for s in again.layers] == [
        (s.path, s.type, s.output, s.params) for s in network.layers
    ]


def test_deep_nesting() -> None:
    """Lists in lists are refused where YAML itself would be, without an error of Python."""
    layers: Any = ["relu"]
    for _ in range(12):
        layers = [{"residual": {"layers": layers}}]
    assert cnnspec.loads(to_yaml({"input": [1, 8], "layers": layers})).plan().output_shape == (1, 8)
    for _ in range(30):
        layers = [{"residual": {"layers": layers}}]
    with pytest.raises(SpecError, match="nested deeper than 64 levels"):
        cnnspec.loads(to_yaml({"input": [1, 8], "layers": layers}))
