"""How much of its input a value of a layer's output sees is held to what an impulse in the input shows."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from cnnspec.errors import RuleError
from cnnspec.layers import Case, Layer
from cnnspec.model import modules
from cnnspec.shape import Shape, volume
from cnnspec.testing.expecting import expect_equal

SIZES = {1: 60, 2: 13, 3: 8}
"""Inputs on an axis, by the number of axes: enough for a value that the edges do not cut short."""

STATISTICAL = ("normalization", "dense")
"""Families whose values also depend on means over all inputs, or that leave no places."""


def check_reach(layer: Layer, case: Case) -> None:
    """See that the output that depends on most inputs depends on as many as the layer says."""
    # Circular padding lets the values at one edge see the other one, too.
    if layer.family in STATISTICAL or len(case.input) == 1 or case.fields.get("padding_mode") == "circular":
        return
    x = next(_inputs(layer, case))
    places, reach = seen(layer.build(modules, x), x), layer.reach(x)
    for axis, n in enumerate(x[1:]):
        most = max(last - first + 1 for first, last in ranges(places, axis))
        expect_equal(f"inputs seen on axis {axis}", n if reach is None else min(n, reach[axis].size), most)


def _inputs(layer: Layer, case: Case) -> Iterator[Shape]:
    """Yield inputs that are large enough and that the layer takes, and its case's own at last."""
    rank = len(case.input) - 1
    for size in range(SIZES[rank], 2 * SIZES[rank]):
        x = (case.input[0], *(size,) * rank)
        try:
            layer.output_shape(x)
        except RuleError:
            continue
        yield x
    yield case.input


def seen(module: nn.Module, x: Shape) -> Tensor:
    """Return for each place of the output, flat, at which places of the input an impulse changes it."""
    module = module.double().eval()
    for parameter in module.parameters():
        nn.init.uniform_(parameter, 0.1, 1)  # nothing cancels out
    places = volume(x[1:])
    impulses = torch.zeros(places, x[0], places, dtype=torch.double)
    impulses[torch.arange(places), :, torch.arange(places)] = torch.arange(1, x[0] + 1, dtype=torch.double)
    with torch.no_grad():
        silence = module(torch.zeros(1, *x, dtype=torch.double))
        changed = (module(impulses.reshape(places, *x)) - silence).abs().sum(1).flatten(1) > 1e-12
    places_seen: Tensor = changed.T.reshape(-1, *x[1:])
    return places_seen


def ranges(places: Tensor, axis: int) -> list[tuple[int, int]]:
    """Return the first and the last place along an axis that each value of the output depends on."""
    others = tuple(a for a in range(1, places.ndim) if a != axis + 1)
    lines = places.any(dim=others) if others else places
    return [(int(line.nonzero().min()), int(line.nonzero().max())) for line in lines if line.any()]
