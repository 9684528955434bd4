"""What cannot be said in a spec is told, all of it, with its line; nothing is guessed."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from does import Does
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

import cnnspec

X = (4, 8, 8)


def problems(module: nn.Module, x: Any = X) -> list[str]:
    """Return what an import of the module tells."""
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.from_module(module, x)
    return [problem.message for problem in caught.value.problems]


def setting(_: Any, x: Tensor) -> Tensor:
    """Change some of the input's numbers, and go on with it."""
    x[0] = 1.0
    return x.relu()


FUNCTIONS: dict[str, tuple[Callable[[Any, Tensor], Any], str]] = {
    "unknown": (lambda _, x: torch.fft.fft(x).real, "`fft_fft = torch._C._fft.fft_fft(x)`"),
    "constant": (lambda _, x: x * 3, "a tensor is multiplied by the number 3"),
    "condition": (lambda _, x: x if x.sum() > 0 else -x, "a condition depends on the numbers"),
    "item": (lambda _, x: x * x.max().item(), "depends on the numbers in a tensor"),
    "reflection": (lambda _, x: F.pad(x, (1, 1, 1, 1), "reflect"), "no layer pads with reflect"),
    "crop": (lambda _, x: x[:, :, 1:-1, 1:-1], "a part of the maps is cut out"),
    "one column": (lambda _, x: x[:, :, 0], "one place of many is taken"),
    "batch": (lambda _, x: x[1:], "the batch is cut"),
    "softmax over width": (lambda _, x: F.softmax(x, dim=3), "Softmax"),
    "axes": (lambda m, x: m.conv(x.transpose(1, 2)), "axes are moved"),
    "sum over channels": (lambda _, x: x.mean(1, keepdim=True), "this goes over more than space"),
    "two outputs": (lambda _, x: (x.relu(), x.sigmoid()), "the module gives 2 outputs"),
    "no output": (lambda _, x: dict[str, Tensor]() if len(x.shape) else x, "the module gives no tensor"),
    "dropout for ever": (lambda _, x: F.dropout(x, 0.5), "dropout goes on while the network evaluates"),
    "computed weight": (lambda m, x: F.conv2d(x, m.conv.weight * 2), "conv.weight"),
    "twice": (lambda m, x: m.conv(m.conv(x)), "conv is used 2 times, with the same weights"),
    "stale": (lambda _, x: (x[:, :2].relu_(), x.sigmoid())[1], "`relu_` changes a tensor in its place"),
    "other sizes": (lambda m, x: m.conv(x[:, :2]), "conv (Conv2d) does not take 2×8×8"),
    "an error": (
        lambda _, x: x.no_such_thing(),  # type: ignore[attr-defined]  # that is meant
        "torch.fx cannot trace the module: AttributeError",
    ),
    "a difference": (lambda _, x: 1 - x.relu(), "a tensor is subtracted from the number 1"),
    "a quotient": (lambda m, x: x / m.conv.bias, "a tensor is divided by conv.bias"),
    "no tensor of the input's": (lambda _, x: x + torch.ones(1), "a tensor that is always the same is added"),
    "a place that is set": (setting, "the traced graph has `x[0] = 1.0`"),
    "half a clamp": (lambda _, x: x.clamp(max=1), "no layer clamps to min=None, max=1"),
    "maximum of two": (lambda _, x: torch.max(x, x.relu()), "no layer does what max does here"),
    "a flat tensor": (lambda m, x: m.conv(x.flatten(1).sigmoid().view(x.shape)), "256 values become maps"),
    "leaving": (lambda *_: sys.exit(0), "torch.fx cannot trace the module: SystemExit: 0"),
    "its input as output": (lambda _, x: x, "the module gives back its input"),
    "a weight as output": (lambda m, _: m.conv.weight, "the module gives conv.weight, whatever its input is"),
    "an output in a dict": (lambda _, x: {"out": x.relu()}, "`return {'out': relu}`"),
    "other samples": (lambda _, x: x.relu().view(2, *X), "raises RuntimeError"),
    "numbers of another kind": (lambda _, x: x.half(), "no layer does what half does"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_refused(name: str) -> None:
    """What is no layer is refused, and the line that wrote it is shown."""
    does, expected = FUNCTIONS[name]
    module = Does(does, conv=nn.Conv2d(4, 4, 3, padding=1))
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.from_module(module, X)
    assert expected in str(caught.value)
    place = caught.value.problems[0].place
    assert "output" in name or (place and place.file.endswith("test_import_refused.py") and place.line)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.ReflectionPad2d(1), "no layer does what ReflectionPad2d does with 4×8×8"),
        (nn.BatchNorm2d(4, momentum=None), "batchnorm does not take it: momentum is None"),
        (nn.AvgPool2d(2, divisor_override=3), "avgpool has no divisor_override=3"),
        (nn.Linear(8, 8), "this dense layer goes along an axis that is not the channels"),
        (nn.LayerNorm(8), "channel_layernorm goes over the channels of 4×8×8"),
        (nn.LazyConv2d(3, 3), "has no weights yet"),
    ],
    ids=str,
)
def test_modules_refused(module: nn.Module, expected: str) -> None:
    """A module of torch that no layer is like is refused, with what is different about it."""
    assert expected in " ".join(problems(nn.Sequential(module)))


