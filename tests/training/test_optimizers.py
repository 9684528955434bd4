"""The optimizers do what torch's do, and their weight decay leaves biases and norms alone."""

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.language.training import Optimizer
from cnnspec.model.layers import LayerScale
from cnnspec.training import optimizer as optimizers
from cnnspec.training.device import available

ALL = ("sgd", "adam", "adamw", "rmsprop", "muon")
SKIPPING = ("sgd", "adam", "adamw")
SPECS = Path(__file__).parents[2] / "specs"


def chosen(name: str, **options: Any) -> Optimizer:
    return Optimizer.model_validate({name: options})


def network(device: str = "cpu") -> nn.Module:
    torch.manual_seed(0)
    # No bias before batch norm: its gradient is rounding alone, which Adam makes steps of.
    layers = (
        nn.Conv2d(2, 3, 3, bias=False),
        nn.BatchNorm2d(3),
        LayerScale((3, 1, 1), 0.5),
        nn.ReLU(),
        nn.Flatten(),
    )
    return nn.Sequential(*layers, nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 4)).to(device)


def learn(model: nn.Module, used: list[torch.optim.Optimizer], steps: range) -> None:
    device = next(model.parameters()).device
    for step in steps:
        inputs = torch.randn(6, 2, 4, 4, generator=torch.Generator().manual_seed(step))
        for optimizer in used:
            optimizer.zero_grad()
        model(inputs.to(device)).square().sum().backward()
        for optimizer in used:
            optimizer.step()


def same(model: nn.Module, other: nn.Module) -> bool:
    pairs = zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(ours, theirs) for ours, theirs in pairs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (chosen("sgd", lr=0.01), lambda p: torch.optim.SGD(p, 0.01)),
        (
            chosen("sgd", lr=0.02, momentum=0.9, nesterov=True, weight_decay=0.1),
            lambda p: torch.optim.SGD(p, 0.02, momentum=0.9, nesterov=True),
        ),
        (
            chosen("adam", lr=0.01, beta1=0.8, beta2=0.99, eps=1e-6, weight_decay=0.1),
            lambda p: torch.optim.Adam(p, 0.01, (0.8, 0.99), 1e-6),
        ),
        (
            chosen("adamw", lr=0.01, beta1=0.8, beta2=0.99, eps=1e-6, weight_decay=0.1),
            lambda p: torch.optim.AdamW(p, 0.01, (0.8, 0.99), 1e-6),
        ),
        (
            chosen("rmsprop", lr=0.01, alpha=0.9, eps=1e-6, momentum=0.5, weight_decay=0.1),
            lambda p: torch.optim.RMSprop(p, 0.01, 0.9, 1e-6, momentum=0.5),
        ),
    ],
    ids=["sgd", "nesterov", "adam", "adamw", "rmsprop"],
)
def test_steps_are_those_of_torch(
    ours: Optimizer, theirs: Callable[[list[dict[str, Any]]], torch.optim.Optimizer]
) -> None:
    """Twenty steps with all options lead where torch's plain optimizer leads to with the same groups."""
    model, other = network(), network()
    decay = ours.options.weight_decay
    weights = [p for name, p in other.named_parameters() if name in ("0.weight", "5.weight", "7.weight")]
    rest = [p for name, p in other.named_parameters() if name not in ("0.weight", "5.weight", "7.weight")]
    groups = [{"params": weights, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]
    learn(model, [optimizers.make(ours, model)], range(20))
    learn(other, [theirs(groups)], range(20))
    for one, another in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one, another, rtol=1e-4, atol=1e-5)


def test_muon_steps_are_those_of_torch() -> None:
    """Weights of fc layers step with torch's Muon, as long as AdamW's steps; all others with AdamW."""
    model, other = network(), network()
    options = chosen("muon", lr=0.01, momentum=0.8, weight_decay=0.2)
    learn(model, [optimizers.make(options, model)], range(10))
    parameters = dict(other.named_parameters())
    matrices = [parameters.pop("5.weight"), parameters.pop("7.weight")]
    kernel, rest = [parameters.pop("0.weight")], [*parameters.values()]
    groups = [{"params": kernel, "weight_decay": 0.2}, {"params": rest, "weight_decay": 0.0}]
    muon = torch.optim.Muon(matrices, 0.01, 0.2, 0.8, adjust_lr_fn="match_rms_adamw")
    learn(other, [muon, torch.optim.AdamW(groups, 0.01, fused=True)], range(10))
    assert same(model, other)


def test_muon_of_a_network_without_fc() -> None:
    """A network that is all convolution learns with AdamW alone."""
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten())
    before = copy.deepcopy(model)
    learn(model, [optimizers.make(chosen("muon"), model)], range(2))
    assert not same(model, before)


def test_muon_needs_a_torch_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a torch before 2.9, muon is refused with a way out."""
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(SpecError, match=r"has no optimizer muon; it came with torch 2.9. Update torch"):
        optimizers.make(chosen("muon"), network())


STEPS = """
import sys, torch, cnnspec
from cnnspec.language.training import Optimizer
from cnnspec.training import optimizer as optimizers
model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(8, 2))
for name in sys.argv[1:]:
    optimizer = optimizers.make(Optimizer.model_validate({name: {}}), model)
    optimizer.zero_grad()
    model(torch.randn(3, 1, 4, 4)).sum().backward()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
