"""No damage to a checkpoint goes unseen: every flipped bit, every missing byte is an error, and the one before is taken."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from cnnspec.errors import CheckpointError
from cnnspec.training import checkpoint
from cnnspec.training.checkpoint import State, weights_hash
from cnnspec.training.folder import RunFolder

FLIPS, CUTS = 1000, 200


def new_state(seed: int) -> State:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(8, 3)).sum().backward()
    optimizer.step()
    return State(model, optimizer)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A folder with two checkpoints."""
    made = RunFolder.create(tmp_path_factory.mktemp("runs") / "run", "net")
    for epoch in (1, 2):
        made.save(new_state(epoch), {"epoch": epoch, "step": 0, "history": [{"epoch": epoch}]})
    return made


def flipped(whole: bytes) -> Iterator[bytes]:
    """Yield the file with one bit changed: any of its bits, and those of its header as often."""
    draw = random.Random(0)  # noqa: S311  # the same bits in every run
    header = 8 + int.from_bytes(whole[:8], "little")
    for number in range(FLIPS):
        bit = draw.randrange(8 * (header if number % 2 else len(whole)))
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        yield bytes(data)


def cut(whole: bytes) -> Iterator[bytes]:
    """Yield the file's beginnings: of any length, and with few bytes missing."""
    draw = random.Random(0)  # noqa: S311
    for number in range(CUTS):
        yield whole[: draw.randrange(len(whole)) if number % 2 else len(whole) - 1 - number // 2]


@pytest.mark.parametrize("harm", [flipped, cut])
def test_damage_is_seen(harm: Callable[[bytes], Iterator[bytes]], folder: RunFolder) -> None:
    """1,000 flipped bits and 200 truncations are a CheckpointError each, and the one before is taken, loudly."""
    last = folder.path / "last.safetensors"
    whole, good = last.read_bytes(), weights_hash(new_state(1).model)
    state = new_state(0)
    try:
        for data in harm(whole):
            assert data != whole
            last.write_bytes(data)
            with pytest.raises(CheckpointError, match="cannot be read"):
                checkpoint.read_weights(last, state.model)
            with pytest.raises(CheckpointError, match="cannot be read"):
                checkpoint.restore(last, state)
            notices: list[str] = []
            found = RunFolder(folder.path).latest(state, notices.append)
            assert found == {"epoch": 1, "step": 0, "history": [{"epoch": 1}]}
            assert weights_hash(state.model) == good
            assert len(notices) == 1
    finally:
        last.write_bytes(whole)
    assert checkpoint.restore(last, state)["epoch"] == 2
    assert weights_hash(state.model) == weights_hash(new_state(2).model)


def test_two_changes_are_seen(folder: RunFolder) -> None:
    """A hash that is changed together with the format, or taken out, makes no checkpoint of another format."""
    whole = (folder.path / "last.safetensors").read_bytes()
    other = folder.path / "other.safetensors"
    for old, new in (
        (b"sha256", b"sha257"),
        (rb"\"format\": 2", rb"\"format\": 1"),
        (rb"format\"", rb"formal\""),
    ):
        assert whole.count(old) == 1
        other.write_bytes(whole.replace(old, new))
        with pytest.raises(CheckpointError, match="its content is not what was written"):
            checkpoint.read_weights(other, new_state(0).model)
    other.unlink()


def test_upper_case_hash(folder: RunFolder, tmp_path: Path) -> None:
    """The hash's own letters are held to the bit as well: upper case is a flipped bit."""
    whole = (folder.path / "last.safetensors").read_bytes()
    start = whole.index(b'"sha256":"') + len(b'"sha256":"')
    (tmp_path / "c.safetensors").write_bytes(
        whole[:start] + whole[start : start + 64].upper() + whole[start + 64 :]
    )
    with pytest.raises(CheckpointError, match="its content is not what was written"):
        checkpoint.read_weights(tmp_path / "c.safetensors", new_state(0).model)
