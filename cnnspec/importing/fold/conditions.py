"""When something is there that not all rows have: conditions that are true in just these rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from cnnspec.importing.fold.align import Aligned, Stack
from cnnspec.importing.fold.items import Expr, snake
from cnnspec.importing.fold.variables import Variable, Variables, texts

Truth = Mapping[int, bool]
"""Whether something is true, in each row where that is known."""


@dataclass(slots=True)
class Conditions:
    """The conditions of items, by item, and those of shortcuts, by residual."""

    of_items: dict[int, Expr] = field(default_factory=dict)
    of_shortcuts: dict[int, Expr] = field(default_factory=dict)


class _Finder:
    """Finds conditions, and makes arguments for those that are no expression of the others."""

    def __init__(self, variables: Variables) -> None:
        self.variables = variables
        self.given: list[Variable] = []
        self.conditions = Conditions()

    def stack(self, stack: Stack, entering: Mapping[int, int | None], rows: frozenset[int]) -> None:
        """Find the conditions in a stack of which `rows` have something, and which these channels enter."""
        for place, item in enumerate(stack):
            here = self.entering(stack, place, entering, rows)
            if item.rows != rows:
                truth = {row: row in item.rows for row in rows}
                self.conditions.of_items[id(item)] = self.condition(truth, here, item)
            if item.bare:
                truth = {row: row not in item.bare for row in item.rows}
                self.conditions.of_shortcuts[id(item)] = self.condition(truth, here, item)
            for part in item.parts:
                self.stack(part, here, item.rows)

    def entering(
        self, stack: Stack, place: int, entering: Mapping[int, int | None], rows: frozenset[int]
    ) -> dict[int, int | None]:
        """Return the channels that enter an item, also in the rows that do not have it."""
        found: dict[int, int | None] = {}
        for row in rows:
            after = next((one.channels[row] for one in stack[place:] if row in one.channels), None)
            before = any(row in one.channels for one in stack[:place])
            found[row] = after if after is not None or before else entering.get(row)
        return found

    def condition(self, truth: Truth, here: Mapping[int, int | None], item: Aligned) -> Expr:
        """Return an expression that is true in the rows that it should be."""
        opposite = {row: not value for row, value in truth.items()}
        for one in self.given:
            if _agree(one, truth):
                return Expr(one.sign)
            if _agree(one, opposite):
                return Expr(f"not {one.sign}")
        inputs = self.variables.inputs
        at_entry = all(here[row] is not None and here[row] == inputs[row] for row in truth)
        elsewhere: tuple[Expr, Truth] | None = None
        for text, known in self.candidates():
            if known.keys() >= truth.keys() and all(known[row] == truth[row] for row in truth):
                if at_entry or "in_channels" not in text:
                    return text
                elsewhere = elsewhere or (text, known)
        return self.by_use(truth) or (
            self.argument(item, *elsewhere) if elsewhere else self.flag(item, truth)
        )

    def by_use(self, truth: Truth) -> Expr | None:
        """Return that an argument is given, if it is used just where something is there."""
        rows = {row for row, value in truth.items() if value}
        for one in self.variables.arguments:
            if (
                one.default is None
                and one.numbers
                and one.values.keys() == rows
                and truth.keys() == self.variables.inputs.keys()
            ):
                one.default = 0
                return Expr(f"{one.sign} > 0")
        return None

    def flag(self, item: Aligned, truth: Truth) -> Expr:
        """Return the name of a new argument that is true where something is there."""
        new = self.variables.new(_name(item), dict(truth), [])
        new.default = 2 * sum(truth.values()) > len(truth)
        self.given.append(new)
        return Expr(new.sign)

    def argument(self, item: Aligned, text: Expr, truth: Truth) -> Expr:
        """Return the name of a new argument whose default is a condition on what enters the block.

        Whoever asked that before asks the argument as well.
        """
        conditions = self.conditions
        skip = item.bare or text in conditions.of_shortcuts.values()
        new = self.variables.new("skip" if skip else _name(item), dict(truth), [])
        new.default, new.by_default = text, frozenset(truth)
        for known in (conditions.of_items, conditions.of_shortcuts):
            known.update({key: Expr(new.sign) for key, asked in known.items() if asked == text})
        self.given.append(new)
        return Expr(new.sign)

    def candidates(self) -> Iterator[tuple[Expr, Truth]]:
        """Yield conditions that a person might write, the simple ones first."""
        strides = list(self.strides())
        widths = list(self.widths())
        yield from strides
        yield from widths
        for word, (one, first), (other, second) in product(("or", "and"), strides, widths):
            common = first.keys() & second.keys()
            values = {
                r: (first[r] or second[r]) if word == "or" else (first[r] and second[r]) for r in common
            }
            yield Expr(f"{one} {word} {other}"), values

    def strides(self) -> Iterator[tuple[Expr, Truth]]:
        """Yield what strides may be."""
        for one in self.variables.arguments:
            if one.kind == "stride" and one.numbers:
                yield Expr(f"{one.sign} > 1"), {row: value > 1 for row, value in one.numbers.items()}
                yield Expr(f"{one.sign} == 1"), {row: value == 1 for row, value in one.numbers.items()}

    def widths(self) -> Iterator[tuple[Expr, Truth]]:
        """Yield whether the channels that enter are as many as others."""
        inputs = self.variables.inputs
        for text, values in texts(self.variables):
            if text == "in_channels" or None in inputs.values():
                continue
            yield Expr(f"in_channels != {text}"), {row: inputs[row] != n for row, n in values.items()}
            yield Expr(f"in_channels == {text}"), {row: inputs[row] == n for row, n in values.items()}


def conditions_of(stack: Stack, variables: Variables) -> Conditions:
    """Return the conditions of all that not every row has; adds arguments to the variables for some."""
    finder = _Finder(variables)
    finder.stack(stack, variables.inputs, frozenset(variables.inputs))
    return finder.conditions


def _agree(one: Variable, truth: Truth) -> bool:
    """Tell whether an argument is true where something is, and let it be so also where it is not used yet."""
    common = one.values.keys() & truth.keys()
    if not common or any(one.values[row] != truth[row] for row in common):
        return False
    if one.by_default:  # it is what its expression is
        return common == truth.keys()
    one.values |= truth
    return True


def _name(item: Aligned) -> str:
    """Return what is there or not; of a row of layers, the first, or that they expand the channels."""
    if item.bare:
        return "skip"
    if item.word == "sequence":
        first = item.parts[0][0]
        filters = first.fields.get("filters", {})
        expands = filters and all((first.channels[row] or number) < number for row, number in filters.items())
        return "expand" if expands else first.word
    return snake(item.scopes[-1].kind) if item.parts and item.scopes else item.word
