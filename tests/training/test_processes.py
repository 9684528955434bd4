"""Several processes compute what one does: sums, flags, errors, batch norms and gradients."""

import copy
import socket
from typing import Any

import crew
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor, nn

from cnnspec.errors import CnnspecError, DataError, Problem, SpecError
from cnnspec.training.processes import Processes
from cnnspec.training.synchronized import Place, SynchronizedBatchNorm, synchronize

CPU = torch.device("cpu")

ENVIRONMENT = {
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "localhost",
    "MASTER_PORT": "29500",
}
"""That of the last process on the second of two machines."""


def test_environment() -> None:
    """The variables of torchrun say which process this is; without them, or with one process, there is one."""
    assert Processes.from_environment({}) == Processes()
    assert Processes.from_environment(ENVIRONMENT | {"WORLD_SIZE": "1", "RANK": "0"}) == Processes()
    last = Processes.from_environment(ENVIRONMENT)
    assert (last.rank, last.size, last.local_rank, last.local_size) == (3, 4, 1, 2)
    assert not last.is_first
    assert not last.is_first_here


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"RANK": None}, "$RANK is not set"),
        ({"MASTER_PORT": None}, "$MASTER_PORT is not set"),
        ({"RANK": "4"}, "numbered wrongly"),
        ({"LOCAL_RANK": "2"}, "numbered wrongly"),
        ({"LOCAL_WORLD_SIZE": "5"}, "numbered wrongly"),
        ({"WORLD_SIZE": "two"}, "$WORLD_SIZE is 'two', not a number"),
        ({"RANK": "-1"}, "$RANK is '-1', not a number"),
    ],
)
def test_wrong_environment(change: dict[str, str | None], words: str) -> None:
    """An environment that is none of torchrun's is told, with how to start."""
    environment = {key: value for key, value in (ENVIRONMENT | change).items() if value is not None}
    with pytest.raises(SpecError) as caught:
        Processes.from_environment(environment)
    assert words in str(caught.value)
    assert "torchrun --nproc-per-node" in str(caught.value)


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process has the GPU of its number on its machine; what cannot be shared is refused."""
    last = Processes.from_environment(ENVIRONMENT)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _device: None)
    assert last.device(torch.device("cuda")) == torch.device("cuda", 1)
    assert last.device(CPU) == CPU
    assert Processes().device(torch.device("cuda", 7)) == torch.device("cuda", 7)
    for device in ("cuda:0", "mps"):
        with pytest.raises(SpecError, match="cannot share"):
            last.device(torch.device(device))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(SpecError, match="2 processes on this machine for 1 GPU"):
        last.device(torch.device("cuda"))


@pytest.mark.parametrize(
    ("start", "end", "size"), [(0, 64, 2), (7, 12, 2), (3, 6, 3), (10, 33, 4), (0, 9, 1)]
)
def test_parts(start: int, end: int, size: int) -> None:
    """The parts make up the batch, in order; their sizes differ by at most one, and none is empty."""
    parts = [Processes(rank, size).part(start, end) for rank in range(size)]
    assert [parts[0][0], *(last for _, last in parts)] == [*(first for first, _ in parts), end]
    sizes = {last - first for first, last in parts}
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 1
    assert parts[0][0] == start


@pytest.mark.parametrize(("start", "end", "pieces"), [(0, 11, 1), (0, 11, 3), (5, 17, 4)])
def test_pieces(start: int, end: int, pieces: int) -> None:
    """A batch's pieces have the same samples for any number of processes, which know where theirs are."""
    for number in range(pieces):
        whole: list[int] = []
        for rank in range(3):
            processes = Processes(rank, 3, _place=Place())
            first, last = processes.part(start, end)
            own = list(range(start, end))[first - start : last - start]
            own = own[processes.piece((first - start, end - start), number, pieces)]
            assert own
            assert processes._place.first == len(whole)
            whole += own
            assert processes._place.total == len(range(start + number, end, pieces))
        assert whole == list(range(start + number, end, pieces))


def test_one_process_is_left_alone() -> None:
    """With one process nothing is changed, sent, or waited for, and errors are the block's own."""
    alone, model, tensor = Processes(), nn.Sequential(nn.BatchNorm1d(2)), torch.ones(2)
    with alone.join(), alone.together(), alone.first_here(), alone.accumulating(model, last=False):
        assert alone.wrap(model) is model
        assert type(model[0]) is nn.BatchNorm1d
        assert alone.sum(tensor) is tensor
        assert alone.any(flag=True)
        assert not alone.any(flag=False)
        assert alone.broadcast({"a": 1}) == {"a": 1}
        assert alone.same("x")
        alone.wait()
    with pytest.raises(KeyError), alone.together():
        raise KeyError


