"""`cnnspec report` as its users meet it."""

import builtins
import shutil
from pathlib import Path
from typing import Any

import pytest
from own_data import picture
from tiny_run import train_tiny

from cnnspec.cli import run

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_tiny(tmp_path_factory.mktemp("runs") / "first")


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    """The run in a folder of the test's own."""
    shutil.copytree(trained, tmp_path / "own")
    return tmp_path / "own"


def test_one_run(own: Path, trained: Path, capsys: Capture) -> None:
    """The report of one run is written into its folder; one line names the file, and the run is as it was."""
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    assert run(["report", str(own)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{own}/report.html: the report of {own}, 0.0 MB\n"
    assert err == f"Looking through {trained.parent / 'pictures.npz'}\n"
    text = (own / "report.html").read_text("utf-8")
    assert text.startswith("<!doctype html>")
    after = {path.name: path.read_bytes() for path in own.iterdir()}
    assert after.keys() - before.keys() == {"report.html"}
    assert before.items() <= after.items()


def test_output(own: Path, tmp_path: Path, capsys: Capture) -> None:
    """-o names the file, and what is there is replaced."""
    path = tmp_path / "page.htm"
    path.write_text("old")
    assert run(["report", str(own), "-o", str(path)]) == 0
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert not (own / "report.html").exists()
    assert capsys.readouterr().out.startswith(f"{path}: ")


def test_several_runs(own: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report of several runs is written into the working folder; a run that is named twice counts once."""
    monkeypatch.chdir(tmp_path)
    assert run(["report", str(own), str(trained), "own", f"{own}/../own"]) == 0
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "<h1>2 runs</h1>" in text
    assert text.index("<h3>own</h3>") < text.index("<h3>first</h3>")


@pytest.mark.parametrize("chosen", ["7", "digit.png"])
def test_picture(chosen: str, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The feature maps are of the picture that is asked for: by its number, or a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digit.png").write_bytes(picture())
    assert run(["report", str(own), "--picture", chosen]) == 0
    told = "test picture 7" if chosen == "7" else "digit.png"
    assert f"<figcaption>{told}</figcaption>" in (own / "report.html").read_text("utf-8")


WRONG: dict[str, tuple[list[str], int, str]] = {
    "no run": (["nowhere"], 1, "nowhere: there is no such folder. Name a run folder"),
    "not a run": (["."], 1, ".: this is not a whole run; spec.yaml, environment.json are missing"),
    "one is none": (["own", "nowhere"], 1, "nowhere: there is no such folder"),
    "no picture": (["own", "--picture", "none.png"], 1, "none.png: there is no such file"),
    "no such number": (["own", "--picture", "60"], 1, "there is no test picture 60; pictures.npz has 60"),
    "a negative number": (["own", "--picture", "-1"], 1, "-1: there is no such file"),
    "a huge number": (["own", "--picture", "9" * 5000], 1, "the picture cannot be read; File name too long"),
    "no folder": (
        ["own", "-o", "none/page.html"],
        1,
        "none/page.html: the file cannot be written; No such file",
    ),
    "not HTML": (
        ["own", "-o", "page.pdf"],
        2,
        "page.pdf': the report is HTML, so its name must end in .html",
    ),
    "a folder": (["own", "-o", "."], 2, "is a directory"),
    "a long name": (["x" * 5000], 1, "the folder cannot be read; File name too long"),
    "nothing": ([], 2, "Missing argument 'RUN...'"),
    "no device": (["own", "--device", "tpu"], 1, "there is no device 'tpu' here"),
    "no threads": (["own", "--threads", "0"], 2, "0 is not in the range"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong(
    case: tuple[list[str], int, str],
    own: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    """What is wrong is said in one form, and nothing is written."""
    arguments, code, message = case
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert run(["report", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "went wrong" not in err
    assert sorted(tmp_path.rglob("*")) == before


def test_without_data(own: Path, capsys: Capture) -> None:
    """Where the data is gone, the report is written without what needs it, and a warning says so."""
    spec = own / "spec.yaml"
    spec.write_text(spec.read_text().replace("pictures.npz", "gone.npz"))
    assert run(["report", str(own)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{own}/report.html: ")
    assert "gone.npz: warning: the report has no test of the network: there is no such file" in err


def test_no_download(own: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Nothing is fetched for a report: a data set that is not on disk is only named."""
    spec = own / "spec.yaml"
    lines = spec.read_text().splitlines()
    start = lines.index("data:")
    end = lines.index("train:")
    spec.write_text("\n".join([*lines[:start], "data: {dataset: emnist-letters}", *lines[end:]]))
    monkeypatch.delenv("CNNSPEC_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(own / "cache"))
    assert run(["report", str(own)]) == 0
    assert (
        "emnist-letters is not on disk. Fetch it with `cnnspec data fetch emnist-letters`"
        in capsys.readouterr().err
    )


def test_without_matplotlib(own: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Without matplotlib, it says at once what to install."""
    found = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert run(["report", str(own)]) == 1
    assert capsys.readouterr().err == (
        "the curves cannot be drawn; matplotlib is not installed. Install it: pip install 'cnnspec[report]'.\n"
    )


def test_hostile_folder(own: Path, tmp_path: Path, capsys: Capture) -> None:
    """Escape codes and line breaks in a folder's name do not reach the terminal."""
    folder = own.rename(tmp_path / "a\x1b[31m\nb\u202e")
    (folder / "best.safetensors").unlink()
    assert run(["report", str(folder)]) == 0
    text = "".join(capsys.readouterr())
    assert not {"\x1b", "\u202e"} & set(text)
    assert all("report" in line for line in text.splitlines())
