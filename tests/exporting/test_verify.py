"""A file is written only if it computes what the network does; otherwise nothing is."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import cnnspec
from cnnspec.errors import CnnspecError
from cnnspec.exporting import onnx, pt2
from cnnspec.exporting.network import Network
from cnnspec.exporting.program import Program
from cnnspec.exporting.verify import compare, verify

SPEC = """
name: small
input: [3, 8, 8]
layers:
  - conv: {filters: 4, kernel: 3}
    name: stem
  - relu
  - flatten
  - fc: 5
"""
WRITERS = {"onnx": onnx.write, "pt2": pt2.write}


class Draws(nn.Module):
    """Gives other values whenever it is called."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


class Decomposes(nn.Module):
    """Computes what ONNX has no operator for."""

    def forward(self, x: Tensor) -> Tensor:
        factor: Tensor = torch.linalg.qr(x)[0]
        return factor


class Looks(nn.Module):
    """Does what depends on values."""

    def forward(self, x: Tensor) -> Tensor:
        return -x if x.sum() > 0 else x


class Counts(nn.Module):
    """Takes the number of samples as Python has it, for one that is always the same."""

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), *x.shape[1:])


class Warns(nn.Module):
    """Chatters whenever it is called."""

    def forward(self, x: Tensor) -> Tensor:
        warnings.warn("chatter", stacklevel=1)
        logging.getLogger("torch.onnx").warning("chatter")
        return x


def network(stands_in: nn.Module | None = None) -> Network:
    """The network, in which a module may stand in for the ReLU."""
    made = Network.of(cnnspec.loads(SPEC, file="small.yaml"))
    if stands_in is not None:
        made.model.relu1 = stands_in
    return made


def program(*, preprocess: bool = False) -> Program:
    return Program.of(network(), preprocess=preprocess)


WRONG: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "a little": lambda _x, y: y * 1.001,
    "one value": lambda _x, y: y.index_fill(1, torch.tensor(0), 0.0),
    "classes in another order": lambda _x, y: y.flip(1),
    "samples in another order": lambda _x, y: y.flip(0),
    "batches of one only": lambda x, y: y if len(x) == 1 else y.mean(0, keepdim=True).expand_as(y),
    "no numbers": lambda _x, y: y * torch.nan,
    "infinity": lambda _x, y: y + torch.inf,
    "another shape": lambda _x, y: y[:, :1],
    "more samples": lambda _x, y: torch.cat([y, y]),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_wrong(wrong: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Whatever else a file computes is an error that says by how much."""
    one = program()
    with pytest.raises(CnnspecError, match="the file does not compute what small does; outputs differ by "):
        verify(lambda x: wrong(x, one.module(x)), one, "small", Path("small.onnx"))


def test_rounding() -> None:
    """What other orders of summing up change is no difference, and is told."""
    one = program()
    found = compare(lambda x: one.module(x) * (1 + 1e-6), one)
    assert found.holds
    assert found.difference == pytest.approx(1e-6 * found.largest, rel=0.2)
    assert found.inputs == 1 + 2 + 5 + 5


def test_no_numbers() -> None:
    """Where a network gives no numbers, its file must not, either."""
    one = program()
    plain = one.module
    one = Program(nn.Sequential(plain, Root()), one.input, one.example, one.axes)
    assert compare(one.module, one).holds
    assert not compare(lambda x: one.module(x).nan_to_num(), one).holds


class Root(nn.Module):
    """Has no numbers for what is below 0."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sqrt()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x.flip(-1),
        lambda x: x[..., 1:, :] if x.shape[-2] > 8 else x,
        lambda x: x[..., :-1] if x.shape[-1] > 8 else x,
        lambda x: nn.functional.interpolate(x.float(), (8, 8)).round().to(torch.uint8),
    ],
    ids=["mirrored", "a row less", "a column less", "resized otherwise"],
)
def test_wrong_preparation(wrong: Callable[[Tensor], Tensor]) -> None:
    """A file that prepares pictures of other sizes otherwise is noticed."""
    one = program(preprocess=True)
    assert compare(one.module, one).holds
    assert not compare(lambda x: one.module(wrong(x)), one).holds


def leaves(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_nothing_is_left(write: Callable[..., object], tmp_path: Path) -> None:
    """Of a network that gives other values each time there is no file, and the one of before stays."""
    (tmp_path / "network").write_bytes(b"before")
    drawing = network(Draws())
    with pytest.raises(CnnspecError, match="the file does not compute what small does"):
        write(drawing, Program.of(drawing, preprocess=False), tmp_path / "network")
    assert leaves(tmp_path) == {"network": b"before"}


def test_not_in_onnx(tmp_path: Path) -> None:
    """A layer that ONNX cannot express is named, with its place in the spec."""
    strange = network(Decomposes())
    with pytest.raises(CnnspecError) as caught:
        onnx.write(strange, Program.of(strange, preprocess=False), tmp_path / "network.onnx")
    (problem,) = caught.value.problems
    assert problem.message == (
        "relu1 cannot be expressed in ONNX; it has nothing for aten.linalg_qr. "
        "Write a .pt2 file instead, which has all operations of torch."
    )
    assert (problem.place and problem.place.line) == 7
    assert leaves(tmp_path) == {}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (Looks(), "without looking at their values"),
        (Counts(), r"takes the number of samples .* `x\.shape\[0\]`"),
    ],
    ids=["looks", "counts"],
)
def test_not_traceable(layer: nn.Module, told: str, write: Callable[..., object], tmp_path: Path) -> None:
    """A layer that looks at values, or is for batches of one size, cannot be followed by torch, and that is said."""
    untraceable = network(layer)
    with pytest.raises(CnnspecError, match=rf"torch\.export cannot follow the network; .*{told}"):
        write(untraceable, Program.of(untraceable, preprocess=False), tmp_path / "network")
    assert leaves(tmp_path) == {}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_quiet(
    write: Callable[..., object],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither torch nor a layer's warning is heard while a file is made; afterwards, both are again."""
    chattering = network(Warns())
    write(chattering, Program.of(chattering, preprocess=False), tmp_path / "network")
    assert capfd.readouterr() == ("", "")
    assert "chatter" not in caplog.text
    with pytest.warns(UserWarning, match="chatter"):
        Warns()(torch.zeros(1))
    assert "chatter" in caplog.text


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More weights than an ONNX file can have are refused before anything is traced."""
    monkeypatch.setattr(onnx, "LARGEST", 3000)
    with pytest.raises(CnnspecError, match=r"small has .* of weights; an ONNX file ends at 2 GiB"):
        onnx.write(network(), program(), tmp_path / "network.onnx")
    assert leaves(tmp_path) == {}
