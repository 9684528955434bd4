"""The summary: a row a layer or block with shape, kernel, parameters and MACs, then the totals."""

import csv
import io
import textwrap
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from cnnspec.memory import in_units, predict
from cnnspec.plan import Plan, Step
from cnnspec.shape import times
from cnnspec.views import receptive
from cnnspec.views.outline import Line, outline
from cnnspec.views.receptive import Field, fields

GAPS = (3, 2, 1)
"""Columns between two cells: as many as there is room for."""
NAME, NARROWEST_NAME = 36, 8
"""Columns that a longer name is wrapped to, before a column of numbers is left out and after it."""
INDENT = "  "


class Row(NamedTuple):
    """A line of the summary, as text."""

    layer: str
    output: str = ""
    kernel: str = ""
    field: str = ""
    params: str = ""
    macs: str = ""
    share: str = ""


HEADINGS = Row("layer", "output shape", "kernel", "receptive field", "parameters", "MACs", "share")
NUMBERS = ("params", "macs", "share")
"""Columns that are aligned to the right."""
SPARED = ((), ("share",), ("share", "field"), ("share", "field", "kernel"))
"""Columns that are left out where there is no room, from none to all that can be."""


def rows(plan: Plan, depth: int | None = None) -> list[Row]:
    """Return the summary's rows: the lines of the network's outline, opened `depth` levels."""
    total, seen = plan.params, fields(plan)
    return [
        Row(
            INDENT * line.indent + _label(line, plan),
            times(line.last.output),
            _kernel(line),
            _field(line.last, seen),
            f"{line.params:,}" if line.params else "",
            f"{line.macs:,}" if line.macs else "",
            f"{100 * line.params / total:.1f} %" if line.params else "",
        )
        for line in outline(plan, depth)
    ]


def table(plan: Plan, depth: int | None = None, width: int = 100) -> list[str]:
    """Return the summary as the lines of a table `width` columns wide.

    Where there is no room, some columns are left out, and names that are too long are wrapped.
    Laid out here and not by rich, whose tables are slow: this command must answer at once.
    """
    cells = [HEADINGS, Row("input", times(plan.input_shape)), *rows(plan, depth)]
    names, *others = (max(map(len, column)) for column in zip(*cells, strict=True))
    widths = dict(zip(Row._fields[1:], others, strict=True))
    for spared in SPARED:
        kept = [name for name in widths if name not in spared]
        room = {gap: width - sum(widths[name] + gap for name in kept) for gap in GAPS}
        gap = next((gap for gap in GAPS if room[gap] >= min(names, NAME)), GAPS[-1])
        if room[gap] >= min(names, NAME):
            break
    columns = {"layer": min(names, max(room[gap], NARROWEST_NAME))} | {name: widths[name] for name in kept}
    heading, *lines = (line for row in cells for line in _lines(row, columns, " " * gap))
    return [heading, "─" * (sum(columns.values()) + gap * len(kept)), *lines]


def _lines(row: Row, columns: Mapping[str, int], gap: str) -> list[str]:
    """Return a row as text: names to the left, numbers to the right; more lines for a wrapped name."""
    name = row.layer.lstrip()
    indent = " " * (len(row.layer) - len(name))
    if len(row.layer) > columns["layer"]:
        room = max(columns["layer"] - len(indent) - len(INDENT), NARROWEST_NAME)
        name, *rest = (part.replace(". ", ".") for part in textwrap.wrap(name.replace(".", ". "), room))
    else:
        rest = []
    cells = row._replace(layer=indent + name)._asdict()
    texts = (
        cells[name].rjust(width) if name in NUMBERS else cells[name].ljust(width)
        for name, width in columns.items()
    )
    return [gap.join(texts).rstrip(), *(indent + INDENT + part for part in rest)]


def hint(plan: Plan, depth: int | None = None) -> str:
    """Return the line that tells how to see what the summary has not opened; empty if that is nothing."""
    depths = [line.depth for line in outline(plan, depth) if line.depth]
    if not depths:
        return ""
    told = "1 row stands" if len(depths) == 1 else f"{len(depths)} rows stand"
    return f"{told} for several layers; --depth {max(depths)} opens {'it' if len(depths) == 1 else 'them'}"


def totals(plan: Plan, batch: int | None = None) -> list[str]:
    """Return the lines under the table; memory is for batches of `batch`, or of the spec's size."""
    need, batch = predict(plan), batch or plan.spec.train.batch_size
    peak, kept = need.peak(batch), need.activations(batch)
    always = {
        "weights": need.weights,
        "gradients": need.gradients,
        type(plan.spec.train.optimizer.options).__name__: need.optimizer,
        "moving average": need.average,
        "buffers": need.buffers,
    }
    by_batch = {"activations": kept, "working memory": max(0, peak - kept - sum(always.values()))}
    batches = f"batches of {batch} in {need.parts} parts" if need.parts > 1 else f"batches of {batch}"
    learning = f", {plan.trainable:,} of them trainable" if plan.trainable < plan.params else ""
    return [
        f"{plan.params:,} parameters{learning}, {plan.macs:,} MACs, output {times(plan.output_shape)}",
        *_field_total(plan),
        f"memory (float32): {in_units(need.untrained)}; {in_units(peak)} for training in {batches}:",
        *(INDENT + told for told in (_sizes(always), _sizes(by_batch)) if told),
    ]


