"""The summary: one row a layer with shape, kernel, parameters and MACs, then the totals."""

import csv
import io
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

from cnnspec.plan import Plan, Step
from cnnspec.shape import times, volume

FLOAT_BYTES = 4

GAP, NARROWEST_NAME = 3, 8
"""Columns between two cells where there is room for it, and the least that a name may have."""


class Row(NamedTuple):
    """A line of the summary, as text."""

    layer: str
    output: str
    kernel: str
    params: str
    macs: str
    share: str


class Memory(NamedTuple):
    """Bytes in float32: the weights, what training keeps for them, and the layers' outputs for a batch."""

    weights: int
    optimizer: int
    outputs: int


HEADINGS = Row("layer", "output shape", "kernel", "parameters", "MACs", "share")


def rows(plan: Plan, depth: int | None = None) -> list[Row]:
    """Return the summary's rows; groups deeper than `depth` levels are one row each."""
    total = plan.params
    return [
        Row(
            _label(step),
            times(step.output),
            _kernel(step),
            f"{step.params:,}" if step.params else "",
            f"{step.macs:,}" if step.macs else "",
            f"{100 * step.params / total:.1f} %" if step.params else "",
        )
        for top in plan.steps
        for step in _visible(top, depth, 1)
    ]


def memory(plan: Plan) -> Memory:
    """Return the memory that the plan needs in float32, from its shapes alone.

    Training keeps each weight, its gradient and Adam's two moments; the outputs of all
    layers are kept for the backward pass, for one batch of the spec's size. What torch
    needs besides (work space, the data) is not in it.
    """
    outputs = sum(volume(step.output) for step in plan.layers) + volume(plan.input_shape)
    batch = plan.spec.train.batch_size
    weights = plan.params * FLOAT_BYTES
    return Memory(weights, 4 * weights, outputs * batch * FLOAT_BYTES)


def table(plan: Plan, depth: int | None = None, width: int = 100) -> list[str]:
    """Return the summary as the lines of a table `width` columns wide; names that are too long are wrapped.

    Laid out here and not by rich, whose tables are slow: this command must answer at once.
    """
    cells = [HEADINGS, Row("input", times(plan.input_shape), "", "", "", ""), *rows(plan, depth)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    gap = GAP if sum(widths) + GAP * (len(widths) - 1) <= width else 1
    room = width - sum(widths[1:]) - gap * (len(widths) - 1)
    widths[0] = min(widths[0], max(room, NARROWEST_NAME))
    lines = [line for row in cells for line in _lines(row, widths, " " * gap)]
    return [lines[0], "─" * (sum(widths) + gap * (len(widths) - 1)), *lines[1:]]


def _lines(row: Row, widths: list[int], gap: str) -> list[str]:
    """Return a row as text: names to the left, numbers to the right; more lines for a wrapped name."""
    first, *more = textwrap.wrap(row.layer, widths[0])
    names = [row.output.ljust(widths[1]), row.kernel.ljust(widths[2])]
    numbers = [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
    return [gap.join([first.ljust(widths[0]), *names, *numbers]).rstrip(), *more]


def totals(plan: Plan) -> list[str]:
    """Return the lines under the table."""
    need, batch = memory(plan), plan.spec.train.batch_size
    training = f"{_bytes(need.optimizer)} for weights, gradients and Adam's moments"
    return [
        f"{plan.params:,} parameters, {plan.macs:,} MACs, output {times(plan.output_shape)}",
        f"memory (float32): {_bytes(need.weights)} of weights",
        f"training in batches of {batch}: {training}, {_bytes(need.outputs)} for the layers' outputs",
    ]


def as_json(plan: Plan) -> dict[str, Any]:
    """Return the summary as plain values; shapes are lists, numbers are for one sample."""
    layers = [
        {
            "path": step.path,
            "type": step.type,
            "input": list(step.input),
            "output": list(step.output),
            "params": step.params,
            "macs": step.macs,
        }
        for step in plan.layers
    ]
    return {
        "name": plan.name,
        "input": list(plan.input_shape),
        "output": list(plan.output_shape),
        "params": {"total": plan.params, "trainable": plan.params},
        "macs": plan.macs,
        "layers": layers,
    }


def as_csv(plan: Plan, depth: int | None = None) -> str:
    """Return the summary as CSV; shapes and kernels are written ``6x28x28``."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["path", "type", "input", "output", "kernel", "params", "macs"])
    for top in plan.steps:
        for step in _visible(top, depth, 1):
            shapes = [times(step.input), times(step.output), _kernel(step)]
            shapes = [text.replace("×", "x") for text in shapes]
            writer.writerow([step.path, step.type, *shapes, step.params, step.macs])
    return out.getvalue()


def as_markdown(plan: Plan, depth: int | None = None) -> str:
    """Return the summary as a Markdown table."""
    lines = [_markdown_row(HEADINGS), "| --- | --- | --- | ---: | ---: | ---: |"]
    lines.append(_markdown_row(Row("input", times(plan.input_shape), "", "", "", "")))
    lines += [_markdown_row(row) for row in rows(plan, depth)]
    lines.append(
        _markdown_row(
            Row("**total**", times(plan.output_shape), "", f"{plan.params:,}", f"{plan.macs:,}", "")
        )
    )
    return "\n".join(lines) + "\n"


def _markdown_row(row: Row) -> str:
    return "| " + " | ".join(row) + " |"


def _visible(step: Step, depth: int | None, level: int) -> Iterator[Step]:
    if not step.children or (depth is not None and level >= depth):
        yield step
        return
    for child in step.children:
        yield from _visible(child, depth, level + 1)


def _label(step: Step) -> str:
    if step.layer is None:
        return f"{step.path} ({step.children[0].type} ×{len(step.children)})" if step.children else step.path
    return step.label


def _kernel(step: Step) -> str:
    """Return the window as people write it: ``3×3 s2 p1``, leaving out what is 1 or 0."""
    windows = step.layer.windows(step.input) if step.layer else ()
    if not windows:
        return ""
    parts = [times(tuple(w.f for w in windows))]
    for letter, usual in (("s", 1), ("p", 0), ("d", 1)):
        values = tuple(getattr(w, letter) for w in windows)
        if set(values) != {usual}:
            parts.append(letter + (str(values[0]) if len(set(values)) == 1 else times(values)))
    return " ".join(parts)


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"
