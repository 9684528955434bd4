"""What stands for a tensor while a module is traced: its operations are recorded, its shape is known."""

import builtins
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partialmethod
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor, fx

from cnnspec.errors import Place, Problem
from cnnspec.importing.places import here

if TYPE_CHECKING:
    from cnnspec.importing.trace import Tracer


class Untraced(Exception):  # noqa: N818  # it carries a problem, which becomes the error
    """Tracing ends here, with this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


class Recorded(fx.Proxy):
    """A tensor whose operations are recorded: what does not depend on its numbers is known."""

    tracer: "Tracer"

    @property
    def known(self) -> Tensor:
        """The tensor without numbers that it stands for."""
        value: Tensor = self.node.meta["value"]
        return value

    @property
    def device(self) -> torch.device:
        """The device that the module's own tensors are on."""
        return self.tracer.device

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.known, name)
        if isinstance(found, Tensor):
            return self.tracer.create_proxy("call_function", getattr, (self, name), {})
        return super().__getattr__(name) if callable(found) else found

    def __len__(self) -> int:
        return len(self.known)

    def __iter__(self) -> Iterator[Any]:
        return iter(
            [
                self.tracer.create_proxy("call_function", operator.getitem, (self, i), {})
                for i in range(len(self))
            ]
        )

    def __setitem__(self, key: Any, other: Any) -> None:
        self.tracer.create_proxy("call_function", operator.setitem, (self, key, other), {})

    def changed_by(self, operation: Callable[..., Any], other: Any) -> Any:
        """Record an assignment such as ``+=``, which changes the tensor itself."""
        return self.tracer.create_proxy("call_function", operation, (self, other), {})

    __iadd__ = partialmethod(changed_by, operator.iadd)
    __isub__ = partialmethod(changed_by, operator.isub)
    __imul__ = partialmethod(changed_by, operator.imul)
    __itruediv__ = partialmethod(changed_by, operator.itruediv)

    def __bool__(self) -> bool:  # noqa: PLE0304  # it never returns
        _refuse_numbers("a condition")

    def __int__(self) -> int:
        _refuse_numbers("a whole number")

    __index__ = __int__

    def __float__(self) -> float:
        _refuse_numbers("a number")


@contextmanager
def taken_for_tensors() -> Iterator[None]:
    """Let ``isinstance(x, Tensor)`` be true of recorded tensors for a while, in Python code.

    A `__class__` that says so would be believed by torch's own C++ code, too, which would read
    memory that there is none of.
    """
    original = builtins.isinstance

    def also_recorded(x: Any, kinds: Any) -> bool:
        return original(x, kinds) or (type(x) is Recorded and original(x.known, kinds))

    builtins.isinstance = also_recorded
    try:
        yield
    finally:
        builtins.isinstance = original


def _refuse_numbers(what: str) -> NoReturn:
    raise Untraced(needs_numbers(what, here()))


def needs_numbers(what: str, place: Place | None) -> Problem:
    """Return the problem of code that does what the numbers in a tensor say."""
    why = "they differ from input to input, and a spec does the same with each"
    return Problem(f"{what} depends on the numbers in a tensor", why, "Import the network without it", place)
