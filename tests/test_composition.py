"""Compositions nest lists of layers; torch, calculating by hand from the same parts, is the oracle."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.yaml_text import to_yaml


def text(layers: str, shape: str = "[4, 8, 8]") -> str:
    return f"input: {shape}\nlayers:\n{layers.strip(chr(10))}\n"


def plan(layers: str, shape: str = "[4, 8, 8]") -> cnnspec.Plan:
    return cnnspec.loads(text(layers, shape)).plan()


def paths(layers: str) -> list[str]:
    return [step.path for step in plan(layers).layers]


def told(layers: str, shape: str = "[4, 8, 8]") -> list[str]:
    """Return what is said about a text, a line for each problem, without its file."""
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(text(layers, shape), file="net.yaml").plan()
    return [str(problem).splitlines()[0].removeprefix("net.yaml:") for problem in caught.value.problems]


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
    (problem,) = told(f"  - residual:\n      - relu: {{}}\n        name: a\n      - {named}")
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


# Disagreement. The composition stands in line 3.
WIDE = "conv: {filters: 8, kernel: 1}"
DISAGREE = {
    "an identity that is too narrow": (
        f"  - residual:\n      - relu\n      - {WIDE}",
        "3:5: layers and shortcut of residual1 disagree: 8×8×8 (line 4) and 4×8×8 (the input). Give the shortcut a 1×1 conv of 8 filters.",
    ),
    "an identity that is too large": (
        "  - residual:\n      - conv: {filters: 8, kernel: 3, stride: 2, padding: 1}",
        "3:5: layers and shortcut of residual1 disagree: 8×4×4 (line 4) and 4×8×8 (the input). Give the shortcut a 1×1 conv of 8 filters and stride 2.",
    ),
    "an identity that is not strided": (
        "  - residual:\n      - maxpool: 2",
        "3:5: layers and shortcut of residual1 disagree: 4×4×4 (line 4) and 4×8×8 (the input). Give the shortcut a 1×1 conv of 4 filters and stride 2.",
    ),
    "no padding": (
        "  - residual:\n      - conv: {filters: 4, kernel: 3}",
        "3:5: layers and shortcut of residual1 disagree: 4×6×6 (line 4) and 4×8×8 (the input). Give the shortcut layers that make it 4×6×6.",
    ),
    "two strides": (
        "  - residual:\n      - maxpool: [2, 4]",
        "3:5: layers and shortcut of residual1 disagree: 4×4×2 (line 4) and 4×8×8 (the input). Give the shortcut layers that make it 4×4×2.",
    ),
    "a shortcut of other filters": (
        f"  - residual:\n      layers:\n        - {CONV}\n      shortcut:\n        - {WIDE}",
        "3:5: layers and shortcut of residual1 disagree: 4×8×8 (line 5) and 8×8×8 (line 7). Give the shortcut a 1×1 conv of 4 filters.",
    ),
    "a flat output": (
        "  - residual: [flatten]",
        "3:5: layers and shortcut of residual1 disagree: 256 (line 3) and 4×8×8 (the input). Give the shortcut layers that make it 256.",
    ),
    "two flat outputs": (
        "  - residual: {layers: [flatten, fc: 3], shortcut: [flatten]}",
        "3:5: layers and shortcut of residual1 disagree: 3 (line 3) and 256 (line 3). Give the shortcut an fc of 3 units.",
    ),
    "filters of add": (
        f"  - add:\n      - - {CONV}\n      - - relu\n        - {WIDE}",
        "3:5: branches of add1 disagree: 4×8×8 (line 4) and 8×8×8 (line 5). Give both the same filters.",
    ),
    "sizes of add": (
        "  - add: [[conv: {filters: 4, kernel: 3}], [relu, conv: {filters: 8, kernel: 1}]]",
        "3:5: branches of add1 disagree: 4×6×6 (line 3) and 8×8×8 (line 3). Give both the same filters, strides and padding.",
    ),
    "the input is narrower": (
        f"  - add: [[], [{WIDE}]]",
        "3:5: branches of add1 disagree: 4×8×8 (the input) and 8×8×8 (line 3). Give the branch of the input a 1×1 conv of 8 filters.",
    ),
    "the third branch": (
        f"  - add:\n      branches:\n        a: [relu]\n        b: [tanh]\n        c: [{WIDE}]",
        "3:5: branches of add1 disagree: 4×8×8 (line 5) and 8×8×8 (line 7). Give both the same filters.",
    ),
    "sizes of concat": (
        "  - concat: [[maxpool: 2], []]\n    name: mix",
        "3:5: branches of mix disagree: 4×4×4 (line 3) and 4×8×8 (the input). Give them the same strides, and padding that keeps the size: only channels may differ.",
    ),
    "ranks of concat": (
        "  - concat: [[flatten], []]",
        "3:5: branches of concat1 disagree: 256 (line 3) and 4×8×8 (the input). Give them the same strides, and padding that keeps the size: only channels may differ.",
    ),
    "channels of multiply": (
        f"  - multiply: [[], [global_avgpool, {WIDE}]]",
        "3:5: branches of multiply1 disagree: 4×8×8 (the input) and 8×1×1 (line 3). Each axis must have the same size, or 1.",
    ),
    "sizes of multiply": (
        "  - multiply: [[], [maxpool: 2]]",
        "3:5: branches of multiply1 disagree: 4×8×8 (the input) and 4×4×4 (line 3). Each axis must have the same size, or 1.",
    ),
    "ranks of multiply": (
        "  - multiply: [[], [flatten]]",
        "3:5: branches of multiply1 disagree: 4×8×8 (the input) and 256 (line 3). Each axis must have the same size, or 1.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DISAGREE.values(), ids=DISAGREE)
def test_disagreement(case: tuple[str, str]) -> None:
    """Parts of different shapes are told with their lines, and how to make them fit."""
    layers, message = case
    assert told(layers) == [message]


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ("[conv: {filters: 8, kernel: 1}]", "[4, 8, 8]"),
        ("[conv: {filters: 8, kernel: 3, stride: 2, padding: 1}]", "[4, 9, 9]"),
        ("[conv: {filters: 8, kernel: 3, stride: 3, padding: 1}]", "[4, 8, 8]"),
        ("[maxpool: 4, conv: {filters: 6, kernel: 1}]", "[4, 8, 8]"),
        ("[flatten, fc: 3]", "[4, 8, 8]"),
        ("[conv: {filters: 8, kernel: 1, stride: 2}]", "[4, 8]"),
        ("[conv: {filters: 8, kernel: 1, stride: 2}]", "[4, 4, 8, 8]"),
    ],
)
def test_the_fix_of_a_residual_fits(layers: str, shape: str) -> None:
    """The shortcut that the message asks for makes the shapes equal."""
    shortcut = "[flatten]" if "fc" in layers else "[]"
    (problem,) = told(f"  - residual: {{layers: {layers}, shortcut: {shortcut}}}", shape)
    fix = problem.rpartition(". ")[2]
    words = fix.replace(".", "").split()
    number = words[words.index("units" if "fc" in layers else "filters") - 1]
    added = f"fc: {number}" if "fc" in layers else f"conv: {{filters: {number}, kernel: 1}}"
    if "stride" in words:
        added = added.replace("kernel: 1", f"kernel: 1, stride: {words[words.index('stride') + 1]}")
    mended = f"{shortcut[:-1]}{', ' if 'fc' in layers else ''}{added}]"
    run(plan(f"  - residual: {{layers: {layers}, shortcut: {mended}}}", shape))


WRONG = {
    "no branches": ("concat: []", "3:13: branches is []; it must be a list of lists of layers, or a mapping"),
    "a branch without a list": ("concat: [conv: {filters: 4, kernel: 1}]", "3:14: branch 0 is a mapping; a branch is a list of layers, and `[]` is the input itself. Begin it with two dashes: `- - conv: …`."),
    "words as branches": ("concat: [relu, tanh]", "3:14: branch 0 is 'relu'; a branch is a list of layers, and `[]` is the input itself. Write `[relu]`."),
    "a named branch without a list": ("add: {branches: {a: [], b: relu}}", "3:29: branch 'b' is 'relu'; a branch is a list of layers"),
    "a word for the branches": ("add: relu", "3:10: branches is 'relu'; it must be a list of lists"),
    "branches without `branches`": ("concat: {a: [relu], b: []}", "3:5: concat needs 'branches'; there is no default. Indent its branches below `branches:`."),
    "a misspelt field": ("concat: {branch: [[relu]]}", "3:5: concat needs 'branches'"),
    "a bad name": ("add: {branches: {1x1: [relu]}}", "3:22: the branch's name is '1x1'; it must be letters"),
    "a name of torch": ("add: {branches: {forward: [relu]}}", "3:22: a layer cannot be called 'forward'; Python or PyTorch keeps that name"),
    "no layers": ("residual: {shortcut: []}", "3:5: residual needs 'layers'; there is no default. Add `layers:`."),
    "nothing": ("residual:", "3:5: nothing stands after `residual:`"),
    "alone": ("residual", "3:5: residual needs 'layers'"),
    "a word for layers": ("sequence: relu", "3:15: layers is 'relu'; it must be a list. Write `[relu]`."),
    "a mapping for layers": ("residual: {layers: {relu: {}, tanh: {}}}", "3:24: layers is a mapping; it must be a list. Put a dash before each layer."),
    "a word for the shortcut": ("residual: {layers: [relu], shortcut: relu}", "3:42: shortcut is 'relu'; it must be a list. Write `[relu]`."),
    "a misspelt shortcut": ("residual: {layers: [relu], shorcut: []}", "3:32: unknown field 'shorcut' of residual. Did you mean 'shortcut'?"),
    "a number for skip": ("residual: {layers: [relu], skip: 1}", "3:38: skip is 1; it must be `true` or `false`."),
    "channels for skip": ("residual: {layers: [relu], skip: in_channels}", "3:38: skip is 4, from `in_channels`; it must be `true` or `false`."),
    "an unknown name in skip": ("residual: {layers: [relu], skip: in_chanels == 4}", "3:38: unknown name 'in_chanels'. Did you mean 'in_channels'?"),
    "an unknown layer in a branch": ("add: [[relu], [rleu]]", "3:20: unknown layer 'rleu'. Did you mean 'relu'?"),
    "a field in a shortcut": ("residual: {layers: [relu], shortcut: [conv: {filtres: 4, kernel: 1}]}", "3:50: unknown field 'filtres' of conv. Did you mean 'filters'?"),
    "a layer that does not fit in a branch": ("add: [[relu], [fc: 3]]", "3:20: fc needs a flat input, but gets 4×8×8. Put `- flatten` before it."),
    "a name among the fields": ("sequence: {layers: [relu], name: stem}", "3:32: name is no field of sequence; it stands beside the layer."),
    "a word of other tools": ("sequential: [relu]", "3:5: unknown layer 'sequential'. Did you mean 'sequence'?"),
    "a list in the list": ("[relu, tanh]", "3:5: ['relu', 'tanh'] is not a layer; an item is a layer's name, alone or with its fields. Put a group of layers in `- sequence: […]`."),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong(case: tuple[str, str]) -> None:
    """Each mistake in a composition is told once, at its place."""
    item, message = case
    (problem,) = told(f"  - {item}")
    assert problem.startswith(message)


def test_every_part_is_checked() -> None:
    """Mistakes of two parts are both told, and nothing that follows from them."""
    layers = "  - residual:\n      layers: [maxpool: 99]\n      shortcut: [fc: 3]\n  - maxpool: 99"
    assert [problem.partition(":")[0] for problem in told(layers)] == ["4", "5"]


def test_what_fits_is_kept() -> None:
    """The plan up to a mistake in a part has the layers before it."""
    from cnnspec.expansion import trace

    spec = cnnspec.loads(text("  - relu\n  - residual:\n      - tanh\n      - fc: 3\n  - gelu"))
    network, problems = trace(spec)
    assert [step.path for step in network.layers] == ["relu1", "residual1.layers.tanh1"]
    assert len(problems) == 1
