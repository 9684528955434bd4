"""From a module of torch to the layer that builds it: read back, built again, and compared."""

import copy
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from cnnspec.errors import RuleError
from cnnspec.layers import LAYERS, Layer
from cnnspec.layers.base import torch_size
from cnnspec.model import modules
from cnnspec.shape import Shape, times


def layer_of(module: nn.Module, x: Shape) -> Layer | None:
    """Return the layer that builds such a module for input shape `x`; None if there is none.

    What a layer reads from the module is not trusted: the module that it builds of that must
    have the same class, the same settings, and weights of the same names and shapes.
    """
    for layer_class in LAYERS.values():
        fields = layer_class.read(module, x)
        if fields is None:
            continue
        try:
            layer = layer_class.of(fields)
            layer.output_shape(x)
            with torch.device("meta"):  # a module without numbers is made at once
                built = layer.build(modules, x)
        except (ValidationError, RuleError):
            continue
        if differences(module, built) == []:
            return layer
    return None


def differences(module: nn.Module, other: nn.Module) -> list[str]:
    """Return what the second module has otherwise than the first: settings and weights, by name."""
    if type(module) is not type(other):
        return ["class"]
    ours, theirs = settings(other), settings(module)
    return [name for name in ours | theirs if ours.get(name, ...) != theirs.get(name, ...)]


def settings(module: nn.Module) -> dict[str, Any]:
    """Return what a module was told, each value as short as it can be said, and the shapes of its weights."""
    told = {
        name: _plain(value)
        for name, value in vars(module).items()
        if name[0] != "_" and name not in _WITHOUT_EFFECT
    }
    weights = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return told | {name: tuple(weight.shape) for name, weight in weights.items()}


_WITHOUT_EFFECT = ("training", "inplace")
"""Settings that do not change what comes out."""


def _plain(value: Any) -> Any:
    if value is None:
        return False  # torch says None for a switch that is not given
    return torch_size(tuple(value)) if isinstance(value, (list, tuple)) else value


def drop_path_rate(module: nn.Module) -> float | None:
    """Return p of a module that is stochastic depth, whoever wrote it; None for any other.

    It has a name and an attribute that such modules have, and in training it does what
    `model.layers.DropPath` does: it leaves samples out, and divides the others by 1 − p.
    """
    if (
        type(module).__name__ not in ("DropPath", "StochasticDepth")
        or getattr(module, "mode", "row") != "row"
    ):
        return None
    rates = [getattr(module, name) for name in ("p", "drop_prob", "drop_path") if hasattr(module, name)]
    if len(rates) != 1 or not isinstance(rates[0], (int, float)) or not 0 <= rates[0] <= 1:
        return None
    p, training = float(rates[0]), module.training
    with torch.random.fork_rng(devices=[]):
        module.training = True
        try:
            y = module.forward(torch.ones(_SAMPLES, 1, 1, 1)).flatten()
        except Exception:  # noqa: BLE001  # whatever it is, it is something else
            return None
        finally:
            module.training = training
    kept = 0.0 if p == 1 else 1 / (1 - p)
    return (
        p
        if y.shape == (_SAMPLES,) and bool(((y == 0) | torch.isclose(y, torch.tensor(kept))).all())
        else None
    )


_SAMPLES = 256


def learns_statistics(module: nn.Module, x: Shape) -> bool:
    """Tell whether someone else's batch normalization goes by its mode: statistics change in training."""
    if not isinstance(module, _BatchNorm) or module.running_mean is None:
        return False
    before, one = module.running_mean.clone(), copy.deepcopy(module)
    one.training = True
    try:
        one.forward(torch.randn(_SAMPLES, *x[:1], *(2,) * (len(x) - 1)).to(before))
    except Exception:  # noqa: BLE001  # whatever it is, it is something else
        return False
    return one.running_mean is not None and not torch.equal(one.running_mean, before)


def why_none(module: nn.Module, x: Shape) -> tuple[str, str]:
    """Return that no layer is like a module, as a sentence, and why."""
    what = f"no layer does what {type(module).__name__} does with {times(x)}"
    for layer_class in LAYERS.values():
        fields = layer_class.read(module, x)
        if fields is None:
            continue
        try:
            built = layer_class.of(fields).build(modules, x)
        except (ValidationError, RuleError) as error:
            return what, f"{layer_class.type} does not take it: {_told(error)}"
        names = differences(module, built)
        if names == ["class"]:
            return what, f"it is another {type(module).__name__} than torch's"
        given = settings(module)
        names = [name for name in names if name in vars(module)] or names  # its weights follow from these
        return (
            what,
            f"{layer_class.type} has no {' and no '.join(f'{name}={given.get(name)}' for name in names)}",
        )
    return what, ""


def _told(error: ValidationError | RuleError) -> str:
    if isinstance(error, RuleError):
        return error.what.replace("{layer}", "it")
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))} is {first['input']}"