def _sizes(parts: dict[str, int]) -> str:
    return ", ".join(f"{name} {in_units(size)}" for name, size in parts.items() if size)


def as_json(plan: Plan, batch: int | None = None) -> dict[str, Any]:
    """Return the summary as plain values, with every layer; shapes are lists, numbers are for one sample.

    A receptive field of None is the whole input. Memory is in bytes, for float32 and
    batches of `batch`, or of the spec's size.
    """
    seen, need, batch = fields(plan), predict(plan), batch or plan.spec.train.batch_size
    layers = [
        {
            "path": step.path,
            "type": step.type,
            "input": list(step.input),
            "output": list(step.output),
            "params": step.params,
            "macs": step.macs,
            "receptive_field": receptive.as_json(seen[step.path]),
        }
        for step in plan.layers
    ]
    return {
        "name": plan.name,
        "input": list(plan.input_shape),
        "output": list(plan.output_shape),
        "params": {"total": plan.params, "trainable": plan.trainable},
        "macs": plan.macs,
        "memory": {
            "batch": batch,
            "weights": need.weights,
            "gradients": need.gradients,
            "optimizer": need.optimizer,
            "average": need.average,
            "buffers": need.buffers,
            "activations": need.activations(batch),
            "peak": need.peak(batch),
        },
        "layers": layers,
    }


def as_csv(plan: Plan, depth: int | None = None) -> str:
    """Return the summary as CSV, a line a row of the table; shapes and kernels are written ``6x28x28``."""
    out, seen = io.StringIO(), fields(plan)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["path", "type", "input", "output", "kernel", "receptive_field", "params", "macs"])
    for line in outline(plan, depth):
        first, last = line.steps[0], line.last
        paths = first.path if first is last else f"{first.path} … {last.path}"
        shapes = [times(first.input), times(last.output), _kernel(line), _field(last, seen)]
        shapes = [text.replace("×", "x") for text in shapes]
        kind = last.type if line.heading or not line.kind else line.kind.replace("×", "x")
        kind = kind if first is last else f"{last.type} {kind}"
        writer.writerow([paths, kind, *shapes, line.params, line.macs])
    return out.getvalue()


def as_markdown(plan: Plan, depth: int | None = None) -> str:
    """Return the summary as a Markdown table."""
    total = Row("**total**", times(plan.output_shape), params=f"{plan.params:,}", macs=f"{plan.macs:,}")
    shown = [Row("input", times(plan.input_shape)), *rows(plan, depth), total]
    sides = ("---:" if name in NUMBERS else "---" for name in Row._fields)
    lines = (HEADINGS, sides, *(row._replace(layer=_indented(row.layer)) for row in shown))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _indented(name: str) -> str:
    """Return a name with spaces before it that Markdown keeps."""
    text = name.lstrip()
    return "\N{NO-BREAK SPACE}" * (len(name) - len(text)) + text


def _label(line: Line, plan: Plan) -> str:
    """Return a line's name, with what the name does not tell: the kind, and that none of it learns."""
    learning = [leaf for step in line.steps for leaf in step.leaves() if leaf.params]
    is_frozen = bool(learning) and all(plan.spec.train.is_frozen(leaf.path) for leaf in learning)
    told = ", ".join([*([line.kind] if line.kind else []), *(["frozen"] if is_frozen else [])])
    return f"{line.name} ({told})" if told else line.name


def _kernel(line: Line) -> str:
    """Return the window of the line's only layer that has one, or of all of them if they are the same."""
    if line.heading:
        return ""
    told = {_window(leaf) for step in line.steps for leaf in step.leaves()} - {""}
    return told.pop() if len(told) == 1 else ""


def _window(step: Step) -> str:
    """Return a layer's window as people write it: ``3×3 s2 p1``, leaving out what is 1 or 0."""
    windows = step.layer.windows(step.input) if step.layer else ()
    if not windows:
        return ""
    parts = [times(tuple(w.f for w in windows))]
    for letter, usual in (("s", 1), ("p", 0), ("d", 1)):
        values = tuple(getattr(w, letter) for w in windows)
        if set(values) != {usual}:
            parts.append(letter + _same(values))
    return " ".join(parts)


def _same(values: tuple[int | Fraction, ...]) -> str:
    """Return values as text: one where all are the same, else all of them."""
    return "×".join(map(str, values[:1] if len(set(values)) == 1 else values))


def _field(step: Step, seen: Mapping[str, Field | None]) -> str:
    field = seen[step.path]
    return times(field.size) if field else "all"


def _field_total(plan: Plan) -> list[str]:
    """Return the line that tells what the output sees of the input, and what is seen before that."""
    seen, last = fields(plan), ""
    for line in outline(plan):
        if line.heading:  # its parts tell more
            continue
        field = seen[line.last.path]
        if field is None:
            before = f"{last}; from {line.steps[0].path} on, " if last else ""
            return [f"receptive field: {before}the whole input"]
        last = f"{times(field.size)}, stride {_same(field.stride)}"
    return [f"receptive field: {last}"] if last else []
