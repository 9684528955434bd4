"""`cnnspec new`: what it writes can be trained at once, and it never writes over anything."""

import re
from pathlib import Path

import pytest
import torch

import cnnspec
from cnnspec import fit
from cnnspec.cli import run
from cnnspec.cli.new import STARTERS
from cnnspec.spec import load_family

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def starter(like: str) -> str:
    assert run(["new", "net", "--like", like]) == 0
    return Path("net.yaml").read_text("utf-8")


@pytest.mark.parametrize("like", STARTERS)
def test_starters_learn_mnist(like: str) -> None:
    """Each starter fits MNIST in all its variants, and its model computes what its plan says."""
    starter(like)
    for spec in load_family("net.yaml"):
        plan = spec.plan()
        assert [*fit.data_problems(plan), *fit.warnings(plan)] == []
        model = plan.build()
        output = model(torch.randn(2, *plan.input_shape))
        assert output.shape == (2, *plan.output_shape) == (2, 10)
        assert sum(parameter.numel() for parameter in model.parameters()) == plan.params
        assert plan.macs < 20_000_000  # an epoch on two cores is a matter of a minute


@pytest.mark.parametrize("like", STARTERS)
def test_starters_teach(like: str, capsys: Capture) -> None:
    """Each starter says how to go on, explains each part of the language where it first stands, and is well set."""
    text = starter(like)
    lines = text.splitlines()
    assert text.startswith("# ")
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "cnnspec summary FILE" in text
    assert "cnnspec train FILE" in text
    assert max(map(len, lines)) <= 110
    assert not re.search(r"[ \t]$|\t", text, re.MULTILINE)
    for construct in (
        "input:",
        "vars:",
        "variants:",
        "blocks:",
        "args:",
        "when:",
        "repeat:",
        "residual:",
        "skip:",
    ):
        first = next((line for line in lines if line.strip().removeprefix("- ").startswith(construct)), "# ")
        below = lines[lines.index(first) + 1] if first in lines else ""
        assert "# " in first + below, construct
    for place in re.findall(r"FILE@(\w+)", text):
        assert place in cnnspec.load("net.yaml").variants


def test_starters_cover_the_language() -> None:
    """Together they show whatever a spec can be made of."""
    together = "\n".join(starter_text(like) for like in STARTERS)
    for construct in (
        "vars",
        "variants",
        "blocks",
        "args",
        "name",
        "repeat",
        "when",
        "residual",
        "shortcut",
        "skip",
    ):
        assert f"{construct}:" in together
    for construct in (
        "index",
        "in_channels",
        "make_divisible(",
        "sequence:",
        "concat:",
        "multiply:",
        "--set",
    ):
        assert construct in together


def starter_text(like: str) -> str:
    path = Path(cnnspec.__file__).parent / "starters" / f"{like}.yaml"
    return path.read_text("utf-8")


def test_says_what_is_next(capsys: Capture) -> None:
    """It names the file, and the commands to go on with; lenet is what it writes if nothing else is wanted."""
    assert run(["new", "digits"]) == 0
    expected = """\
digits.yaml: written, a network like lenet
Next: cnnspec summary digits.yaml
      cnnspec train digits.yaml
"""
    assert capsys.readouterr() == (expected, "")
    assert Path("digits.yaml").read_text("utf-8") == starter_text("lenet")
    assert run(["summary", "digits.yaml"]) == 0
    assert capsys.readouterr().out.startswith("digits  LeNet-5")


def test_places(capsys: Capture) -> None:
    """A name may have a folder and a suffix; a folder with spaces is quoted for the shell."""
    Path("my nets").mkdir()
    for name, file in (("my nets/a.b", "my nets/a.b.yaml"), ("b.yml", "b.yml"), ("c.yaml", "c.yaml")):
        assert run(["new", name]) == 0
        assert Path(file).is_file()
    assert "cnnspec train 'my nets/a.b.yaml'" in capsys.readouterr().out


def test_prints(capsys: Capture) -> None:
    """`-` prints the spec alone, and writes nothing."""
    assert run(["new", "-", "--like", "resnet"]) == 0
    assert capsys.readouterr() == (starter_text("resnet"), "")
    assert list(Path().iterdir()) == []


def test_never_overwrites(capsys: Capture) -> None:
    """What is there stays as it is: a file, a folder, and what a link leads to or would."""
    Path("file.yaml").write_text("mine")
    Path("folder.yaml").mkdir()
    Path("link.yaml").symlink_to("elsewhere.yaml")
    for name in ("file", "file.yaml", "folder", "link"):
        assert run(["new", name]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        file = f"{name.removesuffix('.yaml')}.yaml"
        assert err == f"{file}: there is such a file already; nothing is overwritten. Choose another name.\n"
    assert Path("file.yaml").read_text() == "mine"
    assert not Path("elsewhere.yaml").exists()


def test_no_folder(capsys: Capture) -> None:
    """A folder that is not there, or is a file, is named in the one form; nothing is made."""
    Path("file").touch()
    for folder in ("missing", "file"):
        assert run(["new", f"{folder}/net"]) == 1
        expected = (
            f"{folder}/net.yaml: there is no folder '{folder}'. Make it first, or choose another one.\n"
        )
        assert capsys.readouterr() == ("", expected)
    assert [path.name for path in Path().iterdir()] == ["file"]


def test_cannot_write(capsys: Capture) -> None:
    """Where nothing can be written, the system's reason is told."""
    assert run(["new", "/proc/net"]) == 1
    assert capsys.readouterr().err.startswith("/proc/net.yaml: the file cannot be written; ")


@pytest.mark.parametrize(
    "arguments",
    [
        [""],
        ["."],
        [".."],
        ["../.."],
        ["folder/"],
        [".hidden"],
        ["-x"],
        ["a b"],
        ["a\nb"],
        ["a*"],
        ["ä"],
        ["a" * 65],
        [".yaml"],
        ["a", "b"],
        ["a", "--like", "alexnet"],
        [],
    ],
    ids=str,
)
def test_usage(arguments: list[str], capsys: Capture) -> None:
    """A name that no spec can have, or a kind that there is not, is wrong usage, and nothing is written."""
    assert run(["new", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: " in err
    assert list(Path().iterdir()) == []
