"""The flow graph of a network: what is one box, what is opened, what repeats, and which blocks have a panel."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import cnnspec
from cnnspec.views.diagram.flow.build import WIDEST, build
from cnnspec.views.diagram.flow.graph import Fork, Frame, Graph, Row, Stack
from cnnspec.views.diagram.flow.panels import MOST_FORMS
from cnnspec.views.diagram.flow.stacks import LONGEST, TALLEST

SPECS = Path(__file__).parents[3] / "specs"

BLOCKS = """
  conv_bn:
    args: {filters: null, kernel: 1, stride: 1}
    layers:
      - conv: {filters: filters, kernel: kernel, stride: stride, padding: kernel // 2, bias: false}
      - batchnorm
  basic:
    args: {width: null, stride: 1, inner: width // 2}
    layers:
      - residual:
          layers:
            - conv_bn: {filters: inner, kernel: 3, stride: stride}
            - relu
            - conv_bn: width
          shortcut:
            - conv_bn: {filters: width, stride: stride}
              when: stride > 1 or in_channels != width
      - relu
"""


def graph(
    layers: str, *, blocks: str = BLOCKS, depth: int | None = None, shape: str = "[4, 16, 16]"
) -> Graph:
    text = f"input: {shape}\nblocks:{blocks}\nlayers:\n{textwrap.indent(textwrap.dedent(layers), '  ')}"
    return build(cnnspec.loads(text).plan(), depth)


def sketch(row: Row) -> list[str]:
    """Return a row as lines: a stack is one, with its boxes between bars."""
    return list(lines(row, ""))


def lines(row: Row, indent: str) -> Iterator[str]:
    for unit in row.units:
        match unit:
            case Stack(cells):
                yield indent + " | ".join(f"{c.text} ({c.detail})" if c.detail else c.text for c in cells)
            case Frame(title, within):
                yield f"{indent}[{title}]"
                yield from lines(within, indent + "  ")
            case Fork():
                for branch in unit.branches:
                    several = [f"×{branch.count}"] * (branch.count > 1)
                    yield indent + " ".join(["-", *filter(None, [branch.name]), *several])
                    yield from lines(branch.row, indent + "  ")
                yield indent + unit.sign


CASES = {
    "layers that keep the shape stand below the one before them": (
        "- conv: {filters: 8, kernel: 3}\n- batchnorm\n- relu\n- maxpool: 2\n- flatten\n- fc: 3\n- softmax",
        ["conv 3×3, 8 | batchnorm | relu", "maxpool 2×2", "flatten", "fc 3 | softmax"],
    ),
    "or above the one after them, where that computes": (
        "- batchnorm\n- relu\n- conv: {filters: 8, kernel: 3}\n- relu\n- conv: {filters: 8, kernel: 1}",
        ["batchnorm | relu | conv 3×3, 8 | relu", "conv 1×1, 8"],
    ),
    "but not above a pool": ("- relu\n- maxpool: 2", ["relu", "maxpool 2×2"]),
    "a block that is one stack is shown as it, under its name": (
        "- conv_bn: {filters: 8, kernel: 3, stride: 2}\n  name: stem\n- relu",
        ["stem: conv 3×3, 8, stride 2 | batchnorm | relu"],
    ),
    "and begins a stack of its own": (
        "- conv_bn: 8\n- conv_bn: 4",
        ["conv 1×1, 8 | batchnorm", "conv 1×1, 4 | batchnorm"],
    ),
    "repetitions of it are one frame, as far as they are the same": (
        "- conv_bn: 8 if index < 2 else 4\n  repeat: 4",
        ["[conv_bn ×2]", "  conv 1×1, 8 | batchnorm", "[conv_bn ×2]", "  conv 1×1, 4 | batchnorm"],
    ),
    "another block is a box with the arguments that are given": ("- basic: 8", ["basic (width 8)"]),
    "repetitions of it are one box, which tells how they differ": (
        "- basic: {width: 8, stride: 2 if index == 0 else 1, inner: 4 + index}\n  repeat: 3",
        ["basic ×3 (width 8, stride 2 then 1)"],
    ),
    "stages are a box each": (
        "- basic: {width: 8 * 2 ** index, stride: 2}\n  name: stage\n  repeat: 2",
        ["stage.0: basic (width 8, stride 2)", "stage.1: basic (width 16, stride 2)"],
    ),
    "a layer that repeats is one box while it is the same": (
        "- conv: {filters: 8 + index // 2, kernel: 1}\n  repeat: 4",
        ["conv 1×1, 8 ×2", "conv 1×1, 9 ×2"],
    ),
    "what is there zero times is not there": ("- relu: {}\n  repeat: 0\n- tanh", ["tanh"]),
    "a named group is a frame, another one is not": (
        "- sequence: [relu, maxpool: 2]\n  name: end\n- sequence: [tanh, maxpool: 2]",
        ["[end]", "  relu", "  maxpool 2×2", "tanh", "maxpool 2×2"],
    ),
    "a shortcut without layers is a branch without boxes": ("- residual: [relu]", ["-", "  relu", "-", "+"]),
    "without a shortcut there is no fork": ("- residual: {layers: [relu], skip: false}", ["relu"]),
    "branches have the names that are given": (
        "- concat: {branches: {here: [], there: [relu]}}",
        ["- here", "- there", "  relu", "concat"],
    ),
    "branches beside each other that read alike are one": (
        "- concat: [[maxpool: 2], [maxpool: 2], [avgpool: 2]]",
        ["- ×2", "  maxpool 2×2", "-", "  avgpool 2×2", "concat"],
    ),
    "so are those that call a block with one other value": (
        "- add: [[basic: {width: 4, inner: 1}], [basic: {width: 4, inner: 2}], [tanh]]",
        ["-", "  basic ×2 (width 4)", "-", "  tanh", "+"],
    ),
    "repeated compositions are a frame": (
        "- residual: [relu]\n  repeat: 2",
        ["[residual ×2]", "  -", "    relu", "  -", "  +"],
    ),
    "a repeated group of one block is that block": (
        "- sequence: [basic: 4]\n  name: fires\n  repeat: 2",
        ["fires: basic ×2 (width 4)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "expected"), CASES.values(), ids=CASES)
def test_own_list(layers: str, expected: list[str]) -> None:
    """Without a depth, the network's own list is shown as a reader wants to see it."""
    assert sketch(graph(layers).row) == expected


def test_panels() -> None:
    """A block that is a box is opened once in each form, with the use it is taken from and how many are alike."""
    panels = graph("- basic: 8\n- basic: 8\n  repeat: 3\n- basic: {width: 16, stride: 2}").panels
    told = [(panel.title, panel.detail, panel.step.path, panel.others) for panel in panels]
    assert told == [("basic", "width 8", "basic1", 1), ("basic", "width 8", "basic2", 2)]
    assert sketch(panels[0].row)[3:] == ["-", "  conv 1×1, 8 | batchnorm", "+", "relu"]
    assert sketch(panels[1].row)[3:] == ["-", "+", "relu"]


def test_panels_of_inner_blocks_come_after_the_outer() -> None:
    """A block that is a box only within another's panel has a panel, too."""
    outer = BLOCKS + "  outer:\n    layers: [maxpool: 2, basic: 4]\n"
    assert [panel.title for panel in graph("- outer", blocks=outer).panels] == ["outer", "basic"]


def test_forms_beyond_the_limit_are_counted() -> None:
    """A block of very many forms has some panels, of which the last tells how many others there are."""
    kinds = ("maxpool", "avgpool", "maxpool", "avgpool")
    layers = "".join(
        f"      - {{{kind}: 1, when: bits // {2**n} % 2 == 1}}\n" for n, kind in enumerate(kinds)
    )
    many = f"\n  many:\n    args: {{bits: null}}\n    layers:\n{layers}      - residual: [relu]\n"
    panels = graph(
        "- many: index\n  repeat: 13", blocks=many
    ).panels  # in 9 forms: -, m, a, ma, mm, am, mam, aa, maa
    assert len(panels) == MOST_FORMS
    assert [panel.left_out for panel in panels] == [0] * (MOST_FORMS - 1) + [9 - MOST_FORMS]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (1, ["stem: conv_bn (filters 8)", "relu", "stage (basic ×2)", "concat"]),
        (2, [*("[stem: conv_bn]", "  conv 1×1, 8 | batchnorm", "relu"),
             *("stage.0: basic (width 8)", "stage.1: basic (width 8)"),
             *("- here", "- there", "  tanh, basic", "concat")]),
        (3, [*("[stem: conv_bn]", "  conv 1×1, 8 | batchnorm", "relu"),
             *("[stage.0: basic]", "  residual", "  relu", "[stage.1: basic]", "  residual", "  relu"),
             *("- here", "- there", "  tanh", "  basic (width 8)", "concat")]),
    ],
)  # fmt: skip
def test_depths(depth: int, expected: list[str]) -> None:
    """With a depth, so many levels are opened in their places, as in the summary, and there are no panels."""
    opened = graph(
        """
        - conv_bn: 8
          name: stem
        - relu
        - basic: 8
          name: stage
          repeat: 2
        - concat: {branches: {here: [], there: [tanh, basic: 8]}}
        """,
        depth=depth,
    )
    assert sketch(opened.row) == expected
    assert opened.panels == ()


def test_everything_is_shown_when_opened() -> None:
    """Opened as deep as can be, every layer of the network is one box, in its order."""
    plan = cnnspec.load(SPECS / "shufflenet_v2.yaml").plan()
    shown = [step for cell in build(plan, 99).row.cells() for step in cell.steps]
    assert shown == list(plan.layers)


def test_long_lists_are_shortened() -> None:
    """Of very many boxes and branches those in the middle are left out, and counted."""
    row = graph("- maxpool: 1\n" * (LONGEST + 50)).row
    assert len(row.units) == LONGEST
    assert "51 more" in sketch(row)
    (fork,) = graph(
        f"- concat: [{', '.join(f'[conv: {{filters: {n + 1}, kernel: 1}}]' for n in range(99))}]"
    ).row.units
    assert isinstance(fork, Fork)
    assert len(fork.branches) == WIDEST
    assert f"  {99 - WIDEST + 1} more" in sketch(Row((4,), (fork,)))


def test_stacks_are_not_endless() -> None:
    """A list of layers that keep the shape is broken into stacks."""
    row = graph("- relu\n" * (TALLEST + 1)).row
    assert sketch(row) == [" | ".join(["relu"] * TALLEST), "relu"]
