"""The layers of the vocabulary in the exported forms: cases of many layers, side by side in one network.

Tracing is slow, so most cases are left to `make test-zoo`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from shaken import shake
from torch import Tensor, nn

import cnnspec
from cnnspec.exporting import onnx, pt2
from cnnspec.exporting.network import Network
from cnnspec.exporting.program import Program
from cnnspec.exporting.session import Session
from cnnspec.layers import LAYERS, Case, Layer
from cnnspec.model import modules
from cnnspec.shape import volume

TOLERANCE = 1e-5
"""Share of a case's largest output."""

Run = Callable[[Tensor], Tensor]


class Some(NamedTuple):
    """A layer with one of its cases."""

    layer: type[Layer]
    case: Case

    def __str__(self) -> str:
        return f"{self.layer.type} {self.case}"


class SideBySide(nn.Module):
    """Layers given as many of the values (N, K) as each takes; their outputs stand in a row."""

    def __init__(self, cases: list[Some]) -> None:
        super().__init__()
        self.shapes = [case.input for _, case in cases]
        self.layers = nn.ModuleList(layer.of(case.fields).build(modules, case.input) for layer, case in cases)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(self.outputs(x), 1)

    def outputs(self, x: Tensor) -> list[Tensor]:
        parts = (x[:, : volume(shape)].reshape(-1, *shape) for shape in self.shapes)
        return [layer(part).flatten(1) for layer, part in zip(self.layers, parts, strict=True)]


def load_onnx(path: Path) -> Run:
    return Session(path.read_bytes(), path)


def load_pt2(path: Path) -> Run:
    return torch.export.load(path).module()


HARDEST = [Some(layer, max(layer.cases, key=lambda case: len(case.fields))) for layer in LAYERS.values()]
FAMILIES = {layer.family for layer in LAYERS.values()}
OF_FAMILY = {
    family: [Some(layer, case) for layer in LAYERS.values() if layer.family == family for case in layer.cases]
    for family in sorted(FAMILIES)
}


# torch says so once, as it must make a padded copy.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(
    ("write", "load"),
    [
        pytest.param(onnx.write, load_onnx, id="onnx"),
        pytest.param(pt2.write, load_pt2, id="pt2", marks=pytest.mark.zoo),
    ],
)
@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(HARDEST, id="each layer"),
        *(pytest.param(cases, id=family, marks=pytest.mark.zoo) for family, cases in OF_FAMILY.items()),
    ],
)
def test_layers(
    cases: list[Some], write: Callable[..., object], load: Callable[[Path], Run], tmp_path: Path
) -> None:
    """Each layer computes the same from a file as in torch, in batches of any size."""
    torch.manual_seed(0)
    values = max(volume(case.input) for _, case in cases)
    model = SideBySide(cases)
    shake(model, (values,))
    network = Network(cnnspec.loads("{input: [1, 1], layers: [flatten]}").plan(), model.eval(), {}, "", None)
    write(network, Program(model, "input", torch.zeros(2, values), {0: "batch"}), tmp_path / "layers")
    run = load(tmp_path / "layers")
    for batch in (1, 3):
        x = torch.randn(batch, values)
        with torch.no_grad():
            expected, found = model.outputs(x), run(x)
        parts = found.split([y.shape[1] for y in expected], 1)
        assert not [str(one) for one, *ys in zip(cases, expected, parts, strict=True) if not alike(*ys)]


def alike(ours: Tensor, theirs: Tensor) -> bool:
    """Tell whether outputs are the same, but for rounding; a square root of what is below 0 is no number."""
    apart = torch.where(ours.isnan() & theirs.isnan(), 0.0, (ours - theirs).abs())
    return bool(apart.max() <= TOLERANCE * ours.abs().nan_to_num(0.0).max())