def _talk() -> dict[str, Any]:
    processes = Processes.from_environment()
    with processes.join():
        mine = processes.rank + 1
        tensors = {"a": torch.full((2, 3), mine), "b": torch.tensor(mine / 2), "c": torch.tensor([mine > 1])}
        sent = processes.broadcast_tensors(tensors if processes.is_first else {})
        return {
            "sum": processes.sum(torch.tensor([mine, 10.0])).tolist(),
            "any": [processes.any(flag=flag) for flag in (mine == 2, False)],
            "value": processes.broadcast({"name": f"rank {processes.rank} ×", "steps": [1, None, 0.5]}),
            "same": [processes.same(text) for text in ("x", str(mine))],
            "tensors": {key: (str(x.dtype), x.tolist()) for key, x in sent.items()},
        }


def test_talk() -> None:
    """Sums and flags are over all processes; values and tensors are the first one's."""
    first, second = crew.run(_talk)
    assert first == second
    assert first["sum"] == [3, 20]
    assert first["any"] == [True, False]
    assert first["value"] == {"name": "rank 0 ×", "steps": [1, None, 0.5]}
    assert first["same"] == [True, False]
    assert first["tensors"] == {
        "a": ("torch.int64", [[1] * 3] * 2),
        "b": ("torch.float32", 0.5),
        "c": ("torch.bool", [False]),
    }


FAILURES: dict[str, tuple[list[int], bool, list[list[str]]]] = {
    "in the first": ([0], False, [["ran", "DataError", "rank 0"], ["ran", "OtherProcessError"]]),
    "in the second": ([1], False, [["ran", "OtherProcessError"], ["ran", "DataError", "rank 1"]]),
    "in both": ([0, 1], False, [["ran", "DataError", "rank 0"], ["ran", "OtherProcessError"]]),
    "nowhere, one after the other": ([], True, [["ran"], ["ran"]]),
    "in both, one after the other": ([0, 1], True, [["ran", "DataError", "rank 0"], ["OtherProcessError"]]),
    "in the second, one after the other": (
        [1],
        True,
        [["ran", "OtherProcessError"], ["ran", "DataError", "rank 1"]],
    ),
}
"""Which processes fail, whether the first goes before the others, and what each process sees."""


def _fail() -> dict[str, list[str]]:
    processes = Processes.from_environment()
    seen: dict[str, list[str]] = {}
    with processes.join():
        for name, (failing, in_turn, _) in FAILURES.items():
            told = seen[name] = []
            try:
                with processes.first_here() if in_turn else processes.together():
                    told.append("ran")
                    if processes.rank in failing:
                        raise DataError(Problem(f"rank {processes.rank}"))
            except CnnspecError as error:
                told += [type(error).__name__, *(p.what for p in error.problems)]
    return seen


def test_errors_end_all() -> None:
    """What fails in one process ends the others as well, and only one tells it."""
    first, second = crew.run(_fail)
    assert {name: [first[name], second[name]] for name in FAILURES} == {
        name: told for name, (_, _, told) in FAILURES.items()
    }


def _lose() -> str:
    processes = Processes.from_environment()
    try:
        with processes.join():
            processes.wait()
            if processes.rank == 1:
                return ""
            for _ in range(2):
                processes.sum(torch.ones(2))
    except SpecError as error:
        return str(error)
    return "did not notice"


def test_lost_process() -> None:
    """Where another process is gone, this one says so instead of waiting for it or crashing."""
    assert "lost each other" in crew.run(_lose)[0]


def test_no_meeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that do not find each other say where they looked."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        for name, value in (ENVIRONMENT | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SpecError) as caught, Processes(0, 2, 0, 2).join():
            pass
    assert f"cannot find each other; they meet at 127.0.0.1:{port}: " in str(caught.value)
    assert "See that the port is free" in str(caught.value)


NORMS: dict[str, tuple[nn.Module, tuple[int, ...], dict[str, Any]]] = {
    "1d": (nn.BatchNorm1d(3), (7, 3), {}),
    "1d with length": (nn.BatchNorm1d(3, eps=1e-2), (5, 3, 4), {}),
    "2d": (nn.BatchNorm2d(3), (7, 3, 4, 5), {}),
    "3d": (nn.BatchNorm3d(3, momentum=0.3), (3, 3, 2, 4, 5), {}),
    "two samples": (nn.BatchNorm1d(3), (2, 3), {}),
    "learns nothing": (nn.BatchNorm2d(3, affine=False), (5, 3, 4, 5), {}),
    "mean of all batches": (nn.BatchNorm2d(3, momentum=None), (5, 3, 4, 5), {}),
    "large mean": (nn.BatchNorm2d(3), (5, 3, 4, 5), {"mean": 300.0, "rtol": 1e-3, "atol": 1e-3}),
    "float64": (nn.BatchNorm2d(3).double(), (5, 3, 4, 5), {"dtype": torch.float64, "rtol": 1e-12}),
    "bf16": (nn.BatchNorm2d(3), (5, 3, 4, 5), {"dtype": torch.bfloat16, "rtol": 2e-2, "atol": 2e-2}),
    "channels last": (nn.BatchNorm2d(3), (5, 3, 4, 5), {"format": torch.channels_last}),
}
"""Batch norms, the shape of a batch that parts unevenly, and what is special."""


