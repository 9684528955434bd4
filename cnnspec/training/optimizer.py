"""The optimizers of the language as torch's own, with weight decay that leaves biases and norms alone.

Each of their groups has `lr_scale`, by which the loop multiplies the learning rate of a step.
What needs no gradient is in none of them.
"""

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import nn

from cnnspec.errors import Problem, SpecError
from cnnspec.language.training import SGD, Adam, AdamW, Muon, Optimizer, RMSprop
from cnnspec.training.eager import Eager, eager

Scale = Callable[[str], float]
"""Tells what the learning rate of the parameter of a name is multiplied by."""


def _alike(_name: str) -> float:
    return 1.0


def make(options: Optimizer, model: nn.Module, scale: Scale = _alike) -> torch.optim.Optimizer:
    """Return the optimizer that a spec names, for the model on its device.

    `scale` tells what the learning rate of the parameter of a name is multiplied by. One kernel
    steps all weights where torch has one: on the CPU, in half the time of a kernel for each.
    Raises SpecError where this torch has no such optimizer.
    """
    chosen = options.options
    if isinstance(chosen, Muon):
        return MuonAndAdamW(model, chosen, scale)
    groups, lr = _groups(model, chosen.weight_decay, scale), chosen.lr
    made: torch.optim.Optimizer
    match chosen:
        case SGD():
            sgd = eager(torch.optim.SGD)
            made = sgd(groups, lr, momentum=chosen.momentum, nesterov=chosen.nesterov, fused=True)
        case Adam() | AdamW():
            adam = eager(torch.optim.Adam if isinstance(chosen, Adam) else torch.optim.AdamW)
            made = adam(groups, lr, betas=(chosen.beta1, chosen.beta2), eps=chosen.eps, fused=True)
        case RMSprop():
            rmsprop = eager(torch.optim.RMSprop)
            made = rmsprop(groups, lr, chosen.alpha, chosen.eps, momentum=chosen.momentum, foreach=True)
    return made


def can_skip(optimizer: torch.optim.Optimizer) -> bool:
    """Tell whether a step is left out where the tensor `optimizer.found_inf` is not 0.

    The device decides it then, and nothing waits for the device.
    """
    return bool(getattr(optimizer, "_step_supports_amp_scaling", False))


class MuonAndAdamW(Eager):
    """torch's Muon for the weights of fc layers and AdamW for all others, as one optimizer.

    The two work on the same groups and the same state. Muon's steps are scaled to be as
    long as AdamW's, so that one learning rate and one weight decay serve both.
    """

    def __init__(self, model: nn.Module, options: Muon, scale: Scale = _alike) -> None:
        if not hasattr(torch.optim, "Muon"):
            what, why = f"torch {torch.__version__} has no optimizer muon", "it came with torch 2.9"
            raise SpecError(Problem(what, why, "Update torch, or use adamw"))
        matrices = _scaled([item for item in _learning(model) if item[1].ndim == 2], scale)
        muon = eager(torch.optim.Muon)(
            matrices, options.lr, options.weight_decay, options.momentum, adjust_lr_fn="match_rms_adamw"
        )
        groups = _groups(model, options.weight_decay, scale, besides=matrices)
        adamw = eager(torch.optim.AdamW)(groups, options.lr, fused=True)
        self._parts: tuple[torch.optim.Optimizer, ...] = (muon, adamw)
        super().__init__([group for part in self._parts for group in part.param_groups], {"lr": options.lr})
        self._share()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take up a state that is loaded."""
        super().__setstate__(state)
        self._share()

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Step all weights."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss

    def _share(self) -> None:
        """Let the parts work on this optimizer's groups and state."""
        first = len(self._parts[0].param_groups)
        groups = (self.param_groups[:first], self.param_groups[first:])
        for part, own in zip(self._parts, groups, strict=True):
            part.param_groups, part.state = own, self.state


Group = dict[str, Any]
Named = tuple[str, nn.Parameter]


def _groups(model: nn.Module, decay: float, scale: Scale, besides: Iterable[Group] = ()) -> list[Group]:
    """Return groups of the weights, which decay, and of all other parameters, which do not."""
    known = {id(p) for group in besides for p in group["params"]}
    named = [(name, p) for name, p in _learning(model) if id(p) not in known]
    # Norms have one axis; LayerScale has more, but no weight.
    weights = [(name, p) for name, p in named if p.ndim > 1 and name.endswith("weight")]
    known = {id(p) for _, p in weights}
    others = [(name, p) for name, p in named if id(p) not in known]
    return [
        group | {"weight_decay": own}
        for some, own in ((weights, decay), (others, 0.0))
        for group in _scaled(some, scale)
    ]


def _learning(model: nn.Module) -> list[Named]:
    return [(name, p) for name, p in model.named_parameters() if p.requires_grad]


def _scaled(named: list[Named], scale: Scale) -> list[Group]:
    """Return a group of parameters for each factor of the learning rate, in the order of the network."""
    found: dict[float, list[nn.Parameter]] = {}
    for name, parameter in named:
        found.setdefault(scale(name), []).append(parameter)
    # One there must be: a checkpoint that was written without any factor has it, too.
    return [{"params": some, "lr_scale": factor} for factor, some in (found or {1.0: []}).items()]
