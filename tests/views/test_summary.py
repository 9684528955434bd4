"""The summary adds up, fits its terminal, and tells what it leaves out."""

import csv
import io
from pathlib import Path

import pytest

import cnnspec
from cnnspec.memory import predict
from cnnspec.views import summary

SPECS = Path(__file__).parents[2] / "specs"

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


def test_labels(grouped: cnnspec.Plan) -> None:
    """A given name is followed by the type that it doesn't tell; a number alone never tells it."""
    assert [row.layer for row in summary.rows(grouped, 2)] == [
        "stem (conv)",
        "stage.0 (conv)",
        "stage.1 (conv)",
        "stage.2 (conv)",
        "relu6_1",
        "conv1",
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
    assert ("stage (conv ×3)" in [row.layer for row in rows]) == (depth in (None, 1))
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
    assert max(map(len, lines)) <= max(width, 44)
    columns = [line.index("MACs") + 4 for line in lines if "MACs" in line]
    (row,) = [line for line in lines if "3,888" in line]
    assert row.index("3,888") + 5 == columns[0]
    label = lines[0].index("output")
    assert "".join(line[:label].strip() for line in lines[3:-1]).startswith(name)


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("depth", [None, 2, 9])
@pytest.mark.parametrize("file", ["resnet.yaml@resnet50", "efficientnet.yaml", "unet.yaml", "densenet.yaml"])
def test_zoo_keeps_its_width(file: str, depth: int | None, width: int) -> None:
    """Tables of real networks fit any terminal; what is left out is the less important."""
    lines = summary.table(cnnspec.load(SPECS / file).plan(), depth, width)
    assert max(map(len, lines)) <= width
    assert lines[0].split()[-2:] == ["parameters", "MACs"] or lines[0].endswith("share")
    assert lines[1] == "─" * len(lines[1])


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
    assert summary.totals(plan)[2].startswith(f"memory (float32): {expected}; ")


def test_totals() -> None:
    """The lines under the table tell the size of the whole, what it sees, and the memory for the batch asked for."""
    plan = cnnspec.load(SPECS / "lenet5.yaml").plan()
    need = predict(plan)
    first, field, memory, always, by_batch = summary.totals(plan, batch=1024)
    assert first == "61,750 parameters, 416,520 MACs, output 10"
    assert field == "receptive field: 16×16, stride 4; from flatten1 on, the whole input"
    assert memory.endswith(f" {need.peak(1024) / 2**20:.1f} MiB for training in batches of 1024:")
    assert always == "  weights 241 KiB, gradients 241 KiB, Adam 482 KiB, buffers 192 B"
    assert by_batch.startswith(f"  activations {need.activations(1024) / 2**20:.1f} MiB, working memory ")


def test_frozen() -> None:
    """What is frozen is marked where all of a row is, and the totals count what learns; without freeze, all does."""
    text = "input: [1, 8, 8]\nlayers:\n  - conv: {filters: 2, kernel: 3}\n    name: a\n    repeat: 2\n  - batchnorm\n  - flatten\n  - fc: 3"
    plan = cnnspec.loads(text).overridden(settings={"freeze": ["a.1", "batchnorm1"]}).plan()
    assert [row.layer for row in summary.rows(plan, 2)] == [
        "a.0 (conv)",
        "a.1 (conv, frozen)",
        "batchnorm1 (frozen)",
        "flatten1",
        "fc1",
    ]
    assert "frozen" not in summary.rows(plan)[0].layer
    assert summary.totals(plan)[0] == "161 parameters, 119 of them trainable, 1,320 MACs, output 3"
    assert summary.as_json(plan)["params"] == {"total": 161, "trainable": 119}


def test_receptive_field_of_axes_that_differ() -> None:
    """Where the axes differ, each axis' stride is told, also one below 1."""
    text = "input: [1, 9, 9]\nlayers: [maxpool: {kernel: [3, 1]}, upsample: {scale: [1, 2]}]"
    assert summary.totals(cnnspec.loads(text).plan())[1] == "receptive field: 3×1, stride 3×1/2"


@pytest.mark.parametrize(
    ("file", "depth", "told"),
    [
        ("lenet5.yaml", None, ""),
        ("resnet.yaml@resnet50", None, "5 rows stand for several layers; --depth 3 opens them"),
        ("resnet.yaml@resnet50", 3, "16 rows stand for several layers; --depth 4 opens them"),
        ("resnet.yaml@resnet50", 99, ""),
    ],
)
def test_hint(file: str, depth: int | None, told: str) -> None:
    """Where rows stand for several layers, the depth that opens them is told."""
    assert summary.hint(cnnspec.load(SPECS / file).plan(), depth) == told


def test_csv_follows_the_table(grouped: cnnspec.Plan) -> None:
    """A line of the CSV is a row of the table; what it stands for is told in its type."""
    lines = list(csv.DictReader(io.StringIO(summary.as_csv(grouped))))
    assert len(lines) == len(summary.rows(grouped))
    (stage,) = [line for line in lines if line["path"] == "stage"]
    assert (stage["type"], stage["kernel"], stage["receptive_field"]) == ("conv x3", "3x3 p1", "9x9")
    assert "×" not in summary.as_csv(grouped)


def test_csv_of_unnamed_repetitions() -> None:
    """Unnamed repetitions are told by the first and the last."""
    text = "input: [1, 9, 9]\nlayers:\n  - conv: {filters: 2, kernel: 3}\n    repeat: 3\n"
    line = summary.as_csv(cnnspec.loads(text).plan()).splitlines()[1]
    assert line == "conv1 … conv3,conv x3,1x9x9,2x3x3,3x3,7x7,96,2106"


def test_markdown_is_a_table(grouped: cnnspec.Plan) -> None:
    """Each line of the Markdown table has the same number of cells, whatever the layers."""
    lines = summary.as_markdown(grouped).splitlines()
    assert {line.count("|") for line in lines} == {8}
    assert len(lines) == len(summary.rows(grouped)) + 4
