"""`cnnspec runs` as its users meet it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cnnspec.cli import run
from cnnspec.training.folder import RunFolder

Capture = pytest.CaptureFixture[str]


def write_run(
    folder: Path,
    accuracies: list[float],
    *,
    epochs: int = 2,
    name: str = "lenet5",
    data: str = "{dataset: mnist}",
    train: str = "",
    started: str = "2026-03-01T12:00:00+00:00",
) -> Path:
    """Write what a training leaves that has come to these accuracies, 30.5 seconds each."""
    folder.mkdir(parents=True)
    rows = [
        {"epoch": n, "train_loss": 1 / n, "test_loss": 1 / n, "test_accuracy": a, "lr": 0.1, "seconds": 30.5}
        for n, a in enumerate(accuracies, start=1)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "environment.json").write_text(
        json.dumps({"started": started, "device": "cpu", "data": {"asked": "mnist"}})
    )
    (folder / "spec.yaml").write_text(
        f"name: {json.dumps(name)}\ninput: [1, 28, 28]\nlayers: [flatten, {{fc: 10}}]\n"
        f"data: {data}\ntrain: {{epochs: {epochs}, seed: 7{train}}}\n"
    )
    for weights in ("best", "last"):
        (folder / f"{weights}.safetensors").touch()
    return folder


@pytest.fixture
def utc() -> Iterator[None]:
    """The time zone in which runs are listed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def runs(utc: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `runs` of the working folder, with a run in every state but running."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs"
    write_run(folder / "first", [0.98, 0.97], started="2026-03-01T12:00:00+00:00")
    write_run(
        folder / "sample", [0.995, 0.99], data="{dataset: mnist-sample}", started="2026-03-02T12:00:00+00:00"
    )
    write_run(folder / "stopped", [], epochs=20, name="vgg", started="2026-03-03T12:00:00+00:00")
    early = ", early_stopping: 1"
    write_run(folder / "early", [0.9, 0.5], epochs=9, train=early, started="2026-03-04T12:00:00+00:00")
    write_run(folder / "broken", [0.9]).joinpath("spec.yaml").write_text("- relu\n")
    return folder


@pytest.fixture
def running(runs: Path) -> Iterator[Path]:
    """One more run, in which a process trains."""
    write_run(runs / "group/running", [0.5], epochs=100, started="2026-03-05T12:00:00+00:00")
    folder = RunFolder.open(runs / "group/running")
    yield runs
    folder.close()


def listed(capsys: Capture, *arguments: str) -> list[dict[str, Any]]:
    """Return the runs that are listed as JSON."""
    assert run(["runs", "--format", "json", *arguments]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("width", [120, 80, 60, 40])
def test_table(
    width: int, running: Path, golden: Callable[[str, str], None], monkeypatch: Any, capsys: Any
) -> None:
    """Each run has a line, the newest first; a narrow terminal gets fewer columns, and still all runs and states."""
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(["runs"]) == 0
    out, err = capsys.readouterr()
    assert max(map(len, out.partition("\n\n")[0].splitlines())) <= width
    golden(f"runs_{width}.txt", "\n".join(line.rstrip() for line in out.splitlines()) + "\n")
    assert err.startswith("runs/broken/spec.yaml:1:1: warning: the file holds a list, not a mapping. ")


def test_json(running: Path, capsys: Capture) -> None:
    """As JSON, all that is known of a run is there in full, with the same keys for each; a damaged one has a reason."""
    found = {row["run"]: row for row in listed(capsys)}
    assert found["runs/sample"] == {
        "run": "runs/sample",
        "state": "finished",
        "problem": None,
        "spec": "lenet5",
        "dataset": "mnist-sample",
        "asked": "mnist",
        "sample_of": "mnist",
        "epochs": 2,
        "epochs_asked": 2,
        "best_epoch": 1,
        "accuracy": 0.995,
        "last_accuracy": 0.99,
        "seconds": 61.0,
        "started": "2026-03-02T12:00:00+00:00",
        "device": "cpu",
        "seed": 7,
        "params": 7850,
    }
    assert {name: row["state"] for name, row in found.items()} == {
        "runs/group/running": "running",
        "runs/early": "stopped early",
        "runs/stopped": "interrupted",
        "runs/sample": "finished",
        "runs/first": "finished",
        "runs/broken": "damaged",
    }
    assert all(row.keys() == found["runs/sample"].keys() for row in found.values())
    assert found["runs/broken"]["problem"].startswith("runs/broken/spec.yaml:1:1: the file holds a list")
    assert [found["runs/stopped"][key] for key in ("accuracy", "seconds", "best_epoch")] == [None] * 3


ORDERS = {
    "started": ["running", "early", "stopped", "sample", "first"],
    "accuracy": ["sample", "first", "early", "running", "stopped"],
    "time": ["running", "early", "sample", "first", "stopped"],
    "epochs": ["early", "sample", "first", "running", "stopped"],
    "name": ["early", "first", "running", "sample", "stopped"],
    "spec": ["running", "early", "sample", "first", "stopped"],
    "data": ["running", "early", "stopped", "first", "sample"],
    "state": ["sample", "first", "stopped", "running", "early"],
}


@pytest.mark.parametrize("order", ORDERS)
def test_sort(order: str, running: Path, capsys: Capture) -> None:
    """Runs are sorted by what is asked for, the newer of equals first; those without it come last."""
    names = [Path(row["run"]).name for row in listed(capsys, "--sort", order)]
    assert names == [*ORDERS[order], "broken"]


def test_folders(runs: Path, tmp_path: Path, capsys: Capture) -> None:
    """Runs and folders of them can be named, and each run is listed once, under the first name it was found by."""
    write_run(tmp_path / "other", [0.5])
    found = listed(capsys, "runs/first", "other", str(tmp_path / "runs"), "other/../other", "--sort", "name")
    names = [row["run"] for row in found if row["state"] != "damaged"]
    others = [str(runs / name) for name in ("early", "sample", "stopped")]
    assert sorted(names) == sorted(["runs/first", "other", *others])


def test_no_such_folder(runs: Path, capsys: Capture) -> None:
    """A FOLDER that is none is an error, in the one form; what else was asked for is listed all the same."""
    assert run(["runs", "none", "runs/first", "runs/first/spec.yaml"]) == 1
    out, err = capsys.readouterr()
    assert "runs/first " in out
    assert err.splitlines() == [
        "none: there is no such folder. Name a run folder that `cnnspec train` wrote.",
        "runs/first/spec.yaml: this is a file. Name a run folder that `cnnspec train` wrote.",
    ]


def test_no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Where there are no runs yet, it says how to come to one; that is no error, and the JSON is an empty list."""
    monkeypatch.chdir(tmp_path)
    for arguments in ([], ["."]):
        assert listed(capsys, *arguments) == []
        assert run(["runs", *arguments]) == 0
        out, err = capsys.readouterr()
        assert out == ""
        assert "cnnspec train SPEC" in err
        assert ("warning: there is no run in this folder" in err) == bool(arguments)


@pytest.mark.parametrize("arguments", [["--sort", "size"], ["--format", "yaml"], ["--all"]], ids=" ".join)
def test_wrong_usage(arguments: list[str], capsys: Capture) -> None:
    """A wrong option is a usage error."""
    assert run(["runs", *arguments]) == 2
    assert "Usage: cnnspec runs" in capsys.readouterr().err


HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "line\nbreak",
    "tab\there",
    "\u202egnp.exe",
    "[bold]x[/]",
    "\udcff",
    "宽" * 30,
    "e\u0301" * 9,
]


def test_hostile_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Escape codes, line breaks and markup in names of runs and data stay text, a line each; JSON has them whole."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(HOSTILE):
        folder = write_run(
            tmp_path / "runs" / name, [0.5], data='{folder: "/\\e[31m/a\\e[2J"}', started="\x1b[31m"
        )
        if number % 2:
            (folder / "metrics.jsonl").write_bytes(b'{"\x1b[31m": 1}')
    write_run(tmp_path / "runs/one", [0.5])
    assert run(["runs"]) == 0
    out, err = capsys.readouterr()
    for text in (out, err):
        assert all(c == "\n" or c.isprintable() for c in text)
    assert len(out.split("\n\n")[0].splitlines()) == 2 + len(HOSTILE) + 1
    assert "[bold]x[/]" in out
    assert "[2J" in out
    found = {row["run"] for row in listed(capsys)}
    assert found == {f"runs/{name}" for name in [*HOSTILE, "one"]}


def test_no_colour(runs: Path) -> None:
    """NO_COLOR is heeded also where colour was forced."""
    command = [sys.executable, "-m", "cnnspec", "runs"]
    forced = os.environ | {"FORCE_COLOR": "1"}
    for environment, coloured in ((forced, True), (forced | {"NO_COLOR": "1"}, False)):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        assert ("\x1b[1;31m" in done.stdout) == coloured
        assert ("\x1b[3" in done.stdout) <= coloured


def test_no_torch(runs: Path) -> None:
    """Listing runs imports neither torch nor numpy: it must answer at once."""
    code = "import sys, cnnspec.cli; cnnspec.cli.run(['runs', '--format', 'json']); print('loaded', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *told, loaded = done.stdout.splitlines()
    assert len(json.loads("\n".join(told))) == 5
    assert not set(loaded.split()) & {"torch", "torchvision", "numpy", "safetensors", "PIL"}
