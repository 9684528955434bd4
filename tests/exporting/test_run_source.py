"""The source of a run loads its weights, and sees in a picture what the run sees."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from alone import Alone
from PIL import Image
from safetensors.torch import load_file
from tiny_run import train_tiny

import cnnspec
from cnnspec.exporting.source import export_source
from cnnspec.training import Run, load_run

ROOT = Path(__file__).parents[2]

REST = "layers: [conv: {filters: 2, kernel: 3}, relu, flatten, fc: %d]\ntrain: {epochs: 1, batch_size: 40}\n"


def module_in(path: Path) -> ModuleType:
    """Return a file as a module."""
    spec = importlib.util.spec_from_file_location("net", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pictures(folder: Path) -> list[Path]:
    """Write pictures of all kinds, and return them with a digit."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (40, 50, 4), dtype=np.uint8)
    color, clear = Image.fromarray(pixels[..., :3]), Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    color.resize((400, 300)).save(folder / "turned.jpg", exif=exif)
    clear.save(folder / "transparent.png")
    color.convert("P").save(folder / "palette.gif")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    color.convert("L").resize((28, 28)).save(folder / "28.png")
    color.convert("1").save(folder / "bits.png")
    return [*sorted(folder.iterdir()), ROOT / "examples" / "digit.png"]


def check(run: Run, path: Path, images: list[Path]) -> ModuleType:
    """Compare what the source makes of pictures with what the run does, and return it."""
    assert export_source(run, path) == [path, path.with_suffix(".safetensors")]
    module = module_in(path)
    network = module.load()
    assert not network.training
    normalize = run.normalizer(torch.device("cpu"))
    with torch.no_grad():
        for image in images:
            with Image.open(image) as picture:
                x = module.preprocess(picture)
            assert torch.equal(x, normalize(run.read(image))), image
            assert torch.equal(network(x), run.model(x))
    assert run.classes == module.CLASSES
    return module


@pytest.mark.parametrize(
    "shape", [[1, 32, 32], [1, 28, 28], [28, 28], [3, 20, 30], [1, 30, 20], [1, 784]], ids=str
)
@pytest.mark.usefixtures("tiny_root")
def test_digits(shape: list[int], tmp_path: Path) -> None:
    """A network of digits finds the digit in a picture, whatever its input."""
    spec = cnnspec.loads(f"input: {shape}\n" + REST % 10)
    cnnspec.train(spec, out=tmp_path / "run", device="cpu", threads=1)
    check(load_run(tmp_path / "run"), tmp_path / "net.py", pictures(tmp_path / "pictures"))


@pytest.mark.parametrize("shape", [[3, 16, 16], [3, 12, 20], [1, 16, 24], [10, 30]], ids=str)
def test_pictures(shape: list[int], tmp_path: Path) -> None:
    """Pictures of any size and mode are resized, cropped and normalized as for training."""
    for name, tone in (("dark", 60), ("light", 200)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(10):
            Image.new("RGB", (20, 20), (tone, i, 255 - tone)).save(tmp_path / "data" / name / f"{i}.png")
    text = f"input: {shape}\ndata: {{folder: {tmp_path / 'data'}}}\n" + REST % 2
    cnnspec.train(cnnspec.loads(text), out=tmp_path / "run", device="cpu", threads=1)
    module = check(load_run(tmp_path / "run"), tmp_path / "net.py", pictures(tmp_path / "pictures"))
    assert module.CLASSES == ("dark", "light")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(train_tiny(tmp_path_factory.mktemp("runs") / "tiny"))


def test_weights(trained: Run, tmp_path: Path) -> None:
    """The file of weights has the network's and nothing else, and is beside the source, under its name."""
    export_source(trained, tmp_path / "net.py")
    weights, state = load_file(tmp_path / "net.safetensors"), trained.model.state_dict()
    assert list(weights) == sorted(state)
    assert all(torch.equal(weights[name], state[name]) for name in state)


def test_program(trained: Run, tmp_path: Path, alone: Alone) -> None:
    """Run where there is no cnnspec, it says of each picture what `cnnspec predict` says."""
    path = tmp_path / "net.py"
    export_source(trained, path)
    images = pictures(tmp_path / "pictures")
    predictions = [trained.predict(image) for image in images]
    printed, end = alone.run(path, *map(str, images))
    assert end is None
    assert printed.splitlines() == [f"{p.image}: {p.label}  {100 * p.probability:.1f} %" for p in predictions]
    assert alone.run(path) == ("", f"Usage: python {path} IMAGE...")


@pytest.mark.usefixtures("tiny_root")
def test_logarithms(tmp_path: Path) -> None:
    """Outputs that are logarithms of probabilities already are not put through softmax."""
    spec = cnnspec.loads(
        "input: [1, 8, 8]\nlayers: [flatten, fc: 10, log_softmax]\ntrain: {epochs: 1, loss: nll}\n"
    )
    cnnspec.train(spec, out=tmp_path / "run", device="cpu", threads=1)
    run = load_run(tmp_path / "run")
    export_source(run, tmp_path / "net.py")
    source = (tmp_path / "net.py").read_text("utf-8")
    assert ".exp()[0]" in source
    assert "softmax(1)" not in source


@pytest.mark.usefixtures("tiny_root")
def test_nothing_in_the_picture(tmp_path: Path) -> None:
    """Where there is no digit in a picture, the source says so, as the run does."""
    spec = cnnspec.loads("input: [1, 8, 8]\n" + "layers: [flatten, fc: 10]\ntrain: {epochs: 1}\n")
    cnnspec.train(spec, out=tmp_path / "run", device="cpu", threads=1)
    export_source(load_run(tmp_path / "run"), tmp_path / "net.py")
    with pytest.raises(ValueError, match="nothing in the picture"):
        module_in(tmp_path / "net.py").preprocess(Image.new("L", (30, 30), 255))


def test_hostile_classes(tmp_path: Path) -> None:
    """Classes are called after folders: whatever these are called, they are only texts."""
    names = ['"""', "'", '"', "\\", "\\n{x}", "# a", "\u202e", "__import__('os')", "é"]
    for i, name in enumerate(names):
        (tmp_path / "data" / name).mkdir(parents=True)
        for n in range(4):
            Image.new("L", (8, 8), (20 * i + n) % 256).save(tmp_path / "data" / name / f"{n}.png")
    text = f"input: [1, 8, 8]\ndata: {{folder: {tmp_path / 'data'}}}\nlayers: [flatten, fc: 9]\ntrain: {{epochs: 1}}\n"
    cnnspec.train(cnnspec.loads(text), out=tmp_path / 'r """ \\ n', device="cpu", threads=1)
    run = load_run(tmp_path / 'r """ \\ n')
    path = tmp_path / "my net's.py"
    export_source(run, path)
    assert module_in(path).CLASSES == run.classes == tuple(sorted(names))
    assert sum(isinstance(node, ast.ClassDef) for node in ast.parse(path.read_text("utf-8")).body) == 1
    command = [sys.executable, "-m", "ruff", "format", "--check", "--isolated", "--no-cache"]
    result = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
