"""A loss that is not finite: found without waiting for a GPU, and no step is taken from it on."""

import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.language.training import Optimizer
from cnnspec.training import Reporter, Stopped, session
from cnnspec.training import optimizer as optimizers
from cnnspec.training.guard import LOOK, Guard

CPU = torch.device("cpu")


class GuardOfGPU(Guard):
    """Guards as on a GPU, on the CPU."""

    def __init__(
        self, optimizer: torch.optim.Optimizer, device: torch.device = CPU, *, can_skip: bool = True
    ) -> None:
        super().__init__(optimizer, device, can_skip=can_skip)
        self.direct, self.every = False, LOOK


def made(name: str) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    return model, optimizers.make(Optimizer.model_validate({name: {}}), model)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, guard: Guard, number: int, loss: Tensor) -> bool:
    """Take a step as the loop does."""
    loss.backward()
    finite = guard.check(loss.detach(), number)
    if finite:
        optimizer.step()
    optimizer.zero_grad()
    return finite


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_as_on_a_gpu(name: str) -> None:
    """The step with the bad loss and all after it change nothing, though the host does not know of it yet."""
    model, optimizer = made(name)
    assert optimizers.can_skip(optimizer)
    guard = GuardOfGPU(optimizer)
    inputs = torch.ones(2, 3)
    step(model, optimizer, guard, 0, model(inputs).sum())
    assert guard.look() is None
    good = [p.detach().clone() for p in model.parameters()]
    for number, factor in ((1, float("inf")), (2, 1.0), (3, float("nan"))):
        assert step(model, optimizer, guard, number, model(inputs).sum() * factor)
    assert all(torch.equal(p, before) for p, before in zip(model.parameters(), good, strict=True))
    assert guard.look() == 1


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop"])
def test_on_the_cpu(name: str) -> None:
    """On the CPU the host knows at once, whichever optimizer there is, and takes no step."""
    model, optimizer = made(name)
    guard = Guard(optimizer, CPU, can_skip=optimizers.can_skip(optimizer))
    assert guard.every == 1
    assert not step(model, optimizer, guard, 7, model(torch.ones(2, 3)).sum() * float("nan"))
    assert guard.look() == 7
    assert all(bool(p.isfinite().all()) for p in model.parameters())


def test_good_steps_are_taken() -> None:
    """A guard that finds nothing changes nothing: the weights are those of a plain step."""
    plain, optimizer = made("adam")
    plain(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    model, optimizer = made("adam")
    step(model, optimizer, GuardOfGPU(optimizer), 0, model(torch.ones(2, 3)).sum())
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), plain.parameters(), strict=True))


NET = """
input: [1, 28, 28]
layers: [flatten, {fc: 16}, relu, {fc: 10}]
train: {epochs: 2, batch_size: 2}
"""


@pytest.fixture
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the trainer guard as on a GPU."""
    monkeypatch.setattr(session, "Guard", GuardOfGPU)


def test_training_as_on_a_gpu(as_on_a_gpu: None, tiny_root: Path, tmp_path: Path) -> None:
    """The trainer names the step that was bad, though it looks later, and saves nothing of it."""
    with pytest.raises(SpecError, match="the training loss is not finite in step 2 of epoch 1"):
        cnnspec.train(cnnspec.loads(NET), out=tmp_path / "run", lr=1e30, threads=1, device="cpu")
    assert not (tmp_path / "run").exists()


class Ask(Reporter):
    """Asks the training to stop at its third step."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, epoch: int, done: int, loss_sum: Tensor) -> None:  # noqa: ARG002  # the base class's
        self.steps += 1
        if self.steps == 3:
            signal.raise_signal(signal.SIGTERM)


def test_stops_at_once_as_on_a_gpu(as_on_a_gpu: None, tiny_root: Path, tmp_path: Path) -> None:
    """A request to stop does not wait until the device is looked at anyway."""
    with pytest.raises(Stopped) as caught:
        cnnspec.train(cnnspec.loads(NET), out=tmp_path / "run", threads=1, device="cpu", reporter=Ask())
    assert (caught.value.epoch, caught.value.step) == (0, 3)
