"""What packages announce is read as `importlib.metadata` reads it, and of installed packages only."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

from cnnspec.plugins.announced import GROUP, announcements

ENTRIES = {
    "one": "[cnnspec.layers]\nown = a.layers\n",
    "several": "[cnnspec.layers]\none = a.layers\ntwo=b\n  three  =  c.d.e  \n",
    "other groups": "[console_scripts]\ncnnspec.layers = a:main\n[cnnspec.layers]\nown = b\n[x]\nown = c\n",
    "only other groups": "[cnnspec.layers.more]\nown = a\n[cnnspec]\nlayers = b\n",
    "remarks": "# [cnnspec.layers]\n\n[cnnspec.layers]\n# own = a\n\nown = b\n",
    "lines of Windows": "[cnnspec.layers]\r\nown = a.layers\r\n",
    "no end of line": "[cnnspec.layers]\nown = a.layers",
    "nothing": "",
    "a class": "[cnnspec.layers]\nown = a.layers:Swish\n",
    "other letters": "[cnnspec.layers]\nown = größe.schichten\n",
}


def install(folder: Path, name: str, entries: str, kind: str = "dist-info") -> None:
    note = folder / f"{name}.{kind}"
    note.mkdir(parents=True)
    plain = name.partition("-")[0]
    file = "METADATA" if kind == "dist-info" else "PKG-INFO"
    (note / file).write_text(f"Metadata-Version: 2.1\nName: {plain}\nVersion: 1\n", "utf-8")
    (note / "entry_points.txt").write_bytes(entries.encode())


def values() -> list[str]:
    return sorted(one.value for one in announcements())


def theirs() -> list[str]:
    return sorted(one.value for one in metadata.entry_points(group=GROUP))


@pytest.mark.parametrize("kind", ["dist-info", "egg-info"])
@pytest.mark.parametrize("entries", ENTRIES.values(), ids=ENTRIES)
def test_reads_entry_points(entries: str, kind: str, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own reader finds the same, whatever stands around it."""
    install(site, "some_package-1.0", entries, kind)
    monkeypatch.setattr(sys, "path", [str(site)])
    assert values() == theirs()
    assert {one.package for one in announcements()} <= {"some-package 1.0"}


def test_first_on_the_path(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a package that is installed twice, the one counts that Python would import."""
    other = tmp_path / "other"
    install(site, "some_package-2.0", "[cnnspec.layers]\nown = new\n")
    install(other, "Some.Package-1.0", "[cnnspec.layers]\nown = old\n")
    install(other, "another-1.0", "[cnnspec.layers]\nown = another\n")
    monkeypatch.setattr(sys, "path", [str(site), str(other), str(tmp_path / "nowhere")])
    assert values() == theirs() == ["another", "new"]


@pytest.mark.parametrize("entry", ["", ".", "{here}"])
def test_working_folder_is_no_place_for_packages(
    entry: str, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies beside a spec announces nothing, even where Python would import it."""
    install(Path.cwd(), "trap-1.0", "[cnnspec.layers]\nown = trap\n")
    monkeypatch.setattr(sys, "path", [entry.format(here=Path.cwd())])
    assert theirs() == ["trap"]
    assert values() == []


@pytest.mark.parametrize("content", [b"\xff\xfe[cnnspec.layers]\nown = a", b"[cnnspec.layers]\n\0=\0"])
def test_damaged_files(content: bytes, site: Path) -> None:
    """A file that is no text is no error: it announces nothing that could be imported."""
    (site / "broken-1.0.dist-info").mkdir()
    (site / "broken-1.0.dist-info" / "entry_points.txt").write_bytes(content)
    assert all(not one.value.isidentifier() for one in announcements())
