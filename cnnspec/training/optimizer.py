"""The optimizers of the language as torch's own, with weight decay that leaves biases and norms alone."""

from collections.abc import Callable
from typing import Any, overload

import torch
from torch import nn

from cnnspec.errors import Problem, SpecError
from cnnspec.language.training import SGD, Adam, AdamW, Muon, Optimizer, RMSprop


def make(options: Optimizer, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer that a spec names, for the model on its device.

    One kernel steps all weights where torch has one: on the CPU, in half the time of a
    kernel for each. Raises SpecError where this torch has no such optimizer.
    """
    chosen = options.options
    groups = _groups(model, chosen.weight_decay)
    match chosen:
        case SGD():
            return torch.optim.SGD(
                groups, chosen.lr, momentum=chosen.momentum, nesterov=chosen.nesterov, fused=True
            )
        case Adam() | AdamW():
            kind = torch.optim.Adam if isinstance(chosen, Adam) else torch.optim.AdamW
            return kind(groups, chosen.lr, betas=(chosen.beta1, chosen.beta2), eps=chosen.eps, fused=True)
        case RMSprop():
            return torch.optim.RMSprop(
                groups, chosen.lr, chosen.alpha, chosen.eps, momentum=chosen.momentum, foreach=True
            )
    return MuonAndAdamW(model, chosen)


def can_skip(optimizer: torch.optim.Optimizer) -> bool:
    """Tell whether a step is left out where the tensor `optimizer.found_inf` is not 0.

    The device decides it then, and nothing waits for the device.
    """
    return bool(getattr(optimizer, "_step_supports_amp_scaling", False))


class MuonAndAdamW(torch.optim.Optimizer):
    """torch's Muon for the weights of fc layers and AdamW for all others, as one optimizer.

    The two work on the same groups and the same state. Muon's steps are scaled to be as
    long as AdamW's, so that one learning rate and one weight decay serve both.
    """

    def __init__(self, model: nn.Module, options: Muon) -> None:
        if not hasattr(torch.optim, "Muon"):
            what, why = f"torch {torch.__version__} has no optimizer muon", "it came with torch 2.9"
            raise SpecError(Problem(what, why, "Update torch, or use adamw"))
        matrices = [p for p in model.parameters() if p.ndim == 2]
        muon = torch.optim.Muon(
            [{"params": matrices}],
            options.lr,
            options.weight_decay,
            options.momentum,
            adjust_lr_fn="match_rms_adamw",
        )
        groups = _groups(model, options.weight_decay, besides=matrices)
        adamw = torch.optim.AdamW(groups, options.lr, fused=True)
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
        first, *others = self.param_groups
        for part, groups in zip(self._parts, ([first], others), strict=True):
            part.param_groups, part.state = groups, self.state


def _groups(
    model: nn.Module, decay: float, besides: list[nn.Parameter] | None = None
) -> list[dict[str, Any]]:
    """Return the weights, which decay, and all other parameters, which do not."""
    known = {id(p) for p in besides or ()}
    named = [(name, p) for name, p in model.named_parameters() if id(p) not in known]
    # Norms have one axis; LayerScale has more, but no weight.
    weights = [p for name, p in named if p.ndim > 1 and name.endswith("weight")]
    known = {id(p) for p in weights}
    others = [p for _, p in named if id(p) not in known]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
