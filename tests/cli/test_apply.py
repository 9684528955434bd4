"""`cnnspec apply`: a picture through fixed filters, held to SciPy's and to PIL's own pixels."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

import cnnspec
from cnnspec.cli import run
from cnnspec.data.apply import apply

Capture = pytest.CaptureFixture[str]
Gray = NDArray[np.floating[Any]]
ROOT = Path(__file__).parents[2]
EDGES = ROOT / "specs" / "edges.yaml"
HOUSE = ROOT / "examples" / "house.png"
SAME = "input: [1, 9, 9]\nlayers: [image_filter: [[1]], dropout: 0.5]\n"
RANDOM = np.random.default_rng(1)


def applied(*arguments: str | Path) -> None:
    assert run(["apply", *map(str, arguments)]) == 0


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.array(image)


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def saved(path: Path, values: NDArray[Any]) -> Path:
    Image.fromarray(values).save(path)
    return path


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture in gray of another size than any spec's."""
    path = tmp_path_factory.mktemp("noise") / "noise.png"
    return saved(path, RANDOM.integers(0, 256, (37, 53), dtype=np.uint8))


def gradient(of: Callable[..., Gray], x: Gray) -> tuple[Gray, Gray]:
    """Return SciPy's changes of a picture from left to right and from top to bottom, its border going on."""
    return of(x, axis=1, mode="nearest"), of(x, axis=0, mode="nearest")


