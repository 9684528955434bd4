"""What a module does in training only, which is not in its spec: told as warnings."""

import random
from typing import Any

import torch
from torch import fx

from cnnspec.errors import Problem
from cnnspec.importing.trace import Traced, Tracer, of_input


def in_training(traced: Traced) -> list[Problem]:
    """Return warnings of what the module does otherwise in training, and of its parts that do nothing."""
    what = "the module does something else in training"
    why = "this line asks for it, and the spec does what the module does while it evaluates"
    asked = traced.asked if traced.asked and not _trains_the_same(traced) else ()
    return [
        *(Problem(what, why, place=place, severity="warning") for place in asked),
        *_idle(traced),
    ]


def _idle(traced: Traced) -> list[Problem]:
    """Return warnings of modules that did nothing, but may in training."""
    found = []
    for path in traced.idle:
        kind = type(traced.module.get_submodule(path)).__name__
        what = f"{path} ({kind}) is left out"
        why = "it gives back what it is given while the network evaluates, whatever it does in training"
        found.append(Problem(what, why, severity="warning"))
    return found


def _trains_the_same(traced: Traced) -> bool:
    """Tell whether a module does the same with its input in training, and without drawing random numbers."""
    before = random.getstate()
    with torch.random.fork_rng(devices=[]):
        drawn = torch.get_rng_state()
        try:
            other = Tracer(traced.x, traced.module, training=True).traced()
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001  # the module's own code may raise anything, also SystemExit
            return False
        finally:
            same = random.getstate() == before and torch.equal(torch.get_rng_state(), drawn)
            random.setstate(before)
    return same and _done(traced.graph) == _done(other)


def _done(graph: fx.Graph) -> list[str]:
    """Return what is done with the input of a graph, line by line, save the mode of batch normalizations."""
    counted = of_input(graph)
    lines = []
    for node in graph.nodes:
        if node in counted:
            told: tuple[Any, ...] = (node.args, node.kwargs)
            if getattr(node.target, "__name__", "") == "batch_norm":
                told = fx.node.map_aggregate(told, lambda one: None if isinstance(one, bool) else one)
            lines.append(f"{node.name} = {node.target}{told}")
    return lines
