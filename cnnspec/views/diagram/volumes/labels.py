"""What is written and told on hover in pictures of volumes."""

from cnnspec.plan import Step
from cnnspec.shape import AXES, Shape, times, volume
from cnnspec.views.diagram.labels import hover
from cnnspec.views.diagram.volumes.model import Operation


def window_label(step: Step) -> str:
    """Return a layer with its window, as figures have it: ``conv 5×5, s2``; the volumes show the rest."""
    layer = step.layer
    assert layer is not None
    windows = layer.windows(step.input)
    name = getattr(layer, "kernel", None)
    if not windows or isinstance(name, str):  # fixed filters have names
        return name if isinstance(name, str) else step.type
    sizes = tuple(window.f for window in windows)
    strides = tuple(window.s for window in windows)
    usual = sizes if layer.family == "pooling" else (1,) * len(sizes)
    steps = strides[:1] if len(set(strides)) == 1 else strides
    return f"{step.type} {times(sizes)}" + (f", s{times(steps)}" if strides != usual else "")


def operation_title(operation: Operation) -> str:
    """Return what is told of an operation: its formulas, and what its repetitions come to."""
    steps = operation.steps
    if len(steps) == 1 or not operation.layer or not operation.repeats:
        return hover(steps)
    return f"{hover(steps[:1])}\n{len(steps)} times, {hover(steps)}"


def shape_title(shape: Shape) -> str:
    """Return what is told of a volume: ``6 channels, 28 height × 28 width: 4,704 values``."""
    if len(shape) == 1:
        return f"{shape[0]:,} values"
    axes = " × ".join(f"{name} {size}" for name, size in zip(AXES[len(shape) - 1], shape[1:], strict=True))
    channels = "1 channel" if shape[0] == 1 else f"{shape[0]:,} channels"
    return f"{channels}, {axes}: {volume(shape):,} values"
