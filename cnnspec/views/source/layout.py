"""Calls in lines as Black and Ruff format them: whole, with all arguments on a line, or one on each."""

from collections.abc import Sequence
from dataclasses import dataclass

from cnnspec.language.arithmetic import Value
from cnnspec.views.source.notation import literal

WIDTH = 88
"""Columns of a line at most, as Black and Ruff have it by themselves."""

STEP = 4


@dataclass(frozen=True)
class Entry:
    """What stands between brackets, with what goes before it, and a comment at the line's end."""

    value: "Layout"
    before: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Brackets:
    """Entries in brackets after a name; `joint` is what stands between them."""

    head: str
    entries: tuple[Entry, ...] = ()
    tail: str = ")"
    joint: str = ","


@dataclass(frozen=True)
class Choice:
    """``one if test else other``."""

    one: "Layout"
    test: str
    other: "Layout"


Layout = str | Brackets | Choice


def call(head: str, *entries: Entry) -> Brackets:
    """Return the layout of a call."""
    return Brackets(f"{head}(", entries)


def listed(entries: Sequence["Layout"]) -> Layout:
    """Return the layout of a tuple."""
    if len(entries) == 1:
        return f"({flat(entries[0])},)"
    return Brackets("(", tuple(map(Entry, entries)))


def layout_of(value: Value) -> Layout:
    """Return the layout of a plain value."""
    return listed([layout_of(one) for one in value]) if isinstance(value, tuple) else literal(value)


def flat(layout: Layout) -> str:
    """Return a layout on one line, without its comments."""
    if isinstance(layout, str):
        return layout
    if isinstance(layout, Choice):
        return f"{flat(layout.one)} if {layout.test} else {flat(layout.other)}"
    inner = f"{layout.joint} ".join(_flat_entry(entry) for entry in layout.entries)
    return f"{layout.head}{inner}{layout.tail}"


def has_comments(layout: Layout) -> bool:
    """Tell whether there is a comment in a layout, so that it needs several lines."""
    if isinstance(layout, str):
        return False
    if isinstance(layout, Choice):
        return has_comments(layout.one) or has_comments(layout.other)
    return any(entry.comment or has_comments(entry.value) for entry in layout.entries)


def lines(layout: Layout, indent: int, before: str = "", after: str = "", comment: str = "") -> list[str]:
    """Return the lines of a layout, with what stands before it on its first and after it on its last."""
    start, end = " " * indent + before, after + _remark(comment)
    if not has_comments(layout) and len(start + flat(layout) + end) <= WIDTH:
        return [start + flat(layout) + end]
    if isinstance(layout, Choice):
        return _choice(layout, indent, start, end, is_argument=after == ",")
    if isinstance(layout, str) or not layout.entries:
        return [start + flat(layout) + end]
    return [start + layout.head, *_inner(layout, indent + STEP), " " * indent + layout.tail + end]


def _inner(layout: Brackets, indent: int) -> list[str]:
    """Return the lines between brackets: one, or one for each entry."""
    *most, last = layout.entries
    body = " " * indent + f"{layout.joint} ".join(_flat_entry(entry) for entry in layout.entries)
    is_tuple = layout.head == "(" and bool(layout.joint)  # each of its entries has a line, if not all fit
    has_remark = any(entry.comment or has_comments(entry.value) for entry in layout.entries)
    if not (is_tuple or has_remark) and len(body) <= WIDTH:
        return [body]
    found = [line for e in most for line in lines(e.value, indent, e.before, layout.joint.strip(), e.comment)]
    # A single argument that takes several lines has no comma after it.
    return found + lines(last.value, indent, last.before, layout.joint.strip() if most else "", last.comment)


def _choice(layout: Choice, indent: int, start: str, end: str, *, is_argument: bool) -> list[str]:
    """Return the lines of a choice, in brackets unless it is an argument of a call."""
    if is_argument:
        first, *rest = lines(layout.one, indent)
        head = start + first.lstrip()
        return [head, *rest, f"{' ' * indent}if {layout.test}", *lines(layout.other, indent, "else ", end)]
    inner = indent + STEP
    body = [" " * inner + flat(layout)]
    if has_comments(layout) or len(body[0]) > WIDTH:
        one, other = lines(layout.one, inner), lines(layout.other, inner, "else ")
        body = [*one, f"{' ' * inner}if {layout.test}", *other]
    return [f"{start}(", *body, f"{' ' * indent}){end}"]


def _flat_entry(entry: Entry) -> str:
    return entry.before + flat(entry.value)


def _remark(comment: str) -> str:
    return f"  # {comment}" if comment else ""
