"""A class of the source as lines of text."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cnnspec.shape import times
from cnnspec.views.source.folding import IDENTITY
from cnnspec.views.source.formulas import Formula, binary, constant, name, names_in, replaced
from cnnspec.views.source.identifiers import free, identifiers
from cnnspec.views.source.layout import Brackets, Choice, Entry, Layout, call, has_comments, layout_of, lines
from cnnspec.views.source.notation import annotation, literal, quoted, written
from cnnspec.views.source.rounds import INDEX
from cnnspec.views.source.tree import (
    Argument,
    Child,
    Definition,
    Either,
    Group,
    Loop,
    Made,
    Number,
    Parameter,
    formulas_in,
)

BODY = 8
"""Columns that the statements of a method are indented by."""

ALIKE = 3
"""Equal modules in a row from which they are written once."""


def class_lines(definition: Definition, classes: Mapping[str, Definition], taken: set[str]) -> list[str]:
    """Return the lines of a class; `classes` are all classes by name, and `taken` are all global names."""
    return _ClassWriter(definition, classes, taken).lines()


@dataclass
class _ClassWriter:
    definition: Definition
    classes: Mapping[str, Definition]
    taken: set[str]
    out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.called = parameter_names(self.definition, self.taken)
        self.local: set[str] = set()

    def lines(self) -> list[str]:
        """Return the class: its constructor, since it calls its modules one after the other."""
        self.out = [f"class {self.definition.name}(nn.Sequential):"]
        self.out += [f'    """{self.definition.about}"""', ""]
        entries = [Entry("self")]
        entries += [Entry(f"{self.called[one.name]}: {_typed(one)}") for one in self.definition.parameters]
        self.out += lines(call("def __init__", *entries), 4, after=" -> None:")
        self.out.append(f"{' ' * BODY}super().__init__()")
        for key, formula in self.definition.calculated.items():
            self.out.append(f"{' ' * BODY}{self.called[key]} = {self.text(formula)}")
        self.statements("self", self.definition.children, BODY)
        return self.out

    def text(self, formula: Formula, loop: str = "") -> str:
        """Return a formula with the names that its parts have here."""
        names = {key: name(value) for key, value in self.called.items()}
        return written(replaced(formula, names | ({INDEX: name(loop)} if loop else {})))

    def value(self, formula: Formula) -> Layout:
        """Return the layout of an argument; a list of numbers may take several lines."""
        if isinstance(formula, ast.Constant):
            return layout_of(formula.value)
        return self.text(formula)

    def statements(self, target: str, children: Sequence[Child | Loop], indent: int) -> None:
        """Write the statements that give a module its children."""
        dense = is_dense(children)
        before = ("", "")
        for child in children:
            condition = self.asked(child.condition)
            inner = indent + 4 if child.condition is not None else indent
            if child.condition is not None and condition != before:
                opposite = condition == before[::-1]
                self.out.append(" " * indent + ("else:" if opposite else f"if {condition[0]}:"))
            before = condition
            if isinstance(child, Loop):
                self.loop(target, child, inner, dense=dense)
            else:
                self.child(target, child, inner, dense=dense)

    def asked(self, condition: Formula | None) -> tuple[str, str]:
        """Return a condition and its opposite as text; nothing where there is none."""
        if condition is None:
            return "", ""
        if isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not):
            return self.text(condition), self.text(condition.operand)
        return self.text(condition), self.text(ast.UnaryOp(ast.Not(), condition))

    def child(self, target: str, child: Child, indent: int, *, dense: bool) -> None:
        """Write the statement that gives a module a child."""
        value = self.module(child.module, indent)
        comment = "" if has_comments(value) else self.comment(child)
        if isinstance(child.name, Number):
            called = self.numbered(child.name)
            value = call(f"{target}.add_module", Entry(called), Entry(value))
            self.out += lines(value, indent, comment=comment)
        elif child.name.isdigit():
            added = [] if dense else [Entry(quoted(child.name))]
            head = f"{target}.append" if dense else f"{target}.add_module"
            self.out += lines(call(head, *added, Entry(value)), indent, comment=comment)
        else:
            self.out += lines(value, indent, f"{target}.{child.name} = ", comment=comment)

    def comment(self, child: Child | Loop) -> str:
        """Return the shape that comes out of a module, in a class all of whose instances are alike."""
        return "" if child.shape is None or self.definition.parameters else times(child.shape)

    def numbered(self, number: Number) -> str:
        """Return the text that makes a name of a prefix and a number."""
        inner = self.text(number.number)
        if '"' in inner:  # not within an f-string before Python 3.12
            return f"{quoted(number.prefix)} + str({inner})"
        return f'f"{number.prefix}{{{inner}}}"'

    def loop(self, target: str, loop: Loop, indent: int, *, dense: bool) -> None:
        """Write the statements that give a module children which are made alike."""
        uses_index = any(INDEX in names_in(formula) for formula in formulas_in(loop.module))
        first, count, offset = constant(loop.first), loop.count, loop.offset
        variable = self.free("index" if uses_index else "number") if uses_index or not dense else "_"
        if not uses_index and not dense:
            first, count = constant(loop.first + offset), binary(count, ast.Add(), constant(offset))
            offset = 0
        self.out.append(f"{' ' * indent}for {variable} in {self.range(first, count)}:")
        self.called[INDEX] = variable  # until the loop ends
        value = self.module(loop.module, indent + 4)
        if dense:
            added = call(f"{target}.append", Entry(value))
        else:
            number = binary(name(INDEX), ast.Add(), constant(offset))
            added = call(
                f"{target}.add_module", Entry(self.numbered(Number(loop.prefix, number))), Entry(value)
            )
        del self.called[INDEX]
        comment = "" if has_comments(value) else self.comment(loop)
        self.out += lines(added, indent + 4, comment=comment)

    def range(self, first: Formula, count: Formula) -> str:
        """Return the numbers from the first up to but without another."""
        begin = "" if isinstance(first, ast.Constant) and first.value == 0 else f"{self.text(first)}, "
        return f"range({begin}{self.text(count)})"

    def module(self, module: Any, indent: int) -> Layout:
        """Return a module as an expression, having written the statements that must go before it."""
        if isinstance(module, Group):
            return self.group(module, indent)
        if isinstance(module, Either):
            return self.either(module, indent)
        assert isinstance(module, Made)
        waiting = [n for n, argument in enumerate(module.arguments) if _is_statement(argument)]
        entries = []
        for number, argument in enumerate(module.arguments):
            key = self.key(module.name, argument.key)
            if isinstance(argument.value, ast.expr):
                entries.append(Entry(self.value(argument.value), key))
                continue
            value = self.module(argument.value, indent)
            # Whatever is made before a module that needs statements must be made before those, too.
            if waiting and number <= waiting[-1] and argument.value != IDENTITY:
                value = self.kept(argument.key or _called(argument.value), value, indent)
            entries.append(Entry(value, key))
        return call(module.name, *entries)

    def key(self, made: str, key: str) -> str:
        """Return how an argument is introduced: ``stride=``."""
        known = parameter_names(self.classes[made], self.taken) if made in self.classes else {}
        return f"{known.get(key, key)}=" if key else ""

    def kept(self, wanted: str, value: Layout, indent: int) -> str:
        """Write a statement that gives a module a name here, unless it has one, and return that."""
        if isinstance(value, str):
            return value
        variable = self.local_name(wanted)
        self.out += lines(value, indent, f"{variable} = ")
        return variable

    def free(self, wanted: str) -> str:
        """Return a name for a variable that stands for nothing else."""
        return free(wanted, {*self.taken, *self.called.values(), *self.local})

    def local_name(self, wanted: str) -> str:
        """Return a name for a variable that goes on to stand for what it does."""
        variable = self.free(wanted)
        self.local.add(variable)
        return variable

    def group(self, group: Group, indent: int) -> Layout:
        """Return modules in a row."""
        if needs_statements(group):
            variable = self.local_name(_called(group) if group.role else "layers")
            self.out.append(f"{' ' * indent}{variable} = nn.Sequential()")
            self.statements(variable, group.children, indent)
            return variable
        dense = is_dense(group.children)
        entries = list(self.entries(group.children, indent, dense=dense))
        if len(entries) == 1:
            entries = [Entry(entries[0].value, entries[0].before)]
        return call("nn.Sequential" if dense else "sequential", *entries)

    def entries(self, children: Sequence[Child | Loop], indent: int, *, dense: bool) -> Iterator[Entry]:
        """Yield the arguments that a row of modules is made of; equal ones that have no names are one."""
        rows: list[tuple[Entry, int]] = []
        for child in children:
            comment = self.comment(child)
            if isinstance(child, Loop):
                rows.append((Entry(self.comprehension(child, indent), "*", comment), 1))
                continue
            entry = Entry(self.module(child.module, indent), "" if dense else f"{child.name}=", comment)
            if dense and rows and rows[-1][0] == entry:
                rows[-1] = (entry, rows[-1][1] + 1)
            else:
                rows.append((entry, 1))
        for entry, times_ in rows:
            if times_ < ALIKE:
                yield from [entry] * times_
            else:
                clause = f"for _ in range({times_})"
                yield Entry(Brackets("(", (Entry(entry.value), Entry(clause)), joint=""), "*", entry.comment)

    def comprehension(self, loop: Loop, indent: int) -> Layout:
        """Return modules that are made alike."""
        uses_index = any(INDEX in names_in(formula) for formula in formulas_in(loop.module))
        self.called[INDEX] = self.free("index") if uses_index else "_"
        clause = f"for {self.called[INDEX]} in {self.range(constant(loop.first), loop.count)}"
        value = self.module(loop.module, indent)
        del self.called[INDEX]
        return Brackets("(", (Entry(value), Entry(clause)), joint="")

    def either(self, either: Either, indent: int) -> Layout:
        """Return a composition where a condition holds, and else its first part alone."""
        first, *others = either.made.arguments
        part = self.kept(either.alone, self.module(first.value, indent), indent)
        condition = self.text(either.condition)
        if not condition.isidentifier():
            variable = self.local_name("skip")
            self.out.append(f"{' ' * indent}{variable} = {condition}")
            condition = variable
        rest = [Entry(self.module(argument.value, indent), self.key("", argument.key)) for argument in others]
        made = call(either.made.name, Entry(part, self.key("", first.key)), *rest)
        return Choice(made, condition, call("sequential", Entry(part, f"{either.alone}=")))


def parameter_names(definition: Definition, taken: set[str]) -> dict[str, str]:
    """Return the names in Python of a class's parameters, and of what it calculates."""
    return identifiers([*(p.name for p in definition.parameters), *definition.calculated], taken)


