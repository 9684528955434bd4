"""`cnnspec summary` and `check` as their users meet them, and golden texts of what is printed."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import cnnspec
from cnnspec.cli import run

ROOT = Path(__file__).parents[2]
LENET5 = str(ROOT / "specs" / "lenet5.yaml")
Capture = pytest.CaptureFixture[str]
Golden = Callable[[str, str], None]

GROUPED = """
input: [3, 16, 16]
layers:
  - conv: {filters: 4, kernel: 3, padding: 1}
    name: stem
  - conv: {filters: 4, kernel: [3, 1], stride: [2, 1], dilation: 2}
    name: stage
    repeat: 2
  - flatten
  - fc: 5
"""


@pytest.fixture
def grouped(tmp_path: Path) -> str:
    path = tmp_path / "grouped.yaml"
    path.write_text(GROUPED)
    return str(path)


def output(capsys: Capture, *arguments: str, code: int = 0) -> str:
    """Run a command that prints no error, and return what it prints."""
    assert run(list(arguments)) == code
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("summary.txt", ["summary", LENET5]),
        ("summary.md", ["summary", LENET5, "--format", "markdown"]),
        ("summary.csv", ["summary", LENET5, "--format", "csv"]),
        ("explain.txt", ["explain", LENET5]),
        ("layers.txt", ["layers"]),
        ("layers_conv.txt", ["layers", "conv"]),
        ("resolved.yaml", ["check", LENET5, "--resolved"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_golden(name: str, arguments: list[str], capsys: Capture, golden: Golden) -> None:
    """What is printed for LeNet-5 is what a person has read and found right."""
    golden(name, output(capsys, *arguments))


def test_golden_groups(grouped: str, capsys: Capture, golden: Golden) -> None:
    """Groups, given names, and kernels with stride, padding and dilation on each axis are shown."""
    golden("groups.txt", output(capsys, "summary", grouped) + output(capsys, "explain", grouped))


def test_json(capsys: Capture) -> None:
    """The JSON has just the keys of the contract, and its layers add up to its totals."""
    value = json.loads(output(capsys, "summary", LENET5, "--format", "json"))
    assert value.keys() == {"name", "input", "output", "params", "macs", "memory", "layers"}
    assert (value["name"], value["input"], value["output"]) == ("lenet5", [1, 32, 32], [10])
    assert value["params"] == {"total": 61_750, "trainable": 61_750}
    assert value["macs"] == 416_520
    assert sum(layer["params"] for layer in value["layers"]) == 61_750
    assert sum(layer["macs"] for layer in value["layers"]) == 416_520
    first = {
        "path": "conv1",
        "type": "conv",
        "input": [1, 32, 32],
        "output": [6, 28, 28],
        "params": 156,
        "macs": 117_600,
        "receptive_field": {"size": [5, 5], "stride": [1, 1]},
    }
    assert value["layers"][0] == first
    assert value["layers"][-1]["receptive_field"] is None


def test_batch(capsys: Capture) -> None:
    """--batch says for which batches memory is predicted; the spec's own size is the default."""
    memory = [
        json.loads(output(capsys, "summary", LENET5, "--format", "json", *batch))["memory"]
        for batch in ([], ["--batch", "64"], ["--batch", "1024"])
    ]
    assert memory[0] == memory[1]
    assert [m["batch"] for m in memory] == [64, 64, 1024]
    assert memory[2]["activations"] == 16 * memory[1]["activations"]
    assert memory[2]["peak"] > memory[1]["peak"] > memory[1]["weights"] * 4
    assert "for training in batches of 1024:" in output(capsys, "summary", LENET5, "--batch", "1024")


def test_columns_add_up(capsys: Capture) -> None:
    """The totals of the CSV's columns are the plan's."""
    plan = cnnspec.load(LENET5).plan()
    rows = list(csv.DictReader(io.StringIO(output(capsys, "summary", LENET5, "--format", "csv"))))
    assert sum(int(row["params"]) for row in rows) == plan.params
    assert sum(int(row["macs"]) for row in rows) == plan.macs
    assert rows[0]["output"] == "6x28x28"


