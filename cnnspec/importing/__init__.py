"""nn.Module to spec: a network written in PyTorch, as a readable file."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from torch import nn

from cnnspec.errors import Problem, SpecError, shown
from cnnspec.importing.graph import Op, ancestors, place_of
from cnnspec.importing.imported import Imported, spec_of
from cnnspec.importing.nest import nest
from cnnspec.importing.proof import check
from cnnspec.importing.read import Reader
from cnnspec.importing.trace import trace
from cnnspec.importing.training import in_training
from cnnspec.plugins.loading import load_installed
from cnnspec.shape import Shape

__all__ = ["Imported", "from_module"]


def from_module(
    module: nn.Module,
    input: Sequence[int] = (3, 224, 224),  # noqa: A002  # the word of the spec
    name: str | None = None,
    description: str = "",
) -> Imported:
    """Return the spec of a module, with its text and its weights.

    `input` is the shape of one sample, channels first. The module is traced by torch.fx as it
    evaluates, and its operations are read as layers. Nothing is guessed: raises SpecError with
    everything that cannot be said in the language, each with the line of the traced graph. Both,
    module and network, are run in the end, and must give the same. The module is left as it was.
    """
    load_installed()  # their layers may read some of its modules
    module = getattr(module, "_orig_mod", module)  # torch.compile wraps it
    x = _shape(input)
    traced = trace(module, x)
    output = Reader(traced).output()
    _check_shared(module, output)
    warnings = (*in_training(traced), *_unused(module, output))
    kind = name or type(module).__name__
    tensors = {key: tensor.detach() for key, tensor in module.state_dict(keep_vars=True).items()}
    spec = spec_of(nest(output), _named(kind), description or f"Imported from {kind}.", x, tensors, warnings)
    check(module, spec)
    return spec


def _shape(given: Any) -> Shape:
    """Return the shape of a sample; raises SpecError."""
    sizes = tuple(given) if isinstance(given, (tuple, list)) else ()
    if not 2 <= len(sizes) <= 4 or not all(type(size) is int and size > 0 for size in sizes):
        why = "it is the shape of one sample: channels, and one to three sizes"
        raise SpecError(Problem(f"input is {shown(given)}", why, "Write `input=(3, 224, 224)`, say"))
    return sizes


def _named(kind: str) -> str:
    """Return a name that a spec can have."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", kind).lstrip(".-_")
    return plain[:64] or "network"


def _check_shared(module: nn.Module, output: Op) -> None:
    """Raise SpecError where two layers have the same weights, by whatever names."""
    tensors = module.state_dict(keep_vars=True)
    users: dict[int, list[tuple[str, Op]]] = {}
    for op in ancestors(output):
        for key in op.weights.values():
            users.setdefault(id(tensors[key]), []).append((key, op))
    together: dict[tuple[Op, ...], list[str]] = {}
    for shared in users.values():
        if len(shared) > 1:
            together.setdefault(tuple(op for _, op in shared), [key for key, _ in shared])
    problems = []
    for ops, keys in together.items():
        path = keys[0].rpartition(".")[0] or "the module"
        same = len(set(keys)) == 1
        what = (
            f"{path} is used {len(ops)} times, with the same weights"
            if same
            else f"{' and '.join(dict.fromkeys(keys))} are the same weights"
        )
        names = " and ".join(f"`{op.node.name}`" for op in ops[:4])
        why = f"each layer of a spec has weights of its own; in the traced graph, it is {names}"
        problems.append(Problem(what, why, "", place_of(ops[1].node)))
    if problems:
        raise SpecError(*problems)


def _unused(module: nn.Module, output: Op) -> list[Problem]:
    """Return warnings of weights that the output does not depend on, together for each part of the module."""
    used = {key for op in ancestors(output) for key in op.weights.values()}
    left = Counter[str]()
    for key, parameter in module.named_parameters():
        if key not in used:
            left[key.partition(".")[0]] += parameter.numel()
    return [
        Problem(
            f"{part} is left out",
            f"the output does not depend on its {number:,} parameters",
            severity="warning",
        )
        for part, number in left.items()
    ]