def tied() -> nn.Module:
    """Return two layers with the same weights, under two names."""
    module = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1))
    module[2].weight = module[0].weight
    return module


def compiled() -> nn.Module:
    """Return a module with a part that is compiled."""
    part: Any = torch.compile(nn.ReLU())
    return nn.Sequential(part)


class Calls(nn.ReLU):
    """A module that does more than its forward."""

    def __call__(self, x: Tensor) -> Any:
        return -super().__call__(x)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (tied(), "0.weight and 2.weight are the same weights"),
        (nn.Sequential(weight_norm(nn.Conv2d(4, 4, 1))), "0 (ParametrizedConv2d) computes its weight"),
        (Calls(), "the module has a `__call__` of its own"),
        (compiled(), "0 is compiled by torch.compile"),
        (
            Does(lambda m, x: m.lstm(x.flatten(2).transpose(1, 2))[0], lstm=nn.LSTM(4, 8, batch_first=True)),
            "no layer does what LSTM does with 64×4",
        ),
    ],
    ids=["tied", "weight_norm", "call", "compiled", "lstm"],
)
def test_not_seen_by_fx(module: nn.Module, expected: str) -> None:
    """What a traced graph would not show of a module is refused, once, and not taken for something else."""
    (told,) = problems(module)
    assert expected in told


def test_causes_only() -> None:
    """What a computed weight makes of the operations that take it is not told as problems of theirs."""
    module = Does(lambda m, x: x * m.conv.bias[:, None, None] + x.relu(), conv=nn.Conv2d(4, 4, 1))
    (told,) = problems(module)
    assert "part of a weight is taken" in told


def test_all_at_once() -> None:
    """Everything that cannot be said is told at once, and a line that many blocks share once."""
    layers = [nn.ReflectionPad2d(1), nn.Conv2d(4, 4, 3), nn.Threshold(0, 1), nn.ReflectionPad2d(1)]
    told = problems(nn.Sequential(*layers))
    assert len(told) == 2
    assert "and 1 more from this line" in told[0]
    module = Does(lambda _, x: [x := F.pad(x, (1, 1, 1, 1), "circular") for _ in range(3)][-1])
    (told_once,) = problems(module)
    assert "and 2 more from this line" in told_once


def test_hooks_and_inputs() -> None:
    """A hook would not be seen, and a second input has nowhere to come from."""
    module = nn.Sequential(nn.ReLU())
    module[0].register_forward_hook(lambda *_: None)
    assert problems(module) == [
        "0 (ReLU) has a hook; what it does would not be seen. Remove it before the import."
    ]
    assert "the module takes 2 inputs" in problems(nn.Bilinear(4, 4, 4))[0]


def test_tangled() -> None:
    """Branches that exchange what they compute are no nested lists of layers."""

    def does(m: Any, x: Tensor) -> Tensor:
        a, b = m.a(x), m.b(x)
        return torch.cat([a + b, a], 1)

    (told,) = problems(Does(does, a=nn.Conv2d(4, 4, 1), b=nn.Conv2d(4, 4, 1)))
    assert "the branches that meet in `cat` are not apart" in told


@pytest.mark.parametrize("x", [(4,), (1, 4, 8, 8, 8), (0, 8, 8), "3x8", None, (4, 8.0, 8)])
def test_inputs_refused(x: Any) -> None:
    """An input that is no shape of a sample is refused before anything is traced."""
    (told,) = problems(nn.ReLU(), x)
    assert "it is the shape of one sample" in told
