"""What differs between rows laid upon each other: variables, and the expressions that give some by others."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cnnspec.importing.fold.align import Aligned, Stack, walk
from cnnspec.importing.fold.forms import form, mostly
from cnnspec.importing.fold.items import Blocks, Expr, default_of, kind_of

_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Use = tuple[Aligned, str]
"""A field of an item."""


@dataclass(slots=True, eq=False)
class Variable:
    """A value that differs between rows, wherever it is used; `sign` stands for its name until it has one.

    With a `text` it is an expression of others. `default` is what an argument is where it is not
    given: a value, or an expression that holds in the rows of `by_default`.
    """

    kind: str
    values: dict[int, Any]
    uses: list[Use]
    sign: str
    text: Expr | None = None
    default: Any = None
    by_default: frozenset[int] = frozenset()

    @property
    def numbers(self) -> dict[int, int] | None:
        """The values, if they are whole numbers; else None."""
        whole = all(isinstance(value, int) and not isinstance(value, bool) for value in self.values.values())
        return self.values if whole else None


@dataclass(slots=True)
class Variables:
    """The variables of a stack; `inputs` are the channels that enter each row, None where not known."""

    inputs: dict[int, int | None]
    blocks: Blocks
    found: list[Variable] = field(default_factory=list)

    @property
    def arguments(self) -> list[Variable]:
        """Those that are given, or have a default."""
        return [one for one in self.found if one.text is None]

    def new(self, kind: str, values: dict[int, Any], uses: list[Use]) -> Variable:
        """Return one more."""
        self.found.append(Variable(kind, values, uses, f"\0{len(self.found)}\0"))
        return self.found[-1]


def variables_of(stack: Stack, inputs: dict[int, int | None], blocks: Blocks) -> Variables | None:
    """Return what differs in a stack; None where a value cannot be given from outside."""
    variables = Variables(inputs, blocks)
    for item in walk(stack):
        for name, values in item.fields.items():
            if values.keys() != item.rows:
                return None  # some leave it to a default that is an expression
            if _constant(values):
                continue
            if any("in_channels" in names_in(value) for value in values.values()):
                return None  # it would be the channels that enter the block
            kind = kind_of(item.word, name, blocks)
            like = next(
                (one for one in variables.found if one.kind == kind and _agree(one.values, values)), None
            )
            if like:
                like.values |= values
                like.uses.append((item, name))
            else:
                variables.new(kind, dict(values), [(item, name)])
    for one in variables.found:
        _express(one, variables)
    return variables


def names_in(value: Any) -> set[str]:
    """Return the names in an expression; none in a value."""
    return set(_NAMES.findall(value)) if isinstance(value, Expr) else set()


def _constant(values: dict[int, Any]) -> bool:
    first, *others = values.values()
    return all(other == first for other in others) and names_in(first) <= {"in_channels"}


def _agree(one: dict[int, Any], other: dict[int, Any]) -> bool:
    """Tell whether two are the same wherever both are known."""
    common = one.keys() & other.keys()
    return bool(common) and all(one[row] == other[row] for row in common)


def _express(one: Variable, variables: Variables) -> None:
    """Give a variable the expression that it is, or else its default."""
    numbers = one.numbers
    before = variables.found[: variables.found.index(one)]
    if one.kind == "padding":
        one.text = _padding(one, variables)
    if one.kind == "channels" and numbers:
        one.text = _by_inputs(one, variables) or _by_others(numbers, before)
        inputs = {row: given for row, given in variables.inputs.items() if given is not None}
        found = None if one.text else mostly("in_channels", inputs, numbers)
        if found:
            one.default, one.by_default = found[0], frozenset(found[1])
    if one.text is None and one.default is None:
        one.default = _default(one, variables.blocks)


def _by_inputs(one: Variable, variables: Variables) -> Expr | None:
    """Return an expression of the channels that enter an item, where these are the row's own."""
    texts = set()
    for item, name in one.uses:
        entering = {row: channels for row, channels in item.channels.items() if channels is not None}
        if len(entering) < len(item.channels) or any(
            variables.inputs[row] != entering[row] for row in entering
        ):
            return None
        texts.add(form("in_channels", entering, item.fields[name]))
    return texts.pop() if len(texts) == 1 else None


def _by_others(wanted: dict[int, int], before: list[Variable]) -> Expr | None:
    """Return an expression of one of the variables before."""
    for other in before:
        if other.kind == "channels" and other.text is None and other.numbers:
            found = form(other.sign, other.numbers, wanted)
            if found:
                return found
    return None


def _padding(one: Variable, variables: Variables) -> Expr | None:
    """Return the padding by the kernel that it goes with: half of it keeps the size of the maps."""
    item, _ = one.uses[0]
    kernel, dilation = (_used(item, name, variables) for name in ("kernel", "dilation"))
    if len(one.uses) > 1 or not isinstance(kernel, (Variable, int)):
        return None
    if isinstance(kernel, int):
        step = dilation if isinstance(dilation, Variable) else None
        return Expr(step.sign) if step and step.values == one.values and kernel == 3 else None
    if dilation not in (None, 1) or kernel.values.keys() < one.values.keys():
        return None
    half = Expr(f"{kernel.sign} // 2")
    return half if all(_is_half(one.values[row], kernel.values[row]) for row in one.values) else None


def _is_half(padding: Any, kernel: Any) -> bool:
    if isinstance(kernel, Expr):
        return bool(padding == f"{kernel} // 2")
    return isinstance(padding, int) and isinstance(kernel, int) and padding == kernel // 2


def _used(item: Aligned, name: str, variables: Variables) -> Any:
    """Return the variable that a field of an item is, or its value; None if it has no such field."""
    for one in variables.found:
        if (item, name) in one.uses:
            return one
    return next(iter(item.fields[name].values())) if name in item.fields else None


def _default(one: Variable, blocks: Blocks) -> Any:
    """Return what an argument is usually; None if it must be given."""
    usual = default_of(*_where(one), blocks)
    if usual is not None and usual in one.values.values():
        return usual
    if one.kind == "kernel":
        value, times = Counter(map(_hashable, one.values.values())).most_common(1)[0]
        return value if 2 * times >= len(one.values) and not isinstance(value, Expr) else None
    return None


def _where(one: Variable) -> tuple[str, str]:
    item, name = one.uses[0]
    return item.word, name


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def texts(variables: Variables) -> Iterator[tuple[str, dict[int, int]]]:
    """Yield every number of channels that has a name or an expression, with its values."""
    for one in variables.found:
        if one.kind == "channels" and one.numbers:
            yield one.text or one.sign, one.numbers
