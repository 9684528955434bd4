"""`cnnspec data show` as its users meet it."""

from pathlib import Path

import pytest
from PIL import Image

from cnnspec.cli import run

Capture = pytest.CaptureFixture[str]
SPEC = """
input: [1, 32, 32]
layers: [flatten, fc: 10]
data: {augment: {rotation: 10, flip: 0.5, mixup: 0.4}}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC)
    return path


def show(*arguments: str | Path) -> int:
    return run(["data", "show", *map(str, arguments)])


def test_data_set(tiny_root: Path, tmp_path: Path, capsys: Capture) -> None:
    """A data set is drawn into a PNG, and where it is is said; the same again, to the byte; another seed differs."""
    files = [tmp_path / name for name in ("a.png", "b.PNG", "c.png")]
    for file, seed in zip(files, (1, 1, 2), strict=True):
        assert show("mnist", "-o", file, "--count", "3", "--seed", str(seed)) == 0
    first, again, other = (file.read_bytes() for file in files)
    assert first == again != other
    with Image.open(files[0]) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        assert image.width * image.height > 10 * 3 * 84 * 84
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith(f"{files[0]}: pictures of MNIST")
    assert err == ""


def test_spec(spec: Path, tiny_root: Path, tmp_path: Path) -> None:
    """What a spec learns from is drawn at its size; with --augment it is what the spec makes of it."""
    plain, changed = tmp_path / "plain.png", tmp_path / "changed.png"
    assert show(spec, "-o", plain) == 0
    assert show(spec, "--augment", "-o", changed) == 0
    with Image.open(plain) as one, Image.open(changed) as other:
        assert one.height > 10 * 96
        assert other.height > one.height  # there is a line on shares
        assert other.width > one.width  # and a picture more


def test_own_pictures(tmp_path: Path) -> None:
    """A spec's own pictures are found from its file on, and shown in color."""
    for label, color in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        for part in ("train", "test"):
            (tmp_path / "pics" / part / label).mkdir(parents=True)
            Image.new("RGB", (40, 30), color).save(tmp_path / "pics" / part / label / "1.png")
    (tmp_path / "own.yaml").write_text("input: [3, 15, 20]\nlayers: [flatten, fc: 2]\ndata: {folder: pics}")
    assert show(tmp_path / "own.yaml", "-o", tmp_path / "own.png") == 0
    with Image.open(tmp_path / "own.png") as image:
        counts = {color: count for count, color in image.getcolors(1 << 20) or []}
    assert counts[255, 0, 0] == counts[0, 0, 255] == 80 * 60


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["mnsit"], "there is no data set 'mnsit'. Did you mean 'mnist'?"),
        (["nothing-like-it"], "there is no data set 'nothing-like-it'. `cnnspec data` lists them"),
        (["mnist", "--augment"], "--augment needs a SPEC, not 'mnist'"),
        (["mnist", "--count", "0"], "0 is not in the range"),
        (["mnist", "-o", "grid.jpg"], "the picture is a PNG, so its name must end in .png"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str, tmp_path: Path, capsys: Capture) -> None:
    """Wrong arguments are named, before anything is read."""
    output = [] if "-o" in arguments else ["-o", str(tmp_path / "grid.png")]
    assert show(*arguments, *output) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("data: {augment: {rotation: 10, flip: 0.5, mixup: 0.4}}", ""), "net.yaml: there is no `augment` in `data`"),
        (("1, 32, 32", "2, 32, 32"), "net.yaml:2:8: input has 2 channels"),
        (("flip", "filp"), "unknown field 'filp' of augment. Did you mean 'flip'?"),
    ],
)  # fmt: skip
def test_wrong_spec(change: tuple[str, str], told: str, spec: Path, tmp_path: Path, capsys: Capture) -> None:
    """What is wrong with a spec is told in its place, and nothing is written."""
    spec.write_text(SPEC.replace(*change))
    assert show(spec, "--augment", "-o", tmp_path / "grid.png") == 1
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [spec]


def test_no_place(tiny_root: Path, tmp_path: Path, capsys: Capture) -> None:
    """A folder that is not there is an error that says so."""
    assert show("mnist", "-o", tmp_path / "none" / "grid.png") == 1
    assert "grid.png: the file cannot be written; No such file or directory" in capsys.readouterr().err


def test_no_data(tiny: object, tmp_path: Path, capsys: Capture) -> None:
    """A data set that cannot be had is an error: no sample is shown in its place."""
    assert show("mnist", "-o", tmp_path / "grid.png") == 1
    assert "mnist" in capsys.readouterr().err
    assert not (tmp_path / "grid.png").exists()
