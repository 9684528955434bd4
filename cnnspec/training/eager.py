"""torch's optimizers without its compiler, which would be imported whenever a training starts.

Their methods tell the compiler to keep out, and import it to do so. Nobody compiles an optimizer here, so the
methods are taken as they are below that: `functools.wraps` keeps them.
"""

import inspect
from functools import cache
from typing import Any, TypeVar

import torch
from torch.optim import Optimizer


class Eager(Optimizer):
    """An optimizer that says nothing to torch's compiler.

    With a torch that wraps its methods otherwise, they are torch's as ever, and the compiler is imported.
    """

    add_param_group = inspect.unwrap(Optimizer.add_param_group)
    load_state_dict = inspect.unwrap(Optimizer.load_state_dict)
    state_dict = inspect.unwrap(Optimizer.state_dict)
    zero_grad = inspect.unwrap(Optimizer.zero_grad)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" not in vars(cls):
            # What is unwrapped has kept gradients from being recorded.
            cls.step = torch.no_grad()(inspect.unwrap(cls.step))  # type: ignore[method-assign]


Kind = TypeVar("Kind", bound=Optimizer)


@cache
def eager(kind: type[Kind]) -> type[Kind]:
    """Return an optimizer's class without torch's compiler."""
    return type(kind.__name__, (Eager, kind), {"__doc__": kind.__doc__})