print("torch._dynamo" in sys.modules)
"""


def test_compiler_is_not_imported() -> None:
    """Steps, and a state that is taken and put back, do not take the seconds that torch's compiler takes."""
    done = subprocess.run([sys.executable, "-c", STEPS, *ALL], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("name", ALL)
def test_only_weights_decay(name: str) -> None:
    """Without a gradient, the decay alone changes the weights, and no bias, norm or scale."""
    model = network()
    before = copy.deepcopy(model.state_dict())
    optimizer = optimizers.make(chosen(name, lr=0.1, weight_decay=0.5), model)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    changed = [key for key, value in model.named_parameters() if not torch.equal(value, before[key])]
    assert changed == ["0.weight", "5.weight", "7.weight"]


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_is_in_one_group(name: str) -> None:
    """The groups hold each parameter once, and all have the learning rate that a loop sets."""
    model = network()
    optimizer = optimizers.make(chosen(name, lr=0.25), model)
    held = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters())
    assert {group["lr"] for group in optimizer.param_groups} == {0.25}


@pytest.mark.parametrize("name", ALL)
def test_groups_of_other_learning_rates(name: str) -> None:
    """A group for each factor holds the parameters with it, apart in weights that decay and others; none is frozen."""
    model = network()
    model.get_submodule("5").requires_grad_(False)
    factors = {"0.weight": 0.5, "7.bias": 0.5, "2.scale": 3.0}
    names = {id(p): key for key, p in model.named_parameters()}
    optimizer = optimizers.make(
        chosen(name, lr=0.25, weight_decay=0.5), model, lambda key: factors.get(key, 1)
    )
    held = {names[id(p)]: group for group in optimizer.param_groups for p in group["params"]}
    assert held.keys() == {"0.weight", "1.weight", "1.bias", "2.scale", "7.weight", "7.bias"}
    assert {key: group["lr_scale"] for key, group in held.items()} == dict.fromkeys(held, 1) | factors
    assert {key for key, group in held.items() if group["weight_decay"]} == {"0.weight", "7.weight"}
    optimizer.load_state_dict(optimizer.state_dict())
    for group in optimizer.param_groups:
        group["lr"] = 0.0 if group["lr_scale"] == 1 else 0.1
    before = {key: p.detach().clone() for key, p in model.named_parameters()}
    learn(model, [optimizer], range(2))
    assert {key for key, p in model.named_parameters() if not torch.equal(p, before[key])} == factors.keys()


@pytest.mark.parametrize("name", ALL)
def test_learning_rate_can_be_set(name: str) -> None:
    """A learning rate of 0 in the groups stops all steps, after a state is loaded as well."""
    model = network()
    optimizer = optimizers.make(chosen(name), model)
    optimizer.load_state_dict(optimizer.state_dict())
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    before = [p.clone() for p in model.parameters()]
    learn(model, [optimizer], range(2))
    assert all(torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize("device", available())
@pytest.mark.parametrize(
    "options", [*map(chosen, ALL), chosen("sgd", momentum=0.9), chosen("rmsprop", momentum=0.9)], ids=str
)
def test_going_on_from_a_state_is_exact(options: Optimizer, device: str) -> None:
    """Three steps, a state_dict loaded into a new optimizer, and three more are six steps, to the bit."""
    whole, halves = network(device), network(device)
    learn(whole, [optimizers.make(options, whole)], range(6))
    first = optimizers.make(options, halves)
    learn(halves, [first], range(3))
    second = optimizers.make(options, halves)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    learn(halves, [second], range(3, 6))
    assert same(whole, halves)


@pytest.mark.parametrize("device", available())
@pytest.mark.parametrize("name", ALL)
def test_steps_are_skipped_as_told(name: str, device: str) -> None:
    """Where a step can be skipped, `found_inf` does it, and leaves weights and moments as they were."""
    model = network(device)
    optimizer = optimizers.make(chosen(name), model)
    assert optimizers.can_skip(optimizer) == (name in SKIPPING)
    if name not in SKIPPING:
        return
    learn(model, [optimizer], range(1))
    before = copy.deepcopy((model.state_dict(), optimizer.state_dict()["state"]))
    optimizer.found_inf = torch.ones((), device=device)  # type: ignore[attr-defined]
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, torch.nan)
    optimizer.step()
    torch.testing.assert_close((model.state_dict(), optimizer.state_dict()["state"]), before, rtol=0, atol=0)


def test_muon_steps_with_a_closure() -> None:
    """As any optimizer of torch, it computes the loss itself where it is given a closure."""
    model = network()
    optimizer = optimizers.make(chosen("muon"), model)
    before = copy.deepcopy(model)

    def closure() -> float:
        loss: Tensor = model(torch.ones(2, 2, 4, 4)).square().sum()
        loss.backward()
        return float(loss.detach())

    assert optimizer.step(closure) > 0
    assert not same(model, before)


def test_lenet5_has_a_kernel_for_all_weights() -> None:
    """The recipe of LeNet-5 gets torch's fused Adam, which the speed of training rests on."""
    model = cnnspec.load(SPECS / "lenet5.yaml").plan().build()
    optimizer = optimizers.make(chosen("adam"), model)
    assert isinstance(optimizer, torch.optim.Adam)
    assert all(group["fused"] for group in optimizer.param_groups)
