"""Weights of a network into a model of ours, whatever its layers are called."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from cnnspec.errors import CheckpointError, Problem, shown
from cnnspec.model.adapting import Ends, for_channels, is_auxiliary
from cnnspec.shape import Shape, times

Tensors = Mapping[str, Tensor]

SHOWN = 8
"""Names of each kind that the report's text lists at most."""

TOLD = 3
"""Names of each kind that an error lists at most."""

_COUNTER = "num_batches_tracked"
"""What batch norm counts, and weights of long ago do not have: it changes nothing that it computes."""


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
    Where weights were adapted, `adapted` is the first convolution if it takes another number of
    channels, `replaced` are the last layer's tensors, which keep their values, if it has another number
    of outputs, and `left_out` are those of auxiliary heads.
    """

    how: Literal["name", "order"]
    matched: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    disagreed: tuple[Disagreement, ...]
    adapted: tuple[Disagreement, ...] = ()
    replaced: tuple[Disagreement, ...] = ()
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        number = len(self.matched)
        lines = [f"{number} {'tensor' if number == 1 else 'tensors'} loaded, matched by {self.how}"]
        lines += _listed("missing in the state_dict", self.missing)
        lines += _listed("unexpected in the state_dict", self.unexpected)
        lines += _listed("of another shape", map(str, self.disagreed))
        return "\n".join([*lines, *self.changes])

    @property
    def changes(self) -> list[str]:
        """What was done where weights were adapted, a line each."""
        lines = []
        for one in self.adapted:
            ours, theirs = one.our_shape[1], one.their_shape[1]
            how = "are summed" if ours == 1 else f"are repeated, times {theirs}/{ours}"
            lines.append(f"{_layer(one.ours)} takes {ours} instead of {_channels(theirs)}: its weights {how}")
        for one in self.replaced[:1]:
            outputs = f"{one.our_shape[0]:,} outputs instead of {one.their_shape[0]:,}"
            lines.append(f"{_layer(one.ours)} has {outputs}: its weights are new")
        heads = dict.fromkeys(key.partition(".")[0] for key in self.left_out)
        return lines + _listed("auxiliary heads left out", heads)


def load_weights(model: nn.Module, state_dict: Tensors, *, adapt: bool = False) -> WeightsReport:
    """Copy the weights of a state_dict into the model, and tell what matched.

    Where at least half of the model's keys are in the state_dict, tensors are matched by
    name. Else they are matched by the order in which they stand among those of their kind
    and shape, so that the same network written by someone else fits, and nothing is guessed
    where their numbers differ. Raises CheckpointError if nothing matches; the model is
    then as it was.

    With `adapt`, the model may be for other pictures and classes, as in fine-tuning. Its last layer
    keeps its values if it has another number of outputs, and the weights of its first convolution are
    summed or repeated if it takes another number of channels (`adapting.for_channels`). Auxiliary heads
    are left out. All else must match, or CheckpointError is raised.
    """
    _check(state_dict)
    ours = model.state_dict()
    left_out = tuple(key for key in state_dict if adapt and is_auxiliary(key) and key not in ours)
    theirs = {key: x for key, x in state_dict.items() if key not in left_out}
    by_name = 2 * sum(key in theirs for key in ours) >= len(ours)
    alike = Ends.of(model, ours).like(ours, theirs, by_name=by_name) if adapt else ours
    pairs = {key: key for key in ours if key in theirs} if by_name else _by_order(alike, theirs)
    matched = {o: t for o, t in pairs.items() if _trimmed(alike[o].shape) == _trimmed(theirs[t].shape)}
    other = {o: _disagreement(o, t, ours, theirs) for o, t in matched.items() if alike[o] is not ours[o]}
    replaced = {o: one for o, one in other.items() if one.our_shape[:1] != one.their_shape[:1]}
    used = set(pairs.values())
    report = WeightsReport(
        how="name" if by_name else "order",
        matched=tuple((o, t) for o, t in matched.items() if o not in replaced),
        missing=tuple(key for key in ours if key not in pairs),
        unexpected=tuple(key for key in theirs if key not in used),
        disagreed=tuple(_disagreement(o, t, ours, theirs) for o, t in pairs.items() if o not in matched),
        adapted=tuple(one for o, one in other.items() if o not in replaced),
        replaced=tuple(replaced.values()),
        left_out=left_out,
    )
    _check_match(report, ours, theirs)
    if adapt:
        _check_whole(report)
    with torch.no_grad():
        for key, their_key in report.matched:
            value = theirs[their_key].reshape(alike[key].shape)
            ours[key].copy_(for_channels(value, ours[key].shape[1]) if key in other else value)
    return report


def _disagreement(key: str, their_key: str, ours: Tensors, theirs: Tensors) -> Disagreement:
    return Disagreement(key, their_key, tuple(ours[key].shape), tuple(theirs[their_key].shape))


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


def _check_whole(report: WeightsReport) -> None:
    """Raise CheckpointError where tensors of the model would stay random, or given ones have no place."""
    wrong = {
        "missing": [key for key in report.missing if _last(key) != _COUNTER],
        "unexpected": [key for key in report.unexpected if _last(key) != _COUNTER],
        "of another shape": [str(one) for one in report.disagreed],
    }
    told = [f"{len(names):,} {what} ({_some(names, TOLD)})" for what, names in wrong.items() if names]
    if told:
        number = len(report.matched) + len(report.replaced)
        what = "the weights do not fit the model"
        why = f"{number:,} tensors do, but not these: {', '.join(told)}"
        raise CheckpointError(Problem(what, why, "They are of another network, or of another size of it"))


def _channels(number: int) -> str:
    return f"{number} channel{'s' * (number != 1)}"


def _layer(key: str) -> str:
    return key.rpartition(".")[0]


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
    return [f"{title} ({len(every)}): {_some(every, SHOWN)}"] if every else []


def _some(names: list[str], most: int) -> str:
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
