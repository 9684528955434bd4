"""What stands in the boxes of a picture, and what is told of them on hover."""

from collections.abc import Mapping, Sequence
from typing import Any

from cnnspec.language.arithmetic import Value
from cnnspec.language.blocks import Block
from cnnspec.layers import REGISTRY, Layer
from cnnspec.naming import numbered
from cnnspec.plan import Step
from cnnspec.shape import times
from cnnspec.views.diagram.flow.graph import Fork
from cnnspec.views.explain import explain_step, heading

WINDOW = ("kernel", "stride", "dilation", "padding", "output_padding", "ceil_mode", "count_include_pad")
"""Fields of a window; a label tells its size and steps, and the shapes beside it tell the rest."""
QUIET = ("bias", "affine", "eps", "momentum", "padding_mode", "align_corners")
"""Fields that are told by nobody who draws a network."""


def given_name(step: Step) -> str:
    """Return the name that the spec gives a step, ``stage.0`` for a repetition, or an empty text."""
    outer, _, name = step.path.rpartition(".")
    if name.isdecimal():
        return f"{outer.rpartition('.')[2]}.{name}" if outer else name
    number = name[len(name.rstrip("0123456789")) :]
    return "" if number and name == numbered(step.type, int(number)) else name


def named(name: str, text: str) -> str:
    """Return a label after a name; the label alone where the name says nothing more."""
    if not name or name == text:
        return text
    return name if name.rpartition(".")[0] == text else f"{name}: {text}"


def repeated(text: str, count: int) -> str:
    """Return a label of something that is there several times: ``basic ×2``."""
    return f"{text} ×{count}" if count > 1 else text


def layer_label(step: Step) -> str:
    """Return a layer with its numbers, as papers write it: ``conv 3×3, 64, stride 2``."""
    layer = step.layer
    assert layer is not None
    facts = [*_window(layer, step), *_fields(layer, step)]
    return f"{step.type} {', '.join(facts)}" if facts else step.type


def _window(layer: Layer, step: Step) -> list[str]:
    """Return size, filters, and steps of a layer's window."""
    windows = layer.windows(step.input)
    if not windows:
        return []
    sizes, strides, dilations = ([getattr(w, letter) for w in windows] for letter in "fsd")
    told = [times(tuple(sizes)) if len(sizes) > 1 else f"kernel {sizes[0]}"]
    filters = getattr(layer, "filters", None)
    if filters is not None:
        told.append(str(filters))
    stride = type(layer).model_fields.get("stride")
    usual = sizes if stride and stride.default is None else [1] * len(sizes)
    told += [f"stride {_same(strides)}"] * (strides != usual)
    return told + [f"dilation {_same(dilations)}"] * any(d != 1 for d in dilations)


def _same(values: Sequence[int]) -> str:
    """Return values as text: one where all are the same, else all of them."""
    return str(values[0]) if len(set(values)) == 1 else times(tuple(values))


def _fields(layer: Layer, step: Step) -> list[str]:
    """Return the other fields that matter: those that had to be given, and those that are not as usual."""
    has_window = bool(layer.windows(step.input))
    facts = []
    for name, field in type(layer).model_fields.items():
        value = getattr(layer, name)
        if name in QUIET or name == "filters" or (has_window and name in WINDOW and not _is_word(value)):
            continue
        if name == "groups" and value == step.input[0] > 1 and has_window:
            facts.append("depthwise")
        elif name == layer.main and value is not None:
            facts.append(shown_value(value))
        elif field.is_required() or value != field.default:
            facts.append(_told(name, shown_value(value)))
    return facts


def _is_word(value: Any) -> bool:
    """Tell whether a window's size is told by a word, as those of fixed filters are."""
    return isinstance(value, str) and value not in ("same", "valid")


def _told(name: str, value: str) -> str:
    """Return a name with its value, the name alone for ``true``."""
    words = name.replace("_", " ")
    return words if value == "true" else f"{words} {value}"


def shown_value(value: Value) -> str:
    """Return a value as a picture shows it: ``true``, ``0.25``, ``3×3``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, (tuple, list)):
        plain = all(isinstance(one, int) for one in value)
        return times(tuple(value)) if plain and value else "[…]"
    return str(value)


def arguments(steps: Sequence[Step], blocks: Mapping[str, Block]) -> str:
    """Return the values of a block's arguments, and where repetitions differ, how: ``stride 2, then 1``.

    Those that the block gives itself are left out.
    """
    facts = []
    for name, default in blocks[steps[0].type].arguments.items():
        values = [step.arguments[name] for step in steps if name in step.arguments]
        usual = default is not None and (
            bool(default.holes) or set(map(repr, values)) == {repr(default.value)}
        )
        if values and not usual:
            facts.append(_told(name, _course(values)))
    return ", ".join(facts)


def _course(values: Sequence[Value]) -> str:
    """Return the values that repetitions have, one after the other."""
    told = [shown_value(value) for value in values]
    if len(set(told)) == 1:
        return told[0]
    return f"{told[0]} then {told[1]}" if len(set(told[1:])) == 1 else f"{told[0]} … {told[-1]}"


def hover(steps: Sequence[Step]) -> str:
    """Return what a box tells on hover: shapes, formulas, parameters and MACs."""
    first, last = steps[0], steps[-1]
    if len(steps) == 1 and first.layer:
        explanation = explain_step(first)
        return "\n".join([heading(first), explanation.text, *(f"{f.of}: {f}" for f in explanation.formulas)])
    paths = first.path if first is last else f"{first.path} … {last.path}"
    facts = [f"{paths}: {times(first.input)} → {times(last.output)}"]
    for name, total in (("parameters", sum(s.params for s in steps)), ("MACs", sum(s.macs for s in steps))):
        if total:
            facts.append(f"{total:,} {name}")
    return "\n".join(facts)


def merge_hover(fork: Fork) -> str:
    """Return what the place where branches meet tells on hover."""
    outputs = [times(branch.row.output) for branch in fork.branches for _ in range(branch.count)]
    return f"{fork.step.path}: {f' {fork.sign} '.join(outputs)} → {times(fork.step.output)}"


def is_block(step: Step) -> bool:
    """Tell whether a step is the call of a block."""
    return not step.layer and step.type not in REGISTRY
