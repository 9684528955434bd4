"""Weights of a network into a model of ours, whatever its layers are called."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from cnnspec.errors import CheckpointError, Problem, shown
from cnnspec.shape import Shape, times

Tensors = Mapping[str, Tensor]

SHOWN = 8
"""Names of each kind that the report's text lists at most."""


class Disagreement(NamedTuple):
    """A tensor of the model and the one that should fill it but has another shape."""

    ours: str
    theirs: str
    our_shape: Shape
    their_shape: Shape

    def __str__(self) -> str:
        return f"{self.ours} {_size(self.our_shape)} and {self.theirs} {_size(self.their_shape)}"


@dataclass(frozen=True, slots=True)
class WeightsReport:
    """What became of each tensor when weights were loaded.

    `matched` has pairs (ours, theirs). `missing` are in the model only and keep their
    values; `unexpected` are in the state_dict only; `disagreed` are of different shapes.
    """

    how: Literal["name", "order"]
    matched: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    disagreed: tuple[Disagreement, ...]

    def __str__(self) -> str:
        number = len(self.matched)
        lines = [f"{number} {'tensor' if number == 1 else 'tensors'} loaded, matched by {self.how}"]
        lines += _listed("missing in the state_dict", self.missing)
        lines += _listed("unexpected in the state_dict", self.unexpected)
        lines += _listed("of another shape", map(str, self.disagreed))
        return "\n".join(lines)


def load_weights(model: nn.Module, state_dict: Tensors) -> WeightsReport:
    """Copy the weights of a state_dict into the model, and tell what matched.

    Where at least half of the model's keys are in the state_dict, tensors are matched by
    name. Else they are matched by the order in which they stand among those of their kind
    and shape, so that the same network written by someone else fits, and nothing is guessed
    where their numbers differ. Raises CheckpointError if nothing matches; the model is
    then as it was.
    """
    _check(state_dict)
    ours, theirs = model.state_dict(), dict(state_dict)
    by_name = 2 * sum(key in theirs for key in ours) >= len(ours)
    pairs = {key: key for key in ours if key in theirs} if by_name else _by_order(ours, theirs)
    matched = {o: t for o, t in pairs.items() if _trimmed(ours[o].shape) == _trimmed(theirs[t].shape)}
    used = set(pairs.values())
    report = WeightsReport(
        how="name" if by_name else "order",
        matched=tuple(matched.items()),
        missing=tuple(key for key in ours if key not in pairs),
        unexpected=tuple(key for key in theirs if key not in used),
        disagreed=tuple(
            Disagreement(o, t, tuple(ours[o].shape), tuple(theirs[t].shape))
            for o, t in pairs.items()
            if o not in matched
        ),
    )
    _check_match(report, ours, theirs)
    with torch.no_grad():
        for key, their_key in matched.items():
            ours[key].copy_(theirs[their_key].reshape(ours[key].shape))
    return report


def _by_order(ours: Tensors, theirs: Tensors) -> dict[str, str]:
    """Return our keys with theirs, also those whose shapes disagree."""
    pairs = _paired(ours, theirs, _kind)
    # Of a kind that both sides have, but not equally often, nothing is known: leave it.
    alone = {_kind(*item) for item in ours.items()} ^ {_kind(*item) for item in theirs.items()}
    left = {key: x for key, x in ours.items() if _kind(key, x) in alone}
    their_left = {key: x for key, x in theirs.items() if _kind(key, x) in alone}
    # The same layer may call its weights something else. Names that both sides use are never mixed up.
    common = {_last(key) for key in ours} & {_last(key) for key in theirs}
    by_shape = _paired(left, their_left, lambda _key, x: (_trimmed(x.shape), x.is_floating_point()))
    pairs |= {o: t for o, t in by_shape.items() if not {_last(o), _last(t)} <= common}
    # What has the same name and as many axes, and is left as often on both sides, differs in size only.
    used = set(pairs.values())
    left = {key: x for key, x in left.items() if key not in pairs}
    their_left = {key: x for key, x in their_left.items() if key not in used}
    return pairs | _paired(left, their_left, lambda key, x: (_last(key), len(_trimmed(x.shape))))


def _kind(key: str, tensor: Tensor) -> tuple[str, Shape]:
    """Return what tensors must have in common to be matched by order."""
    return _last(key), _trimmed(tensor.shape)


def _paired(ours: Tensors, theirs: Tensors, kind: Callable[[str, Tensor], Hashable]) -> dict[str, str]:
    """Return the pairs, in order, of those kinds of which both sides have equally many."""
    groups: dict[Hashable, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, tensors in enumerate((ours, theirs)):
        for key, tensor in tensors.items():
            groups[kind(key, tensor)][side].append(key)
    equal = (zip(o, t, strict=True) for o, t in groups.values() if len(o) == len(t))
    pairs = dict(chain.from_iterable(equal))
    return {key: pairs[key] for key in ours if key in pairs}


def _check(state_dict: Any) -> None:
    """Raise CheckpointError for anything but a mapping from names to tensors."""
    wanted = "weights are given as a state_dict, a mapping from names to tensors"
    if not isinstance(state_dict, Mapping):
        fix = "Give its `state_dict()`" if isinstance(state_dict, nn.Module) else ""
        raise CheckpointError(Problem(f"this is of type {type(state_dict).__name__}", wanted, fix))
    for key, value in state_dict.items():
        if not isinstance(value, Tensor):
            what = f"{shown(key)} is of type {type(value).__name__}, not a tensor"
            fix = "Give the part of it that holds the weights" if isinstance(value, Mapping) else "Remove it"
            raise CheckpointError(Problem(what, wanted, fix))


def _check_match(report: WeightsReport, ours: Tensors, theirs: Tensors) -> None:
    """Raise CheckpointError where nothing can be loaded, or not without loss."""
    if not report.matched:
        what = "the weights do not fit the model"
        why = f"none of the {len(theirs)} tensors given fits any of its {len(ours)}"
        if report.disagreed:
            why += f"; of different shapes are {report.disagreed[0]}"
        raise CheckpointError(Problem(what, why, "They are of another network, or of another size of it"))
    for key, their_key in report.matched:
        if ours[key].is_floating_point() and not theirs[their_key].is_floating_point():
            kind, other = (str(x.dtype).removeprefix("torch.") for x in (ours[key], theirs[their_key]))
            what, why = f"{their_key} is of {other}", f"{key} of the model is of {kind}"
            raise CheckpointError(Problem(what, why, "Give weights that are not quantized"))


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _trimmed(shape: Iterable[int]) -> Shape:
    """Return the shape without 1s at its end: an fc is a 1×1 convolution of 1×1 maps."""
    sizes = list(shape)
    while sizes and sizes[-1] == 1:
        sizes.pop()
    return tuple(sizes)


def _size(shape: Shape) -> str:
    return times(shape) if shape else "(one number)"


def _listed(title: str, names: Iterable[str]) -> list[str]:
    """Return the line that lists the names; none where there are none."""
    every = list(names)
    if not every:
        return []
    more = f", and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return [f"{title} ({len(every)}): {', '.join(every[:SHOWN])}{more}"]
