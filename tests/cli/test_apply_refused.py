"""What `cnnspec apply` refuses: arguments, networks, pictures; with the reason and a way out, and nothing written."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import Tensor, nn

from cnnspec import machine
from cnnspec.cli import run
from cnnspec.plan import Plan

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]
EDGES = ROOT / "specs" / "edges.yaml"
HOUSE = ROOT / "examples" / "house.png"


def applied(*arguments: str | Path, code: int) -> None:
    assert run(["apply", *map(str, arguments)]) == code


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture in gray of another size than any spec's."""
    path = tmp_path_factory.mktemp("noise") / "noise.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (37, 53), dtype=np.uint8)).save(path)
    return path


USAGE = {
    "another format": (["-o", "edges.jpg"], "'edges.jpg': the picture is a PNG, so its name must end in .png"),
    "no name": ([], "Missing option '-o' / '--output'"),
    "a folder": (["-o", "."], "File '.' is a directory"),
    "no range": (["-o", "e.png", "--range", "1", "1"], "LOW must be less than HIGH, and both finite"),
    "no numbers": (["-o", "e.png", "--range", "0", "nan"], "LOW must be less than HIGH, and both finite"),
    "endless": (["-o", "e.png", "--range", "-inf", "1"], "LOW must be less than HIGH, and both finite"),
    "half a range": (["-o", "e.png", "--range", "0"], "requires 2 arguments"),
    "the picture itself": (["-o", "in.png"], "this is the picture itself, which would be lost"),
    "by another name": (["-o", "link.png"], "this is the picture itself, which would be lost"),
}  # fmt: skip


@pytest.mark.parametrize("case", USAGE.values(), ids=USAGE)
def test_wrong_usage(
    case: tuple[list[str], str], noise: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong arguments are named, and nothing is written."""
    arguments, told = case
    monkeypatch.chdir(tmp_path)
    Path("in.png").write_bytes(noise.read_bytes())
    Path("link.png").symlink_to("in.png")
    applied(EDGES, "in.png", *arguments, code=2)
    assert told in " ".join(capsys.readouterr().err.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "link.png"]
    assert Path("in.png").read_bytes() == noise.read_bytes()


SPECS = {
    "to be trained": (
        "input: [1, 32, 32]\nlayers: [relu, conv: {filters: 2, kernel: 3}, prelu]\n",
        "net.yaml:2:16: net has 21 parameters to learn, the first in conv1; untrained they are random numbers, and so would the picture be. Use layers that learn nothing, such as image_filter; or train it for `cnnspec predict`.",
    ),
    "an fc": (
        "input: [1, 32, 32]\nlayers: [flatten, fc: 10]\n",
        "net.yaml:2:19: net has 10,250 parameters to learn, the first in fc1; untrained",
    ),
    "flat": (
        "input: [1, 4, 4]\nlayers: [relu, flatten, relu]\n",
        "net.yaml:2:16: flatten1 makes 16 flat values; a picture has height and width. Remove flatten1.",
    ),
    "two channels": (
        "input: [2, 4, 4]\nlayers: [relu]\n",
        "net.yaml:1:8: input has 2 channels; a picture has 1 in gray, or 3 in color. Use 1 or 3.",
    ),
    "a signal": (
        "input: [1, 16]\nlayers: [relu]\n",
        "net.yaml:1:8: input is 1×16, which is no picture; a picture is [channels, height, width]. Use an input such as [1, 256, 256].",
    ),
    "too small a picture": (
        "input: [1, 100, 100]\nlayers: [maxpool: 50]\n",
        "net.yaml:2:19: kernel 50 does not fit the 37×53 input of maxpool1; the output would be empty, as noise.png is 37×53. Use",
    ),
    "an odd picture": (
        "input: [1, 64, 64]\nlayers:\n  - add: [[], [maxpool: 2, upsample: 2]]\n",
        "net.yaml:3:5: branches of add1 disagree: 1×37×53 (the input) and 1×36×52 (line 3); noise.png is 37×53.",
    ),
    "roots below 0": (
        "input: [1, 9, 9]\nlayers: [image_filter: prewitt_x, sqrt]\n",
        "values of noise.png that are not finite numbers; there is no square root below 0, and float32 ends at 3.4e38. Put `abs` or `square` before `sqrt`",
    ),
    "numbers without end": (
        "input: [1, 9, 9]\nlayers: [image_filter: [[1e30]], square]\n",
        "values of noise.png that are not finite numbers;",
    ),
    "wrong anyway": ("input: [1, 9, 9]\nlayers: [image_filtre: box]\n", "Did you mean 'image_filter'?"),
}  # fmt: skip


@pytest.mark.parametrize("case", SPECS.values(), ids=SPECS)
def test_wrong_spec(
    case: tuple[str, str], noise: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that makes no picture of a picture is refused in its place, with the reason and a way out."""
    text, told = case
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(text)
    Path("noise.png").write_bytes(noise.read_bytes())
    applied("net.yaml", "noise.png", "-o", "out.png", code=1)
    out, err = capsys.readouterr()
    assert told in " ".join(err.split())
    assert err.startswith("net.yaml:")
    assert out == ""
    assert not Path("out.png").exists()


def truncated(path: Path) -> None:
    path.write_bytes(HOUSE.read_bytes()[:3000])


def bomb(path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(path)


PICTURES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "there is no such file. Check the name, or the folder you are in."),
    "a folder": (Path.mkdir, "this is a folder. Name the pictures in it."),
    "truncated": (truncated, "the picture cannot be read;"),
    "too many pixels": (bomb, "the picture has too many pixels. Make it smaller."),
    "text": (lambda path: path.write_text("hello"), "the file is not a picture in PNG, JPEG, GIF"),
    "empty": (Path.touch, "the file is not a picture in PNG, JPEG, GIF"),
}