def is_dense(children: Sequence[Child | Loop]) -> bool:
    """Tell whether children are called by their numbers, without a gap, and are all there."""
    for number, child in enumerate(children):
        if child.condition is not None:
            return False
        if isinstance(child, Loop):
            if child.prefix or child.offset or child.first != number or child is not children[-1]:
                return False
        elif child.name != str(number):
            return False
    return bool(children)


def needs_statements(module: Any) -> bool:
    """Tell whether a module is no single expression."""
    if isinstance(module, Made):
        return any(map(_is_statement, module.arguments))
    if not isinstance(module, Group):
        return isinstance(module, Either)
    if any(child.condition is not None or needs_statements(child.module) for child in module.children):
        return True
    return not (is_dense(module.children) or all(map(_has_key, module.children)))


def _called(module: Any) -> str:
    """Return what a variable for a module may be called."""
    role = module.role if isinstance(module, Group) else ""
    return f"branch{role}" if role.isdigit() else role or "part"


def _has_key(child: Child | Loop) -> bool:
    """Tell whether a child's name can be the key of an argument."""
    return isinstance(child, Child) and isinstance(child.name, str) and not child.name.isdigit()


def _is_statement(argument: Argument) -> bool:
    """Tell whether an argument is written before the call: what has no key there gets a name instead."""
    several = isinstance(argument.value, Group) and len(argument.value.children) > 1
    return (several and not argument.key) or needs_statements(argument.value)


def _typed(parameter: Parameter) -> str:
    """Return the type of a parameter, and its default if it has one."""
    if parameter.default is ...:
        return annotation(parameter.values)
    told = annotation([*parameter.values, parameter.default])
    return f"{told} = {literal(float(parameter.default) if told == 'float' else parameter.default)}"