def _gradient(tensor: Tensor) -> Tensor:
    assert tensor.grad is not None
    return tensor.grad


def _normalize(name: str, processes: Processes) -> None:
    """Hold a synchronized batch norm to torch's own, which sees the whole batch."""
    made, shape, special = NORMS[name]
    rtol, atol = special.get("rtol", 1e-5), special.get("atol", 1e-6)
    torch.manual_seed(5)
    plain = nn.Sequential(copy.deepcopy(made))
    for tensor in plain.parameters():
        nn.init.uniform_(tensor, 0.5, 2)
    ours = synchronize(copy.deepcopy(plain), Place())
    assert [type(module) for module in ours.children()] == [SynchronizedBatchNorm]
    part = slice(*processes.part(0, shape[0]))
    for _ in range(2):
        x = (torch.randn(shape) * 3 + special.get("mean", 1)).to(special.get("dtype", torch.float32))
        x = x.to(memory_format=special.get("format", torch.contiguous_format))
        g = torch.randn(shape).to(x.dtype)
        whole, mine = x.clone().requires_grad_(), x[part].clone().requires_grad_()
        y, y_mine = plain(whole), ours(mine)
        y.backward(g)
        y_mine.backward(g[part])
        pairs = {"y": (y_mine, y[part]), "gradient": (_gradient(mine), _gradient(whole)[part])}
        for (key, own), (_, wanted) in zip(ours.named_parameters(), plain.named_parameters(), strict=True):
            pairs[key] = (processes.sum(_gradient(own)), _gradient(wanted))
        for key, state in plain.state_dict().items():
            pairs[key] = (ours.state_dict()[key], state)
        got, expected = ({key: pair[i] for key, pair in pairs.items()} for i in (0, 1))
        torch.testing.assert_close(got, expected, rtol=rtol, atol=atol, msg=f"{name}: {{}}".format)
        assert y_mine.is_contiguous(memory_format=special.get("format", torch.contiguous_format))
    torch.testing.assert_close(ours.eval()(x), plain.eval()(x), rtol=rtol, atol=atol)


def _normalize_all() -> None:
    processes = Processes.from_environment()
    with processes.join():
        for name, (_, shape, _) in NORMS.items():
            if shape[0] >= processes.size:
                _normalize(name, processes)


@pytest.mark.parametrize("size", [2, 3])
def test_batch_norm(size: int) -> None:
    """Values, gradients and running statistics are those of torch's batch norm of the whole batch."""
    crew.run(_normalize_all, size=size)


def _network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Sequential(nn.BatchNorm2d(4), nn.ReLU()), nn.Flatten(), nn.Linear(4 * 36, 3)
    )


def _learn(parts: int) -> tuple[list[str], list[Any], list[Any]]:
    """Take three steps, each in so many parts, and return names, gradients and state."""
    processes = Processes.from_environment()
    model = _network()
    with processes.join():
        net = processes.wrap(model)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(3):
            torch.manual_seed(step)
            x, target = torch.randn(11, 1, 8, 8), torch.randint(3, (11,))
            optimizer.zero_grad()
            for number in range(parts):
                first, last = processes.part(11 * number // parts, 11 * (number + 1) // parts)
                with processes.accumulating(net, last=number == parts - 1):
                    loss = F.cross_entropy(net(x[first:last]), target[first:last], reduction="sum") / 11
                    (loss * processes.size).backward()
            optimizer.step()
    gradients = [w.grad.numpy() for w in model.parameters() if w.grad is not None]
    return list(model.state_dict()), gradients, [x.numpy() for x in model.state_dict().values()]


@pytest.mark.parametrize("parts", [1, 2])
def test_learns_as_one_process(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of whole batches, or of parts one after the other, are those of one process; all have the same weights."""
    (names, gradients, state), (_, gradients_2, state_2) = crew.run(_learn, parts)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    alone_names, alone_gradients, alone_state = _learn(parts)
    assert names == alone_names
    for mine, others, alone in zip(
        gradients + state, gradients_2 + state_2, alone_gradients + alone_state, strict=True
    ):
        assert np.array_equal(mine, others)
        np.testing.assert_allclose(mine, alone, rtol=1e-4, atol=1e-6)