@pytest.mark.parametrize("case", PICTURES.values(), ids=PICTURES)
def test_wrong_picture(case: tuple[Callable[[Path], object], str], tmp_path: Path, capsys: Capture) -> None:
    """A file that is no whole picture is named, without the codes in its name, and nothing is written."""
    make, told = case
    picture = tmp_path / "a\x1b[31m\n.png"
    make(picture)
    applied(EDGES, picture, "-o", tmp_path / "out.png", code=1)
    out, err = capsys.readouterr()
    assert err.startswith(f"{tmp_path}/a�[31m\\n.png: {told}")
    assert out == ""
    assert not (tmp_path / "out.png").exists()


def test_no_place(noise: Path, tmp_path: Path, capsys: Capture) -> None:
    """A folder that is not there is an error that says so."""
    applied(EDGES, noise, "-o", tmp_path / "none" / "out.png", code=1)
    assert "out.png: the file cannot be written; No such file or directory" in capsys.readouterr().err


def test_too_large_for_memory(
    noise: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture whose tensors would not fit into memory is refused before they are made, with the numbers."""
    monkeypatch.setattr(machine, "free", lambda: 20_000)
    applied(EDGES, noise, "-o", tmp_path / "out.png", code=1)
    told = capsys.readouterr().err
    assert re.search(r"noise\.png: edges-magnitude needs [\d.]+ KiB for a picture of 37×53;", told)
    assert "this machine has 19.5 KiB left. Make the picture smaller." in " ".join(told.split())
    assert not (tmp_path / "out.png").exists()


class Full(nn.Module):
    """A network for which there is no memory."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, _x: Tensor) -> Tensor:
        raise self.error


@pytest.mark.parametrize(
    "case",
    [
        (MemoryError(), "for a picture of 37×53; this machine does not have as much left. Make the picture smaller."),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "this machine does not have as much left."),
        (RuntimeError("another"), "cnnspec went wrong: RuntimeError: another"),
    ],
)  # fmt: skip
def test_out_of_memory(
    case: tuple[Exception, str],
    noise: Path,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory that cannot be had after all is told as such; a mistake of ours is not."""
    error, told = case
    monkeypatch.setattr(Plan, "build", lambda _self: Full(error))
    applied(EDGES, noise, "-o", tmp_path / "out.png", code=1)
    assert told in " ".join(capsys.readouterr().err.split())
