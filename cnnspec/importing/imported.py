"""A network read from a module: a spec with its text, and the module's weights under its names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cnnspec.errors import Problem
from cnnspec.importing.fold import folded, written_out
from cnnspec.importing.fold.items import Network, tidied
from cnnspec.importing.tree import Leaf, Row, leaves
from cnnspec.importing.write import write
from cnnspec.plan import Plan, Step
from cnnspec.shape import Shape
from cnnspec.spec import Spec, loads

if TYPE_CHECKING:
    from cnnspec.layers import Layer


@dataclass(frozen=True, slots=True)
class Imported(Spec):
    """The spec of a module, with its `text`.

    `sources` maps the names of the network's weights to those of the module's. `warnings` tell
    what of the module is not in the spec, as it has no part in what it computes.
    """

    text: str = field(default="", repr=False)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    warnings: tuple[Problem, ...] = ()
    tensors: Mapping[str, Tensor] = field(default_factory=dict, repr=False, compare=False)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the module's weights under the network's names, in the same memory.

        A count of batches that the module does not keep is 0.
        """
        found: dict[str, Tensor] = {}
        for name, empty in empty_model(self.plan()).state_dict().items():
            source = self.sources.get(name)
            known = torch.zeros(empty.shape, dtype=empty.dtype) if source is None else self.tensors[source]
            found[name] = known.reshape(empty.shape)
        return found

    def build(self) -> nn.Module:
        """Return the network with a copy of the module's weights."""
        model: nn.Module = self.plan().build()
        like = next((tensor for tensor in self.tensors.values() if tensor.is_floating_point()), None)
        if like is not None:
            model.to(device=like.device, dtype=like.dtype)
        model.load_state_dict(self.state_dict())
        return model


def spec_of(  # noqa: PLR0917  # a spec is made of these, in this order
    row: Row,
    name: str,
    description: str,
    x: Shape,
    tensors: Mapping[str, Tensor],
    warnings: tuple[Problem, ...],
) -> Imported:
    """Return the spec of a network that is given as layers and forks."""
    for say in (folded, written_out):
        text, spec = spec_from(say(row), name, description, x)
        plan = spec.plan()
        if says(plan, row):
            break
    sources = dict(_sources(plan, row))
    given = {one.name: getattr(spec, one.name) for one in fields(Spec)}
    return Imported(**given, text=text, sources=sources, warnings=warnings, tensors=tensors)


def spec_from(network: Network, name: str, description: str, x: Shape) -> tuple[str, Spec]:
    """Return the text of a network, and the spec that it is."""
    text = write(network, name, description, x)
    return text, loads(text, file=f"<{name}>")


def says(plan: Plan, row: Row) -> bool:
    """Tell whether a plan has the layers of a row with the same inputs, merged in the same way."""
    return list(_planned(plan.steps)) == list(_wanted(row))


def _planned(steps: Iterable[Step]) -> Iterator[tuple[object, ...]]:
    """Yield the layers and mergings of a plan, whatever groups they stand in."""
    for step in steps:
        if step.layer:
            yield _told(step.layer, step.input)
        elif step.composite:
            yield step.type, step.input, [list(_planned(part.children)) for part in step.children]
        else:
            yield from _planned(step.children)


def _wanted(row: Row) -> Iterator[tuple[object, ...]]:
    """Yield the layers and mergings of a row in the same form."""
    for node in row:
        if isinstance(node, Leaf):
            yield _told(node.layer, node.x)
        else:
            yield node.kind, node.x, [list(_wanted(branch)) for branch in node.branches]


def _told(layer: "Layer", x: Shape) -> tuple[object, ...]:
    return layer.type, x, {name: tidied(getattr(layer, name)) for name in type(layer).model_fields}


def _sources(plan: Plan, row: Row) -> Iterator[tuple[str, str]]:
    """Yield the name of each weight with that of the module's."""
    pair: tuple[Step, Leaf]
    for pair in zip(plan.layers, leaves(row), strict=True):
        for name, source in pair[1].weights.items():
            yield f"{pair[0].path}.{name}", source


def empty_model(plan: Plan) -> nn.Module:
    """Return the plan's network without numbers."""
    with torch.device("meta"):
        return plan.build()
