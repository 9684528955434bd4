"""The outline shows what repeats once, opens what the network's own list says, and keeps merges visible."""

import pytest

import cnnspec
from cnnspec.views.outline import Line, outline

TEXT = """
input: [3, 32, 32]
blocks:
  unit:
    args: {filters: 8, stride: 1}
    layers:
      - residual:
          layers:
            - conv: {filters: filters, kernel: 3, padding: 1, stride: stride}
            - relu
          shortcut:
            - conv: {filters: filters, kernel: 1, stride: stride}
              when: stride > 1 or in_channels != filters
      - relu
  alone:
    layers:
      - residual: {layers: [relu], skip: false}
layers:
  - conv: {filters: 8, kernel: 3}
    repeat: 3
  - unit: {}
    name: same
    repeat: 2
  - unit: {filters: 8 * 2 ** index, stride: 2}
    name: stage
    repeat: 2
  - sequence: [relu, alone: {}]
    name: end
  - concat:
      branches:
        here: []
        pooled:
          - maxpool: {kernel: 3, stride: 1, padding: 1}
          - unit: {filters: 4}
"""


@pytest.fixture(scope="module")
def plan() -> cnnspec.Plan:
    return cnnspec.loads(TEXT).plan()


def told(lines: list[Line]) -> list[str]:
    return ["  " * line.indent + line.name + (f" ({line.kind})" if line.kind else "") for line in lines]


def test_closed(plan: cnnspec.Plan) -> None:
    """Repetitions and blocks are a line each; stages, sequences and merges of the network itself are opened."""
    assert told(outline(plan)) == [
        "conv1 … 3 (×3)",
        "same (unit ×2)",
        "stage.0 (unit)",
        "stage.1 (unit)",
        "end.relu1",
        "end.alone1",
        "concat1",
        "  here (the input)",
        "  pooled.maxpool1",
        "  pooled.unit1",
    ]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (
            1,
            ["conv1", "conv2", "conv3", "same (unit ×2)", "stage (unit ×2)", "end (relu, alone)", "concat1"],
        ),
        (
            2,
            [
                *(
                    "conv1",
                    "conv2",
                    "conv3",
                    "same.0 (unit)",
                    "same.1 (unit)",
                    "stage.0 (unit)",
                    "stage.1 (unit)",
                ),
                *("end.relu1", "end.alone1", "concat1", "  here (the input)", "  pooled (maxpool, unit)"),
            ],
        ),
    ],
)
def test_depths(plan: cnnspec.Plan, depth: int, expected: list[str]) -> None:
    """Each depth opens one level more, and shows every repetition."""
    assert told(outline(plan, depth)) == expected


def test_open(plan: cnnspec.Plan) -> None:
    """A merge stands above its parts, which are named without what it has said; a part without layers is seen."""
    lines = told(outline(plan, 99))
    start = lines.index("same.0.residual1")
    assert lines[start : start + 5] == [
        *("same.0.residual1", "  layers.conv1", "  layers.relu1", "  shortcut (the input)", "same.0.relu1"),
    ]
    start = lines.index("end.alone1.residual1")
    assert lines[start + 1] == "  layers.relu1"
    assert lines[-5:] == [
        *("  pooled.unit1.residual1", "    layers.conv1", "    layers.relu1", "    shortcut.conv1"),
        "  pooled.unit1.relu1",
    ]


@pytest.mark.parametrize("depth", [None, 1, 2, 3, 4, 99])
def test_lines_add_up(plan: cnnspec.Plan, depth: int | None) -> None:
    """Parameters and MACs of all lines are the network's, and every layer is in one of them."""
    lines = outline(plan, depth)
    assert sum(line.params for line in lines) == plan.params
    assert sum(line.macs for line in lines) == plan.macs
    leaves = [leaf for line in lines if not line.heading for step in line.steps for leaf in step.leaves()]
    assert leaves == list(plan.layers)


def test_depth_of_a_line_opens_it(plan: cnnspec.Plan) -> None:
    """The greatest depth that lines ask for shows more than they do."""
    for depth in (None, 1, 2, 3):
        lines = outline(plan, depth)
        deeper = max((line.depth or 0 for line in lines), default=0)
        if deeper:
            assert len(outline(plan, deeper)) > len(lines)