def test_depth(grouped: str, capsys: Capture) -> None:
    """With --depth a group is one row with the sums of its layers."""
    rows = output(capsys, "summary", grouped, "--depth", "1").splitlines()
    (stage,) = [row for row in rows if row.startswith("stage")]
    assert stage.split()[:3] == ["stage", "(conv", "×2)"]
    whole = output(capsys, "summary", grouped, "--depth", "2")
    assert "stage.0" in whole


def test_shape_error_comes_after_the_table(tmp_path: Path, capsys: Capture) -> None:
    """Where a layer doesn't fit, the table of those before it is shown, and the error after it."""
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 8, 8]\nlayers:\n  - maxpool: 4\n  - maxpool: 4\n  - flatten\n")
    assert run(["summary", str(path)]) == 1
    out, err = capsys.readouterr()
    assert "maxpool1   1×2×2" in out
    assert "parameters," not in out
    assert err.startswith(f"{path}:4:14: kernel 4 does not fit the 2×2 input of maxpool2")


@pytest.mark.parametrize("form", ["json", "csv", "markdown"])
def test_no_half_output_for_programs(form: str, tmp_path: Path, capsys: Capture) -> None:
    """A program that reads the output never gets a part of it."""
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 8, 8]\nlayers: [relu, maxpool: 9]\n")
    assert run(["summary", str(path), "--format", form]) == 1
    assert capsys.readouterr().out == ""


def test_check(capsys: Capture) -> None:
    """Each good file is told in a line."""
    text = output(capsys, "check", LENET5, str(ROOT / "specs" / "allconv.yaml"))
    assert text.splitlines()[0] == f"{LENET5}: ok, 14 layers, 61,750 parameters"
    assert len(text.splitlines()) == 2


def test_check_several(tmp_path: Path, capsys: Capture) -> None:
    """Every problem of every file is told, also of those that can't be read, and good ones are still ok."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("input: [1, 8, 8]\nlayers: [rleu, fc: 0]\n")
    assert run(["check", str(bad), str(tmp_path / "missing.yaml"), LENET5]) == 1
    out, err = capsys.readouterr()
    assert out == f"{LENET5}: ok, 14 layers, 61,750 parameters\n"
    assert [line.partition(": ")[0] for line in err.splitlines() if not line.startswith("  ")] == [
        f"{bad}:2:10",
        f"{bad}:2:20",
        str(tmp_path / "missing.yaml"),
    ]


def test_check_json(tmp_path: Path, capsys: Capture) -> None:
    """A program gets the problems with file, line and column."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("input: [1, 8, 8]\nlayers: [rleu]\n")
    (report,) = json.loads(output(capsys, "check", str(bad), "--format", "json", code=1))
    assert (report["file"], report["ok"]) == (str(bad), False)
    place = {"file": str(bad), "line": 2, "column": 10, "severity": "error"}
    assert report["problems"] == [
        place | {"what": "unknown layer 'rleu'", "why": "", "fix": "Did you mean 'relu'?"}
    ]


def test_check_fits_the_data(tmp_path: Path, capsys: Capture) -> None:
    """A spec that names its data is held to it; one that doesn't is a network for anything."""
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 8, 8]\nlayers: [flatten, fc: 12]\n")
    output(capsys, "check", str(path))
    path.write_text("input: [1, 8, 8]\nlayers: [flatten, fc: 12]\ndata: {dataset: mnist}\n")
    assert run(["check", str(path)]) == 1
    assert "fc1 has 12 units; mnist has 10 classes" in capsys.readouterr().err


def test_warning_is_no_error(tmp_path: Path, capsys: Capture) -> None:
    """A warning is told, and the file is ok."""
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 8, 8]\nlayers: [flatten, fc: 10, softmax]\n")
    assert run(["check", str(path)]) == 0
    out, err = capsys.readouterr()
    assert "ok, 3 layers" in out
    assert "warning: softmax1 stands before the loss" in err
