"""torch's functions as the modules that do the same, with weights from wherever the code has them."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import fx, nn

from cnnspec.importing.graph import Unreadable
from cnnspec.importing.layers import learns_statistics
from cnnspec.importing.modes import Evaluating
from cnnspec.model import modules
from cnnspec.shape import Shape


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter or buffer of the traced module, by its name there, as it is or in another shape."""

    key: str
    shape: Shape


class Found(NamedTuple):
    """A module that does what an operation does, and where its weights are: its names to the traced ones."""

    module: nn.Module
    weights: Mapping[str, str]


_POOL = "kernel_size stride padding"
_AVG = f"{_POOL} ceil_mode count_include_pad divisor_override"
_MAX = f"{_POOL} dilation ceil_mode return_indices"

_FUNCTIONS = {
    "relu": ("ReLU", "inplace"),
    "relu6": ("ReLU6", "inplace"),
    "leaky_relu": ("LeakyReLU", "negative_slope inplace"),
    "elu": ("ELU", "alpha inplace"),
    "selu": ("SELU", "inplace"),
    "celu": ("CELU", "alpha inplace"),
    "gelu": ("GELU", "approximate"),
    "silu": ("SiLU", "inplace"),
    "mish": ("Mish", "inplace"),
    "sigmoid": ("Sigmoid", ""),
    "tanh": ("Tanh", ""),
    "hardsigmoid": ("Hardsigmoid", "inplace"),
    "hardswish": ("Hardswish", "inplace"),
    "hardtanh": ("Hardtanh", "min_val max_val inplace"),
    "softplus": ("Softplus", "beta threshold"),
    "softmax": ("Softmax", "dim"),
    "log_softmax": ("LogSoftmax", "dim"),
    "abs": ("Abs", ""),
    "square": ("Square", ""),
    "sqrt": ("Sqrt", ""),
    "max_pool1d": ("MaxPool1d", _MAX),
    "max_pool2d": ("MaxPool2d", _MAX),
    "max_pool3d": ("MaxPool3d", _MAX),
    "avg_pool1d": ("AvgPool1d", _AVG),
    "avg_pool2d": ("AvgPool2d", _AVG),
    "avg_pool3d": ("AvgPool3d", _AVG),
    "adaptive_avg_pool1d": ("AdaptiveAvgPool1d", "output_size"),
    "adaptive_avg_pool2d": ("AdaptiveAvgPool2d", "output_size"),
    "adaptive_avg_pool3d": ("AdaptiveAvgPool3d", "output_size"),
    "adaptive_max_pool1d": ("AdaptiveMaxPool1d", "output_size return_indices"),
    "adaptive_max_pool2d": ("AdaptiveMaxPool2d", "output_size return_indices"),
    "adaptive_max_pool3d": ("AdaptiveMaxPool3d", "output_size return_indices"),
    "local_response_norm": ("LocalResponseNorm", "size alpha beta k"),
    "pixel_shuffle": ("PixelShuffle", "upscale_factor"),
    "channel_shuffle": ("ChannelShuffle", "groups"),
    "native_channel_shuffle": ("ChannelShuffle", "groups"),
    "interpolate": ("Upsample", "size scale_factor mode align_corners recompute_scale_factor"),
}
"""The module that does what a function does, and the arguments that both have."""

_DROPOUT = {
    "dropout": "Dropout",
    "dropout1d": "Dropout1d",
    "dropout2d": "Dropout2d",
    "dropout3d": "Dropout3d",
}

