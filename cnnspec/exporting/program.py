"""A network as a program that stands alone: traced by torch.export, for batches of any size."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export

from cnnspec.data.prepare import picture_size
from cnnspec.errors import CnnspecError, Problem, SpecError
from cnnspec.exporting.network import Network
from cnnspec.exporting.preparation import Preparation, picture_channels
from cnnspec.exporting.quiet import quiet
from cnnspec.language.data import Normalize
from cnnspec.plan import Plan
from cnnspec.shape import times, volume

OUTPUT = "output"
"""The name of the output."""

AS_THEY_ARE = Normalize(mean=0.0, std=1.0)
"""What is taken where it is not known how pictures are normalized: the network sees values from 0 to 1."""

BATCH = 2
"""Samples of the example that is traced: an axis of size 1 is taken for one that never changes."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is to become a file: a module, its one input by name and example, and the axes of any size."""

    module: nn.Module
    input: str
    example: Tensor
    axes: dict[int, str]
    preparation: Preparation | None = None

    @classmethod
    def of(cls, network: Network, *, preprocess: bool) -> "Program":
        """Return a network as a program: of what it sees, or with `preprocess` of pictures in uint8.

        Raises SpecError where its input is made of no picture.
        """
        shape = network.plan.input_shape
        if not preprocess:
            return cls(network.model, "input", torch.zeros(BATCH, *shape), {0: "batch"})
        _check_is_picture(network.plan)
        preparation = Preparation(shape, network.statistics or AS_THEY_ARE)
        height, width = preparation.size
        # A side of 1 would be taken for one that never changes, as would two equal sides for one.
        example = torch.zeros(BATCH, picture_channels(shape), height + 2, width + 3, dtype=torch.uint8)
        parts = OrderedDict(preparation=preparation, network=network.model)
        module = nn.Sequential(parts).eval()
        return cls(module, "pictures", example, {0: "batch", 2: "height", 3: "width"}, preparation)

    @property
    def described(self) -> str:
        """What its input is, for a person: ``float32 (batch, 3, 224, 224)``."""
        sides = (self.axes.get(axis, str(side)) for axis, side in enumerate(self.example.shape))
        return f"{str(self.example.dtype).removeprefix('torch.')} ({', '.join(sides)})"

    def exported(self) -> ExportedProgram:
        """Return the traced program. Raises CnnspecError where torch cannot follow what a layer does."""
        dimensions = {axis: Dim(name) for axis, name in self.axes.items()}
        try:
            with quiet(), torch.no_grad():
                traced = export(self.module, (self.example,), dynamic_shapes=(dimensions,), strict=False)
        except Exception as error:  # noqa: BLE001  # a layer of a plugin may raise whatever it comes to
            raise CnnspecError(_problem(error)) from None
        for node in traced.graph.nodes:
            node.meta.pop("stack_trace", None)  # where torch and we are on this machine is nobody's business
        return traced


def _problem(error: Exception) -> Problem:
    """Return what to tell of a network that torch cannot follow; only layers of plugins make it so."""
    what = "torch.export cannot follow the network"
    if "Constraints violated" in str(error):
        why = "one of its own layers takes the number of samples for one that is always the same"
        return Problem(what, why, "Let it ask `x.shape[0]`, and not `len(x)`, or use `x.unflatten`")
    return Problem(what, first_line(error), "Let its own layers compute without looking at their values")


def first_line(error: BaseException) -> str:
    """Return the beginning of an error's text, or its kind where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _check_is_picture(plan: Plan) -> None:
    """Raise SpecError where a network's input is not made of a picture."""
    shape, why = plan.input_shape, ""
    if len(shape) == 4:
        why = "a picture has no depth"
    elif len(shape) == 2 and shape[0] == 1 and volume(picture_size(shape)) != shape[1]:
        why = f"a picture becomes a sequence row by row, and {shape[1]:,} is no square number"
    if why:
        what, place = (
            f"input is {times(shape)}, which no picture fits",
            plan.spec.document.value_place(("input",)),
        )
        raise SpecError(Problem(what, why, "Export it without the preparation of pictures", place))
