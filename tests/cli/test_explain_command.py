"""`cnnspec explain` as its users meet it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnnspec.cli import run

SPECS = Path(__file__).parents[2] / "specs"
LENET5, RESNET = str(SPECS / "lenet5.yaml"), str(SPECS / "resnet.yaml")
Capture = pytest.CaptureFixture[str]


def output(capsys: Capture, *arguments: str) -> str:
    """Run `explain`, which goes well, and return what it prints."""
    assert run(["explain", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_one_layer(capsys: Capture) -> None:
    """One layer's formulas have its numbers in them."""
    text = output(capsys, LENET5, "conv1")
    assert "(n + 2p − f)/s + 1 = (32 + 2·0 − 5)/1 + 1 = 28" in text
    assert "(5·5·1 + 1)·6 = 156" in text
    assert "r + (f − 1)·j = 1 + (5 − 1)·1 = 5" in text
    assert "conv2" not in text


def test_a_block(capsys: Capture) -> None:
    """The name of a block, or of a composition, stands for all in it."""
    layers = json.loads(output(capsys, RESNET, "stage.1", "--format", "json"))
    assert len(layers) > 3
    assert all(layer["path"].startswith("stage.1.") for layer in layers)
    stages = json.loads(output(capsys, RESNET, "stage", "--format", "json"))
    assert [layer for layer in stages if layer["path"].startswith("stage.1.")] == layers


def test_json(capsys: Capture) -> None:
    """As JSON, a formula is an entry, and the receptive field is as in the summary."""
    first, *_, last = json.loads(output(capsys, LENET5, "--format", "json"))
    assert first["receptive_field"] == {"size": [5, 5], "stride": [1, 1]}
    assert first["formulas"][-1] == {
        "of": "receptive field",
        "words": "r + (f − 1)·j",
        "numbers": "1 + (5 − 1)·1",
        "result": 5,
    }
    assert first.keys() == {"path", "type", "text", "input", "output", "formulas", "receptive_field"}
    assert last["receptive_field"] is None
    assert [formula["of"] for formula in last["formulas"]] == ["parameters", "MACs"]


def test_fractions_in_json(tmp_path: Path, capsys: Capture) -> None:
    """An effective stride that is no whole number is a number in JSON."""
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 8, 8]\nlayers: [upsample: 2]\n")
    (layer,) = json.loads(output(capsys, str(path), "--format", "json"))
    assert layer["receptive_field"]["stride"] == [0.5, 0.5]
    assert layer["formulas"][-1]["result"] == 0.5


def test_unknown_layer(capsys: Capture) -> None:
    """A layer that isn't there is named with the nearest one."""
    assert run(["explain", LENET5, "cnv1"]) == 1
    assert capsys.readouterr().err == f"{LENET5}: lenet5 has no layer 'cnv1'. Did you mean 'conv1'?\n"


def test_picture_option(capsys: Capture) -> None:
    """Windows are drawn where they are few, and --picture and --no-picture say otherwise."""
    assert "╔" in output(capsys, LENET5)
    assert "╔" not in output(capsys, LENET5, "--no-picture")
    assert "╔" not in output(capsys, RESNET)
    assert "╔" in output(capsys, RESNET, "--picture")
    assert "╔" in output(capsys, RESNET, "stem")
    for form, sign in (("markdown", "╔"), ("html", "<svg")):
        assert sign in output(capsys, RESNET, "--format", form)
        assert sign not in output(capsys, RESNET, "--format", form, "--no-picture")


