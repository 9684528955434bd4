"""The summary adds up, in shapes and bytes that are torch's."""

from pathlib import Path

import pytest
import torch
from torch import nn

import cnnspec
from cnnspec.views import summary

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))

GROUPED = """
input: [3, 16, 16]
layers:
  - conv: {filters: 4, kernel: 3, padding: 1}
    name: stem
  - conv: {filters: 4, kernel: 3, padding: same}
    name: stage
    repeat: 3
  - relu6
  - conv: {filters: 4, kernel: [3, 1], stride: [2, 1], padding: [1, 0], dilation: 2}
  - maxpool: 2
    name: none
    repeat: 0
  - flatten
  - fc: 5
    name: fc
"""


@pytest.fixture(scope="module")
def grouped() -> cnnspec.Plan:
    return cnnspec.loads(GROUPED).plan()


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_memory_is_torchs(path: Path) -> None:
    """The bytes of weights and of the layers' outputs are those of torch's own tensors."""
    plan = cnnspec.load(path).plan()
    model = plan.build()
    x = torch.zeros(2, *plan.input_shape)
    outputs = [x.nbytes]
    for layer in model.children():
        assert isinstance(layer, nn.Module)
        layer.register_forward_hook(lambda _m, _x, y: outputs.append(y.nbytes))
    model(x)
    need = summary.memory(plan)
    assert need.weights == sum(p.nbytes for p in model.parameters())
    assert need.optimizer == 4 * need.weights
    assert need.outputs == sum(outputs) // len(x) * plan.spec.train.batch_size


def test_labels(grouped: cnnspec.Plan) -> None:
    """A given name is followed by the type that it doesn't tell; a number alone never tells it."""
    assert [row.layer for row in summary.rows(grouped)] == [
        "stem (conv)",
        "stage.0 (conv)",
        "stage.1 (conv)",
        "stage.2 (conv)",
        "relu6_1",
        "conv1",
        "none",
        "flatten1",
        "fc",
    ]


def test_kernel(grouped: cnnspec.Plan) -> None:
    """The kernel's column tells stride, padding and dilation where they are not 1, 0 and 1."""
    kernels = {row.layer: row.kernel for row in summary.rows(grouped) if row.kernel}
    assert kernels["stem (conv)"] == "3×3 p1"
    assert kernels["conv1"] == "3×1 s2×1 p1×0 d2"


@pytest.mark.parametrize("depth", [None, 1, 2, 99])
def test_every_depth_adds_up(grouped: cnnspec.Plan, depth: int | None) -> None:
    """However deep groups are shown, parameters, MACs and shares add up to the whole."""
    rows = summary.rows(grouped, depth)
    assert ("stage (conv ×3)" in [row.layer for row in rows]) == (depth == 1)
    assert sum(int(row.params.replace(",", "") or 0) for row in rows) == grouped.params
    assert sum(int(row.macs.replace(",", "") or 0) for row in rows) == grouped.macs
    assert sum(float(row.share.rstrip(" %") or 0) for row in rows) == pytest.approx(100, abs=0.1 * len(rows))


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_table_keeps_its_width(width: int) -> None:
    """A long name is wrapped where the terminal is narrow, and no number is lost or moved."""
    name = "a_name_of_some_forty_characters_in_all_x"
    text = f"input: [3, 8, 8]\nlayers:\n  - conv: {{filters: 4, kernel: 3}}\n    name: {name}\n  - flatten\n"
    plan = cnnspec.loads(text).plan()
    lines = summary.table(plan, width=width)
    assert max(map(len, lines)) <= max(width, 56)
    columns = [line.index("MACs") + 4 for line in lines if "MACs" in line]
    (row,) = [line for line in lines if "3,888" in line]
    assert row.index("3,888") + 5 == columns[0]
    label = len(lines[0]) - len(lines[0].split("output")[1]) - len("output")
    assert "".join(line[:label].strip() for line in lines[3:-1]).startswith(name)


def test_no_parameters() -> None:
    """A network without parameters has no shares, and nothing is divided by zero."""
    plan = cnnspec.loads("input: [3, 4, 4]\nlayers: [relu, maxpool: 2]").plan()
    assert {row.share for row in summary.rows(plan)} == {""}
    assert summary.totals(plan)[0] == "0 parameters, 0 MACs, output 3×2×2"


@pytest.mark.parametrize(
    ("units", "expected"),
    [(1, "64 B"), (100, "6.2 KiB"), (1000, "62.5 KiB"), (10**6, "61.0 MiB"), (10**9, "59.6 GiB")],
)
def test_sizes_are_rounded(units: int, expected: str) -> None:
    """Bytes are told in the unit that leaves few digits."""
    plan = cnnspec.loads(f"input: [1, 15]\nlayers: [flatten, fc: {units}]").plan()
    assert summary.totals(plan)[1] == f"memory (float32): {expected} of weights"


def test_markdown_is_a_table(grouped: cnnspec.Plan) -> None:
    """Each line of the Markdown table has the same number of cells, whatever the layers."""
    lines = summary.as_markdown(grouped).splitlines()
    assert {line.count("|") for line in lines} == {7}
    assert len(lines) == len(summary.rows(grouped)) + 4
