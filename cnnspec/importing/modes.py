"""A module before it is traced: what would not be seen of it, and how it evaluates meanwhile."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from cnnspec.errors import Problem


class Evaluating(int):
    """Stands for False as `training` of modules that are traced through.

    What hands it on to torch, as in ``F.dropout(x, training=self.training)``, does in training
    what its name says; what hands on False does not.
    """

    def __repr__(self) -> str:
        return "self.training"


@contextmanager
def evaluating(module: nn.Module, *, mode: bool | None = None) -> Iterator[None]:
    """Let a module evaluate for a while, and be as it was afterwards.

    Its `train` is not called, which may do more than that. Without a `mode`, modules
    that are traced through have one that tells who asks for it.
    """
    before = [(one, one.training) for one in module.modules()]
    names = set(vars(module))
    for one, _ in before:
        by_torch = type(one).__module__.startswith("torch.nn.")
        one.training = bool(mode) if mode is not None or by_torch else Evaluating(0)  # type: ignore[assignment]
    try:
        yield
    finally:
        for one, training in before:
            one.training = training
        for name in set(vars(module)) - names:
            delattr(module, name)  # fx keeps tensors of the graph there


def untraceable(module: nn.Module) -> Iterator[Problem]:
    """Yield what of a module would not be seen, or is not there yet."""
    for path, one in module.named_modules():
        name = f"{path} ({type(one).__name__})" if path else type(one).__name__
        if one._forward_hooks or one._forward_pre_hooks:  # noqa: SLF001  # there is no other way to ask
            why, fix = "what it does would not be seen", "Remove it before the import"
            yield Problem(f"{name} has a hook", why, fix)
        if any(is_lazy(weight) for weight in one.parameters(recurse=False)):
            why, fix = (
                "its sizes are those of the first input that it sees",
                "Run the module once, and import it then",
            )
            yield Problem(f"{name} has no weights yet", why, fix)
    asked = [one for one in inspect.signature(module.forward).parameters.values() if one.default is one.empty]
    several = [one.name for one in asked if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)][1:]
    several += [one.name for one in asked if one.kind is one.KEYWORD_ONLY]
    if several:
        what = f"the module takes {len(several) + 1} inputs"
        why = f"a network has one; {' and '.join(several)} must be given as well"
        yield Problem(what, why, "Import a module that gives them itself")


def example(module: nn.Module) -> Tensor:
    """Return a tensor that is on the device and of the kind of numbers of a module."""
    floats = (one for one in (*module.parameters(), *module.buffers()) if one.is_floating_point())
    return next(floats, torch.empty(0))