_CONV = "weight bias stride padding"
_WEIGHTED = {
    **{f"conv{n}d": f"{_CONV} dilation groups" for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": f"{_CONV} output_padding groups dilation" for n in (1, 2, 3)},
    "linear": "weight bias",
    "batch_norm": "running_mean running_var weight bias training momentum eps",
    "layer_norm": "normalized_shape weight bias eps",
    "group_norm": "num_groups weight bias eps",
    "instance_norm": "running_mean running_var weight bias use_input_stats momentum eps",
    "prelu": "weight",
}
"""Functions that are given weights, and their arguments after the first."""

_HOMES = (torch, F, operator, torch._C._nn, torch.special)  # noqa: SLF001  # where F has its functions from


def name_of(node: fx.Node) -> str:
    """Return the name of what a node calls: torch's or Python's; an empty text for others'."""
    if node.op == "call_method":
        return str(node.target)
    name = getattr(node.target, "__name__", "")
    if node.target is getattr:
        return str(node.args[1])
    return name if any(getattr(home, name, None) is node.target for home in _HOMES) else ""


def bound(names: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments by name; those after the first, which is the input."""
    return dict(zip(names.split(), args[1:], strict=False)) | {
        k: v for k, v in kwargs.items() if k != "input"
    }


def module_of(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], x: Shape, owner: nn.Module
) -> Found | None:
    """Return the module that does what a function does with an input of shape `x`, the batch left out.

    None for a function that no module is like. `owner` is the module whose code calls it. Raises Unreadable.
    """
    if name in _DROPOUT:
        return Found(_dropout(name, bound("p training inplace", args, kwargs)), {})
    if name in _FUNCTIONS:
        kind, names = _FUNCTIONS[name]
        given = bound(names, args, kwargs)
        options = {
            k: v
            for k, v in given.items()
            if v is not None and k not in ("inplace", "_stacklevel", "antialias")
        }
        if given.get("antialias"):
            raise Unreadable("upsample has no antialiasing")
        return Found(_made(kind, options), {})
    if name in ("clamp", "clip"):
        return Found(_clamp(**{"min": None, "max": None} | bound("min max", args, kwargs)), {})
    if name in _WEIGHTED:
        given = bound(_WEIGHTED[name], args, kwargs)
        if name == "batch_norm" and given.get("training") is False and learns_statistics(owner, x):
            given["training"] = Evaluating(0)
        return _weighted(name, given, x)
    return None


def _made(kind: str, options: Mapping[str, Any]) -> nn.Module:
    """Return a module made with these options; raises Unreadable where it takes no such options."""
    try:
        made: nn.Module = getattr(modules, kind)(**options)
    except TypeError:
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise Unreadable(f"no layer does this: {kind} has no such options, {given}") from None
    return made


def _clamp(min: Any, max: Any) -> nn.Module:  # noqa: A002  # torch's names
    """Return the activation that keeps values within bounds; raises Unreadable."""
    if min == 0 and max is None:
        return nn.ReLU()
    if not isinstance(min, (int, float)) or not isinstance(max, (int, float)) or min >= max:
        raise Unreadable(f"no layer clamps to min={min}, max={max}", "hardtanh takes two numbers")
    return nn.ReLU6() if (min, max) == (0, 6) else nn.Hardtanh(min, max)


def _dropout(name: str, given: dict[str, Any]) -> nn.Module:
    """Return the dropout of a function; raises Unreadable where it does not go by the module's mode."""
    training = given.get("training", True)  # as torch has it
    if isinstance(training, Evaluating):
        return _made(_DROPOUT[name], {"p": given.get("p", 0.5)})
    if not training:
        return nn.Identity()
    fix = f"Write `F.{name}(…, training=self.training)`"
    raise Unreadable(f"{name} goes on while the network evaluates", "it does not ask `self.training`", fix)


def _weighted(name: str, given: dict[str, Any], x: Shape) -> Found:
    """Return the module of a function that is given weights; raises Unreadable."""
    weights: dict[str, Weight] = {}
    for key in ("weight", "bias", "running_mean", "running_var"):
        weight = given.pop(key, None)
        if isinstance(weight, Weight):
            weights[key] = weight
        elif weight is not None:
            why = "a layer learns the numbers that it uses, and these are made of others"
            raise Unreadable(f"the {key} of {name} is computed", why)
    options = {key: value for key, value in given.items() if value is not None}
    make = next(make for prefix, make in _MAKERS.items() if name.startswith(prefix))
    module = make(name, options, weights, x)
    return Found(module, {key: weight.key for key, weight in weights.items()})


Weights = Mapping[str, Weight]
Options = dict[str, Any]


def _conv_transpose(name: str, options: Options, weights: Weights, _x: Shape) -> nn.Module:
    channels, per_group, *kernel = weights["weight"].shape
    options |= {"kernel_size": tuple(kernel), "bias": "bias" in weights, "device": "meta"}
    kind = f"ConvTranspose{name[-2]}d"
    return _made(
        kind, options | {"in_channels": channels, "out_channels": per_group * options.get("groups", 1)}
    )


def _conv(name: str, options: Options, weights: Weights, _x: Shape) -> nn.Module:
    filters, per_group, *kernel = weights["weight"].shape
    options |= {"kernel_size": tuple(kernel), "bias": "bias" in weights, "device": "meta"}
    kind = f"Conv{name[-2]}d"
    return _made(
        kind, options | {"in_channels": per_group * options.get("groups", 1), "out_channels": filters}
    )


def _linear(_name: str, _options: Options, weights: Weights, _x: Shape) -> nn.Module:
    units, inputs = weights["weight"].shape
    return nn.Linear(inputs, units, "bias" in weights, device="meta")


def _batch_norm(_name: str, options: Options, weights: Weights, x: Shape) -> nn.Module:
    if not isinstance(options.pop("training", False), Evaluating):
        fix = "Write `F.batch_norm(…, training=self.training)`"
        raise Unreadable(
            "batch_norm does not ask `self.training`", "batchnorm goes by the mode of the network", fix
        )
    options |= {
        "affine": "weight" in weights,
        "track_running_stats": "running_mean" in weights,
        "device": "meta",
    }
    return _made(f"BatchNorm{max(1, len(x) - 1)}d", options | {"num_features": x[0]})


def _layer_norm(_name: str, options: Options, weights: Weights, _x: Shape) -> nn.Module:
    return _made(
        "LayerNorm",
        options | {"elementwise_affine": "weight" in weights, "bias": "bias" in weights, "device": "meta"},
    )


def _group_norm(_name: str, options: Options, weights: Weights, x: Shape) -> nn.Module:
    return _made(
        "GroupNorm", options | {"num_channels": x[0], "affine": "weight" in weights, "device": "meta"}
    )


def _instance_norm(_name: str, options: Options, weights: Weights, x: Shape) -> nn.Module:
    stats = not options.pop("use_input_stats", True) or "running_mean" in weights
    options |= {"affine": "weight" in weights, "track_running_stats": stats, "device": "meta"}
    return _made(f"InstanceNorm{len(x) - 1}d", options | {"num_features": x[0]})


def _prelu(_name: str, _options: Options, weights: Weights, _x: Shape) -> nn.Module:
    return nn.PReLU(weights["weight"].shape[0] if weights["weight"].shape else 1, device="meta")


_MAKERS = {
    "conv_transpose": _conv_transpose,
    "conv": _conv,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "prelu": _prelu,
}