@pytest.mark.parametrize("form", ["json", "markdown", "html"])
def test_no_half_document(form: str, tmp_path: Path, capsys: Capture) -> None:
    """Of a network that does not fit, no document is written."""
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 8, 8]\nlayers: [relu, maxpool: 9]\n")
    assert run(["explain", str(path), "--format", form]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{path}:2:25: kernel 9 does not fit")


def test_composition_that_does_not_fit(tmp_path: Path, capsys: Capture) -> None:
    """A composition with a mistake in it is left out, since its output is unknown; what fits is explained."""
    path = tmp_path / "net.yaml"
    path.write_text(
        "input: [1, 8, 8]\nlayers:\n"
        "  - concat: [[relu], []]\n"
        "  - concat: [[conv: {filters: 2, kernel: 3}], [tanh, maxpool: 99], [sigmoid]]\n"
    )
    assert run(["explain", str(path)]) == 1
    out, _ = capsys.readouterr()
    headings = [line.partition(":")[0] for line in out.splitlines()[2:] if line and line[0] not in " ■"]
    assert headings == [
        "concat1.0.relu1",
        "concat1",
        "concat2.0.conv1",
        "concat2.1.tanh1",
        "concat2.2.sigmoid1",
    ]


def process(*arguments: str, **environment: str) -> str:
    command = [sys.executable, "-m", "cnnspec", "explain", *arguments]
    done = subprocess.run(command, capture_output=True, env=os.environ | environment, check=True)
    assert done.stderr == b""
    return done.stdout.decode(environment.get("PYTHONIOENCODING", "utf-8"))


def test_sixty_columns() -> None:
    """In a narrow terminal all lines keep within it, pictures as well, and no number is lost."""
    text = process(LENET5, COLUMNS="60")
    assert max(map(len, text.splitlines())) <= 60
    assert "╔" in text
    for number in ("117,600", "48,120", "= 28"):
        assert number in text


def test_other_encodings() -> None:
    """Where box-drawing characters cannot be shown, pictures are in ASCII, in Markdown as well."""
    for form in ("text", "markdown"):
        text = process(LENET5, "conv1", "--format", form, PYTHONIOENCODING="cp1252")
        assert "+=========+-+" in text
        assert "H# # # # #H.|. . . . . . ~ . . ." in text


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-16"])
def test_html_in_another_encoding(encoding: str) -> None:
    """HTML keeps every sign in any encoding of the output, since it is ASCII where that is not UTF-8."""
    text = process(LENET5, "conv1", "--format", "html", PYTHONIOENCODING=encoding)
    assert text.isascii()
    assert "1&#215;32&#215;32 &#8594; 6&#215;28&#215;28" in text


def test_standard_output_is_closed() -> None:
    """Where nothing can be printed, that is no bug of ours."""
    command = f"'{sys.executable}' -m cnnspec explain '{LENET5}' >&-"
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=False)
    assert "went wrong" not in done.stderr


@pytest.mark.parametrize(("suffix", "start"), [(".html", "<!doctype html>"), (".MD", "# lenet5\n")])
def test_file(suffix: str, start: str, tmp_path: Path, capsys: Capture) -> None:
    """A file's suffix tells its form; it is written in UTF-8, and what is printed says where it is."""
    path = tmp_path / f"explained{suffix}"
    path.write_text("what was there")
    text = output(capsys, LENET5, "-o", str(path))
    assert text == f"{path}: lenet5 explained, 1×32×32 → 10: 14 layers, 61,750 parameters, 416,520 MACs\n"
    assert path.read_text("utf-8").startswith(start)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_file_that_cannot_be_written(tmp_path: Path, capsys: Capture) -> None:
    """A file in a folder that is not there is an error in one sentence."""
    path = tmp_path / "missing" / "page.html"
    assert run(["explain", LENET5, "-o", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{path}: ")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "page.pdf"], "'page.pdf' must end in .html or .md"),
        (["-o", "page"], "'page' must end in .html or .md"),
        (["-o", "page.html", "--format", "json"], "--format json does not go with a file that ends in .html"),
        (["-o", "page.md", "--format", "html"], "--format html does not go with a file that ends in .md"),
        (["--format", "json", "--picture"], "--picture does not go with --format json"),
    ],
)
def test_usage(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Options that do not go together are wrong usage, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert run(["explain", LENET5, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in " ".join(err.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_no_torch(form: str) -> None:
    """Explaining imports neither torch nor numpy, in any form."""
    arguments = ["explain", LENET5, "--format", form]
    code = f"import sys, cnnspec.cli; cnnspec.cli.run({arguments!r}); print('\\nloaded', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "cnnspec.views.window.picture" in loaded
    assert not loaded & {"torch", "torchvision", "numpy", "PIL"}
