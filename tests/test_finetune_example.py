"""The example of fine-tuning, from weights that are made here and lie in torch's cache as downloaded ones do."""

import hashlib
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor, nn
from torchvision.models import ResNet18_Weights, resnet18

import cnnspec
from cnnspec.cli import run
from cnnspec.training import checkpoint

EXAMPLE = Path(__file__).parents[1] / "examples" / "finetune"
DRAWN: Mapping[str, Any] = runpy.run_path(str(EXAMPLE / "draw_fabrics.py"))
SIZE = 32
"""Height and width here, half of the example's: the test is to be fast."""

FROZEN = ("stem.", "stage.0.", "stage.1.")

State = dict[str, Tensor]


def others() -> list[Any]:
    """Return three patterns that the example has not: wavy, ringed, and as of bricks."""
    soft, wave = DRAWN["soft"], DRAWN["wave"]
    return [
        lambda x, y: soft(wave(x + 0.15 * wave(y))),
        lambda x, y: soft(abs(wave(x) + wave(y) - 0.6) - 0.4),
        lambda x, y: soft(0.8 - np.maximum(abs(wave(y / 2 + 0.25)), abs(wave(x / 2 + np.floor(y) / 4)))),
    ]


def batch(count: int, numbers: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return pictures of these patterns, normalized as ImageNet's, and which one each is of."""
    labels = np.arange(count) % 3
    pictures = np.stack([np.asarray(DRAWN["draw"](others()[label], numbers)) for label in labels])
    small = F.avg_pool2d(torch.tensor(pictures).permute(0, 3, 1, 2) / 255, 64 // SIZE)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (small - mean) / std, torch.tensor(labels)


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    """Torchvision's own ResNet-18, which has learned to tell other fabrics apart, if not for long."""
    torch.manual_seed(0)
    numbers, steps, lr = np.random.default_rng(100), 10, 0.002
    model: nn.Module = resnet18(weights=None)
    optimizer = torch.optim.Adam(model.parameters(), lr, fused=True)
    for step in range(steps):
        pictures, labels = batch(12, numbers)
        optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
        loss = F.cross_entropy(model(pictures), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # so few steps leave the running statistics behind
            module.momentum = None
            module.reset_running_stats()
    with torch.no_grad():
        model(batch(96, numbers)[0])
    model.eval()
    return model


@pytest.fixture(scope="module")
def cached(theirs: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of these weights in an otherwise empty cache of torch's, its hash in its name."""
    folder = tmp_path_factory.mktemp("torch") / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(theirs.state_dict(), folder / "resnet18.pth")
    digest = hashlib.sha256((folder / "resnet18.pth").read_bytes()).hexdigest()
    return (folder / "resnet18.pth").rename(folder / f"resnet18-{digest[:8]}.pth")


@pytest.fixture
def example(cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example's spec beside a few pictures that its script draws, parted for training and test."""
    monkeypatch.setenv("TORCH_HOME", str(cached.parents[2]))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    url = f"https://download.pytorch.org/models/{cached.name}"
    monkeypatch.setattr(ResNet18_Weights.IMAGENET1K_V1.value, "url", url)
    for part, pictures, seed in (("train", 32, 2), ("test", 20, 3)):
        DRAWN["draw_folder"](tmp_path / "fabrics" / part, DRAWN["PATTERNS"], pictures, seed)
    text = (EXAMPLE / "fabrics.yaml").read_text("utf-8")
    assert "[3, 64, 64]" in text
    (tmp_path / "fabrics.yaml").write_text(text.replace("[3, 64, 64]", f"[3, {SIZE}, {SIZE}]"), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "fabrics.yaml"


def state(folder: str) -> State:
    model = cnnspec.load(Path(folder) / "spec.yaml").plan().build()
    checkpoint.read_weights(Path(folder) / "last.safetensors", model)
    return dict(model.state_dict())


def test_fine_tuning(example: Path, theirs: nn.Module, capsys: pytest.CaptureFixture[str]) -> None:
    """The example trains: frozen blocks stay to the bit, others change slowly, and it does better than from random weights."""
    train = ["train", str(example), "--threads", "1", "--epochs", "1", "--seed", "2"]
    assert run([*train, "--out", "tuned"]) == 0
    out = capsys.readouterr().out
    assert "Begins with torchvision:resnet18:IMAGENET1K_V1: 120 of 122 tensors, matched by order\n" in out
    assert "  head has 3 outputs instead of 1,000: its weights are new\n" in out
    assert "Frozen: stem, stage.0, stage.1; 683,072 of 11,178,051 parameters stay as they are\n" in out

    before, after = example_model(theirs), state("tuned")
    assert all(torch.equal(after[key], before[key]) for key in before if key.startswith(FROZEN))
    moved = {key: float((after[key] - before[key]).abs().mean()) for key in before if "weight" in key}
    assert all(moved[key] > 0 for key in moved if not key.startswith(FROZEN))
    slow = [moved[key] for key in moved if key.startswith("stage.3") and "conv" in key]
    assert max(slow) < 0.3 * moved["head.weight"]

    assert run([*train, "--out", "random", "--train", "weights=null"]) == 0
    tuned, random = (cnnspec.load_run(folder).history[-1]["test_accuracy"] for folder in ("tuned", "random"))
    assert tuned > random + 0.1


def example_model(theirs: nn.Module) -> State:
    """Return what the example's network begins with: torchvision's weights, and a last layer as its seed makes it."""
    torch.manual_seed(2)
    model = cnnspec.load("fabrics.yaml").plan().build()
    cnnspec.load_weights(model, theirs.state_dict(), adapt=True)
    return dict(model.state_dict())


def test_same_network(theirs: nn.Module) -> None:
    """The network of the example is torchvision's, up to its last layer."""
    text = (EXAMPLE / "fabrics.yaml").read_text("utf-8").replace("fc: 3 ", "fc: 1000 ")
    ours = cnnspec.loads(text).plan().build()
    cnnspec.load_weights(ours, theirs.state_dict(), adapt=True)
    pictures, _ = batch(4, np.random.default_rng(0))
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(pictures), theirs(pictures), rtol=1e-4, atol=1e-4)


def test_pictures(tmp_path: Path) -> None:
    """The script draws a folder for each pattern, the same pictures each time."""
    DRAWN["draw_folder"](tmp_path / "one", DRAWN["PATTERNS"], 2)
    DRAWN["draw_folder"](tmp_path / "two", DRAWN["PATTERNS"], 2)
    names = sorted(str(path.relative_to(tmp_path / "one")) for path in (tmp_path / "one").rglob("*.png"))
    assert names == [f"{name}/00{n}.png" for name in ("checked", "dotted", "striped") for n in (0, 1)]
    assert all((tmp_path / "one" / n).read_bytes() == (tmp_path / "two" / n).read_bytes() for n in names)
