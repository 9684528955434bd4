"""A module before it is traced: what would not be seen of it, and how it evaluates meanwhile."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from cnnspec.errors import Problem


class Evaluating(int):
    """Stands for False as `training` of modules that are traced through.

    What hands it on to torch, as in ``F.dropout(x, training=self.training)``, does in training
    what its name says; what hands on False does not. Code that decides by it is heard: `asked` is called.
    It may stand for True as well, to see what a module does in training.
    """

    asked: Callable[[], None] = staticmethod(lambda: None)

    def __bool__(self) -> bool:
        self.asked()
        return self != 0

    def __repr__(self) -> str:
        return "self.training"


@contextmanager
def evaluating(module: nn.Module, mode: Evaluating | bool) -> Iterator[None]:
    """Let a module be in a mode for a while, and be as it was afterwards.

    Its `train` is not called, which may do more than that. Modules of torch evaluate; only
    those that are traced through get a mode that tells who asks for it. Attributes that the
    module's code sets, and those that fx adds, are taken back.
    """
    before = [(one, dict(vars(one)), dict(one._buffers)) for one in module.modules()]  # noqa: SLF001
    for one, _, _ in before:
        by_torch = type(one).__module__.startswith("torch.nn.")
        vars(one)["training"] = False if by_torch else mode
    try:
        yield
    finally:
        for one, attributes, buffers in before:
            vars(one).clear()
            vars(one).update(attributes)
            one._buffers.clear()  # noqa: SLF001  # there is no other way to set one that is no tensor now
            one._buffers.update(buffers)  # noqa: SLF001


def untraceable(module: nn.Module) -> Iterator[Problem]:
    """Yield what of a module would not be seen, or is not there yet."""
    compiled = list(_compiled(module))
    if compiled:
        yield from compiled
        return
    if type(module).__call__ is not nn.Module.__call__:
        fix = "Write it into `forward`"
        yield Problem("the module has a `__call__` of its own", "what it does would not be seen", fix)
    for path, one in module.named_modules():
        name = f"{path} ({type(one).__name__})" if path else type(one).__name__
        if one._forward_hooks or one._forward_pre_hooks:  # noqa: SLF001  # there is no other way to ask
            why, fix = "what it does would not be seen", "Remove it before the import"
            yield Problem(f"{name} has a hook", why, fix)
        if is_parametrized(one):
            weights = " and ".join(one.parametrizations)
            why = f"a layer learns its {weights} as it is"
            fix = "Call `torch.nn.utils.parametrize.remove_parametrizations` before the import"
            yield Problem(f"{name} computes its {weights}", why, fix)
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


def _compiled(module: nn.Module) -> Iterator[Problem]:
    """Yield the parts of a module whose code is no Python any more."""
    told: list[str] = []
    for path, one in module.named_modules():
        by = (
            "torch.jit"
            if isinstance(one, torch.jit.ScriptModule)
            else "torch.compile"
            if hasattr(one, "_orig_mod")
            else ""
        )
        if by and not path.startswith(tuple(f"{one}." for one in told)) and "" not in told:
            told.append(path)
            what = f"{path or 'the module'} is compiled by {by}"
            yield Problem(what, "what it does cannot be traced", "Import the network without that")


def example(module: nn.Module) -> Tensor:
    """Return a tensor that is on the device and of the kind of numbers of a module."""
    floats = (one for one in (*module.parameters(), *module.buffers()) if one.is_floating_point())
    return next(floats, torch.empty(0))
