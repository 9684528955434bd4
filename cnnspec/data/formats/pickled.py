"""Plain values out of a pickle, which is never unpickled: its opcodes are read as data, by pickletools.

What unpickling would import or call is a `Call`, a value like others, that only notes the name and the
arguments. Of these, numpy's arrays of bytes are understood.
"""

import pickletools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class UnreadableError(Exception):
    """A file is no pickle of plain values; the text says why."""


class Array(NamedTuple):
    """An array of bytes; `by_columns` says that its first axis runs fastest, not its last."""

    shape: tuple[int, ...]
    by_columns: bool
    data: bytes


@dataclass(slots=True)
class Call:
    """What unpickling would import by this name; and what it would make, calling it with arguments."""

    name: str
    arguments: Any = None
    state: Any = None


ARRAYS = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")


def value(data: bytes | bytearray) -> Any:
    """Return the value that is pickled: numbers, texts, lists, tuples, dictionaries, arrays, and calls.

    Texts of Python 2 are bytes, which become a text of the same characters from 0 to 255. Raises
    UnreadableError.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "STOP":
                (only,) = machine.stack
                return only
            machine.step(opcode.name, argument)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise UnreadableError(f"it is no pickle of plain values: {error}") from None
    raise UnreadableError("it is no pickle of plain values: it has no end")


def array(found: Any) -> Array | None:
    """Return the array of bytes that a value stands for, or None if it is none."""
    match found:
        case Call(name, _, (1, tuple(shape), Call("numpy dtype", ("u1", *_)), by_columns, data)):
            if name in ARRAYS and isinstance(data, (str, bytes)):
                return Array(
                    shape, bool(by_columns), data.encode("latin-1") if isinstance(data, str) else data
                )
    return None


class _Machine:
    """The stack that opcodes work on, with what is below each open mark, and what is kept for later."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.kept: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Do what an opcode says."""
        if name in _PUSHED:
            self.push(argument)
        elif name in _STEPS:
            _STEPS[name](self, argument)
        else:
            raise ValueError(f"the opcode {name} is not read")

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def marked(self) -> list[Any]:
        """Return what has come since the last mark, and go back to what is below it."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def last(self, count: int) -> tuple[Any, ...]:
        """Take that many values off the stack."""
        return tuple(reversed([self.stack.pop() for _ in range(count)]))

    def mark(self) -> None:
        """Open a mark."""
        self.below.append(self.stack)
        self.stack = []

    def extend(self, items: Iterable[Any]) -> None:
        """Add items to the list on the stack."""
        self.stack[-1].extend(items)

    def fill(self, pairs: Sequence[Any]) -> None:
        """Put keys and values into the dictionary on the stack."""
        self.stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))

    def call(self) -> None:
        """Note a call with arguments."""
        function, arguments = self.last(2)
        self.push(Call(function.name, arguments))

    def build(self) -> None:
        """Note the state that what was called would get."""
        (state,) = self.last(1)
        self.stack[-1].state = state


_PUSHED = frozenset(
    ("BININT", "BININT1", "BININT2", "LONG1", "BINSTRING", "SHORT_BINSTRING", "BINUNICODE")
)  # fmt: skip

_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda _m, _: None,
    "NONE": lambda m, _: m.push(None),
    "NEWTRUE": lambda m, _: m.push(True),
    "NEWFALSE": lambda m, _: m.push(False),
    "EMPTY_DICT": lambda m, _: m.push({}),
    "EMPTY_LIST": lambda m, _: m.push([]),
    "EMPTY_TUPLE": lambda m, _: m.push(()),
    "BINPUT": lambda m, number: m.kept.update({number: m.stack[-1]}),
    "LONG_BINPUT": lambda m, number: m.kept.update({number: m.stack[-1]}),
    "BINGET": lambda m, number: m.push(m.kept[number]),
    "LONG_BINGET": lambda m, number: m.push(m.kept[number]),
    "MARK": lambda m, _: m.mark(),
    "TUPLE": lambda m, _: m.push(tuple(m.marked())),
    "TUPLE1": lambda m, _: m.push(m.last(1)),
    "TUPLE2": lambda m, _: m.push(m.last(2)),
    "TUPLE3": lambda m, _: m.push(m.last(3)),
    "APPEND": lambda m, _: m.extend(m.last(1)),
    "APPENDS": lambda m, _: m.extend(m.marked()),
    "SETITEM": lambda m, _: m.fill(m.last(2)),
    "SETITEMS": lambda m, _: m.fill(m.marked()),
    "GLOBAL": lambda m, name: m.push(Call(name)),
    "REDUCE": lambda m, _: m.call(),
    "BUILD": lambda m, _: m.build(),
}
"""What the other opcodes do of those in Python 2's pickles of plain values."""
