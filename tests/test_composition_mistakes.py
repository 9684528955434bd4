"""Mistakes in compositions: parts that disagree, and what is no composition."""

import pytest
from telling import told

import cnnspec
from cnnspec.expansion import trace


def text(layers: str, shape: str = "[4, 8, 8]") -> str:
    return f"input: {shape}\nlayers:\n{layers.strip(chr(10))}\n"


CONV = "conv: {filters: 4, kernel: 3, padding: 1}"


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
    assert told(text(layers)) == [message]


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
    (problem,) = told(text(f"  - residual: {{layers: {layers}, shortcut: {shortcut}}}", shape))
    fix = problem.rpartition(". ")[2]
    words = fix.replace(".", "").split()
    number = words[words.index("units" if "fc" in layers else "filters") - 1]
    added = f"fc: {number}" if "fc" in layers else f"conv: {{filters: {number}, kernel: 1}}"
    if "stride" in words:
        added = added.replace("kernel: 1", f"kernel: 1, stride: {words[words.index('stride') + 1]}")
    mended = f"{shortcut[:-1]}{', ' if 'fc' in layers else ''}{added}]"
    cnnspec.loads(text(f"  - residual: {{layers: {layers}, shortcut: {mended}}}", shape)).plan()


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
    (problem,) = told(text(f"  - {item}"))
    assert problem.startswith(message)


def test_every_part_is_checked() -> None:
    """Mistakes of two parts are both told, and nothing that follows from them."""
    layers = "  - residual:\n      layers: [maxpool: 99]\n      shortcut: [fc: 3]\n  - maxpool: 99"
    assert [problem.partition(":")[0] for problem in told(text(layers))] == ["4", "5"]


def test_what_fits_is_kept() -> None:
    """The plan up to a mistake in a part has the layers before it."""
    spec = cnnspec.loads(text("  - relu\n  - residual:\n      - tanh\n      - fc: 3\n  - gelu"))
    network, problems = trace(spec)
    assert [step.path for step in network.layers] == ["relu1", "residual1.layers.tanh1"]
    assert len(problems) == 1