VARIANTS: dict[str, Callable[[Gray], Gray]] = {
    "magnitude": lambda x: np.hypot(*gradient(ndimage.prewitt, x)),
    "sobel": lambda x: np.hypot(*gradient(ndimage.sobel, x)),
    "absolute": lambda x: sum(map(np.abs, gradient(ndimage.prewitt, x)), start=np.zeros(x.shape)),
    "vertical": lambda x: gradient(ndimage.prewitt, x)[0],
    "horizontal": lambda x: gradient(ndimage.prewitt, x)[1],
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_edges_are_scipys(variant: str, noise: Path, tmp_path: Path, capsys: Capture) -> None:
    """Each variant of the shipped spec shows the textbook's formula, at the picture's size, and says how."""
    for picture in (noise, HOUSE):
        applied(f"{EDGES}@{variant}", picture, "-o", tmp_path / "edges.png")
        values = VARIANTS[variant](pixels(picture) / 255)
        low, high = values.min(), values.max()
        most = max(-low, high)
        black = -most if low < 0 else 0
        shown = pixels(tmp_path / "edges.png")
        assert shown.shape == values.shape
        assert np.abs(shown - (values - black) / (most - black) * 255).max() < 0.502
        if low < 0:
            assert set(shown[np.abs(values) < 1e-9]) <= {128}
        told, err = capsys.readouterr()
        size = "×".join(map(str, values.shape))
        tones = f"black is {black:.3g}, {'gray 0, ' if low < 0 else ''}white {most:.3g}"
        expected = f"1×{size}, values from {round(low, 6):.3g} to {high:.3g}; {tones}"
        assert told.replace("\n", " ") == f"{tmp_path}/edges.png: {expected} "
        assert err == ""


def test_all_variants_are_held() -> None:
    """The table above has every variant of the shipped spec, the default first."""
    first, *others = cnnspec.load(EDGES).variants
    assert first == "magnitude"
    assert {first, *others} == set(VARIANTS)


def test_variant_and_settings(noise: Path, tmp_path: Path) -> None:
    """--variant chooses as FILE@NAME does, --set gives a variable a value, and the spec may come on a pipe."""
    files = [tmp_path / f"{number}.PNG" for number in range(3)]
    applied(f"{EDGES}@sobel", noise, "-o", files[0])
    applied(EDGES, noise, "-o", files[1], "--variant", "sobel")
    applied(EDGES, noise, "-o", files[2], "--set", "x=sobel_x", "--set", "y=sobel_y")
    assert len({file.read_bytes() for file in files}) == 1


def test_standard_input(noise: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The spec may come on standard input, and layers for training only do nothing."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SAME.encode())))
    applied("-", noise, "-o", tmp_path / "same.png", "--range", "0", "1")
    assert np.array_equal(pixels(tmp_path / "same.png"), pixels(noise))


COLORS = RANDOM.integers(0, 256, (12, 17, 3), dtype=np.uint8)
"""A picture in color."""


def transparent() -> Image.Image:
    """A picture in black of which the left part is seen."""
    values = np.zeros((12, 17, 4), dtype=np.uint8)
    values[:, :5, 3] = 255
    return Image.fromarray(values)


MODES: dict[str, Callable[[], Image.Image]] = {
    "1": lambda: Image.fromarray(COLORS).convert("1"),
    "L": lambda: Image.fromarray(COLORS).convert("L"),
    "palette": lambda: Image.fromarray(COLORS).quantize(40),
    "RGB": lambda: Image.fromarray(COLORS),
    "16 bits": lambda: Image.fromarray(COLORS[..., 0].astype(np.uint16) * 257),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("channels", [1, 3])
def test_modes(mode: str, channels: int, tmp_path: Path) -> None:
    """A picture in any mode reaches the network, in gray or in color as its input is, whatever the picture is."""
    picture = MODES[mode]()
    picture.save(tmp_path / "in.png")
    spec = written(tmp_path / "same.yaml", SAME.replace("[1, 9", f"[{channels}, 9"))
    applied(spec, tmp_path / "in.png", "-o", tmp_path / "out.png", "--range", "0", "1")
    expected = Image.fromarray(COLORS[..., 0]) if mode == "16 bits" else picture
    assert np.array_equal(
        pixels(tmp_path / "out.png"), np.array(expected.convert("L" if channels == 1 else "RGB"))
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_is_white(channels: int, tmp_path: Path) -> None:
    """What is transparent is white, as on paper."""
    transparent().save(tmp_path / "in.png")
    spec = written(tmp_path / "same.yaml", SAME.replace("[1, 9", f"[{channels}, 9"))
    applied(spec, tmp_path / "in.png", "-o", tmp_path / "out.png", "--range", "0", "1")
    shown = pixels(tmp_path / "out.png")
    assert (shown[:, :5] == 0).all()
    assert (shown[:, 5:] == 255).all()


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    """Differences that 8 bits would not tell are there in what is filtered."""
    ramp = np.tile(np.arange(1000, 1040, dtype=np.uint16), (5, 1))
    values = apply(cnnspec.load(EDGES, variant="vertical"), saved(tmp_path / "ramp.png", ramp))
    assert values[0, :, 1:-1].numpy() == pytest.approx(6 / 65535, rel=1e-3)


def test_photograph_is_turned_upright(tmp_path: Path) -> None:
    """A photograph that says it was taken sideways is filtered upright."""
    upright = Image.open(HOUSE).crop((0, 0, 256, 120))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    upright.rotate(90, expand=True).save(tmp_path / "turned.png", exif=exif)
    upright.save(tmp_path / "upright.png")
    for name in ("upright", "turned"):
        applied(EDGES, tmp_path / f"{name}.png", "-o", tmp_path / f"{name}_edges.png")
    assert np.array_equal(pixels(tmp_path / "turned_edges.png"), pixels(tmp_path / "upright_edges.png"))


def test_color(tmp_path: Path, capsys: Capture) -> None:
    """Three channels of a picture in color are filtered apart and shown as its colors, on one scale."""
    spec = written(tmp_path / "x.yaml", "input: [3, 9, 9]\nlayers: [image_filter: prewitt_x]\n")
    applied(spec, saved(tmp_path / "in.png", COLORS), "-o", tmp_path / "out.png")
    values = np.stack([ndimage.prewitt(c, 1, mode="nearest") for c in np.moveaxis(COLORS / 255, 2, 0)], -1)
    most = np.abs(values).max()
    assert np.abs(pixels(tmp_path / "out.png") - (values / most + 1) * 127.5).max() < 0.502
    assert "3×12×17, values" in capsys.readouterr().out


BOTH = "input: [{}, 9, 9]\nlayers: [concat: [[image_filter: [[1]]], [image_filter: [[0.5]]], {}]]\n"


@pytest.mark.parametrize(
    ("spec", "places"),
    [
        (BOTH.format(1, "[image_filter: [[0]]]"), [(0, 0), (0, 1), (0, 2)]),
        (BOTH.format(1, "[image_filter: [[0]]], []"), [(0, 0), (0, 1), (1, 0), (1, 1)]),
        (BOTH.format(3, "[channel_slice: {stop: 1}]"), [(row, column) for row in (0, 1, 2) for column in (0, 1, 2)][:7]),
        ("input: [3, 9, 9]\nlayers: [channel_slice: {stop: 2}]", [(0, 0), (0, 1)]),
    ],
)  # fmt: skip
def test_tiles(spec: str, places: list[tuple[int, int]], tmp_path: Path, capsys: Capture) -> None:
    """Channels that are no colors stand side by side, each in gray, those of one picture on one scale."""
    spec_file = written(tmp_path / "tiles.yaml", spec)
    picture = saved(tmp_path / "in.png", COLORS)
    applied(spec_file, picture, "-o", tmp_path / "out.png", "--range", "0", "1")
    channels = apply(cnnspec.load(spec_file), picture)
    shown = pixels(tmp_path / "out.png")
    rows, columns = (1 + max(place[axis] for place in places) for axis in (0, 1))
    assert shown.shape == (rows * 16 - 4, columns * 21 - 4)
    for (row, column), channel in zip(places, channels.numpy(), strict=True):
        tile = shown[row * 16 : row * 16 + 12, column * 21 : column * 21 + 17]
        assert np.abs(tile - channel * 255).max() < 0.502
        shown[row * 16 : row * 16 + 12, column * 21 : column * 21 + 17] = 255
    assert (shown == 255).all()
    assert f"{len(places)}×12×17 side by side, " in capsys.readouterr().out


def test_range(noise: Path, tmp_path: Path, capsys: Capture) -> None:
    """--range says which values are black and white, and what lies beyond is no more than that."""
    spec = written(tmp_path / "sharp.yaml", "input: [1, 9, 9]\nlayers: [image_filter: sharpen]\n")
    x = pixels(noise) / 255
    sharp = x + 4 * x - ndimage.convolve(x, [[0, 1, 0], [1, 0, 1], [0, 1, 0]], mode="nearest")
    for low, high in ((0, 1), (-1.5, 0.5)):
        applied(spec, noise, "-o", tmp_path / "sharp.png", "--range", str(low), str(high))
        expected = ((sharp - low) / (high - low)).clip(0, 1) * 255
        assert np.abs(pixels(tmp_path / "sharp.png") - expected).max() < 0.502
        assert f"; black is {low}, white {high}" in " ".join(capsys.readouterr().out.split())


def test_even_picture(tmp_path: Path, capsys: Capture) -> None:
    """A picture of one tone has no edges, and what rounding leaves is not made to look like some."""
    picture = saved(tmp_path / "even.png", np.full((40, 50), 101, dtype=np.uint8))
    for variant in VARIANTS:
        applied(f"{EDGES}@{variant}", picture, "-o", tmp_path / "edges.png")
        assert not pixels(tmp_path / "edges.png").any()
        assert "values from 0 to 0; black is 0, white 1" in " ".join(capsys.readouterr().out.split())


def test_codes_in_a_name(noise: Path, tmp_path: Path, capsys: Capture) -> None:
    """The name of what is written is told on one line, without its codes."""
    applied(EDGES, noise, "-o", tmp_path / "a\x1b[31m\n.png")
    assert capsys.readouterr().out.startswith(f"{tmp_path}/a�[31m\\n.png: 1×37×53")
