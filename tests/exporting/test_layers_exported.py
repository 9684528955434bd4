"""Every layer of the vocabulary in the exported forms: all cases of all layers, side by side in one network."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from shaken import shake
from torch import Tensor, nn

import cnnspec
from cnnspec.exporting import onnx, pt2
from cnnspec.exporting.network import Network
from cnnspec.exporting.program import Program
from cnnspec.exporting.session import Session
from cnnspec.layers import LAYERS
from cnnspec.model import modules
from cnnspec.shape import volume

CASES = [(name, layer, case) for name, layer in LAYERS.items() for case in layer.cases]
VALUES = max(volume(case.input) for _, _, case in CASES)
TOLERANCE = 1e-5


class Cases(nn.Module):
    """A layer for each case, given as many of the values (N, VALUES) as it takes; all outputs in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            layer.of(case.fields).build(modules, case.input) for _, layer, case in CASES
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(self.outputs(x), 1)

    def outputs(self, x: Tensor) -> list[Tensor]:
        parts = (x[:, : volume(case.input)].reshape(-1, *case.input) for _, _, case in CASES)
        return [layer(part).flatten(1) for layer, part in zip(self.layers, parts, strict=True)]


@pytest.fixture(scope="module")
def cases() -> Cases:
    torch.manual_seed(0)
    model = Cases()
    shake(model, (VALUES,))
    return model.eval()


def load_pt2(path: Path) -> Callable[[Tensor], Tensor]:
    return torch.export.load(path).module()


def load_onnx(path: Path) -> Callable[[Tensor], Tensor]:
    return Session(path.read_bytes(), path)


# torch says so once, as it must make a padded copy.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(
    ("write", "load"), [(onnx.write, load_onnx), (pt2.write, load_pt2)], ids=["onnx", "pt2"]
)
def test_every_case(
    write: Callable[..., object],
    load: Callable[[Path], Callable[[Tensor], Tensor]],
    cases: Cases,
    tmp_path: Path,
) -> None:
    """Each case of each layer gives the same from the file, in batches of several sizes."""
    plan = cnnspec.loads("{input: [1, 1], layers: [flatten]}").plan()
    program = Program(cases, "input", torch.zeros(2, VALUES), {0: "batch"})
    write(Network(plan, cases, {}, "", None), program, tmp_path / "cases")
    run = load(tmp_path / "cases")
    for batch in (1, 3):
        x = torch.randn(batch, VALUES)
        with torch.no_grad():
            expected, found = cases.outputs(x), run(x)
        apart = {}
        for (name, _, case), ours, theirs in zip(
            CASES, expected, found.split([y.shape[1] for y in expected], 1), strict=True
        ):
            difference = float(torch.where(ours.isnan() & theirs.isnan(), 0.0, (ours - theirs).abs()).max())
            if not difference <= TOLERANCE * float(ours.abs().nan_to_num(0.0).max()):
                apart[f"{name} {case}"] = difference
        assert not apart
