"""A network that has nothing to learn, run over a picture of any size."""

from dataclasses import replace
from pathlib import Path

import torch
from PIL import ImageOps
from torch import Tensor

from cnnspec import machine
from cnnspec.data.picture import opened
from cnnspec.data.prepare import as_floats
from cnnspec.errors import DataError, Place, Problem, SpecError, one_line
from cnnspec.expansion import make_plan
from cnnspec.memory import in_units, predict
from cnnspec.plan import Plan
from cnnspec.shape import Shape, times
from cnnspec.spec import Spec


def apply(spec: Spec, path: str | Path) -> Tensor:
    """Return what the spec's network makes of a picture, as float32 (C', H', W').

    It is given the whole picture (C, H, W), in gray for a spec of C = 1 channel and in color for 3, with
    values from 0 to 1; the height and width in the spec do not count. Raises SpecError where the network
    does not fit the picture or makes what are no numbers, and DataError where the picture cannot be read,
    or is too large for this machine's memory.
    """
    with opened(path) as image:
        ImageOps.exif_transpose(image, in_place=True)
        plan = _plan(spec, (spec.input[0], image.height, image.width), path)
        need, free = predict(plan).peak(1), machine.free()
        if free is not None and need > free:
            raise _too_large(plan, path, f"this machine has {in_units(free)} left")
        picture = as_floats(image, spec.input[0])
    values = _run(plan, picture, path)
    wrong = values.numel() - int(values.isfinite().sum())
    if wrong:
        what = f"{plan.name} makes {wrong:,} values of {one_line(str(path))} that are not finite numbers"
        why = "there is no square root below 0, and float32 ends at 3.4e38"
        fix = "Put `abs` or `square` before `sqrt`, and filters of smaller numbers before what grows"
        raise SpecError(Problem(what, why, fix, Place(spec.document.file)))
    return values


def _plan(spec: Spec, shape: Shape, path: str | Path) -> Plan:
    """Return the plan for a picture of that shape; raises SpecError."""
    try:
        return make_plan(replace(spec, input=shape))
    except SpecError as error:
        size = f"{one_line(str(path))} is {times(shape[1:])}"
        problems = (replace(p, why=f"{p.why}, as {size}" if p.why else size) for p in error.problems)
        raise SpecError(*problems) from None


def _run(plan: Plan, picture: Tensor, path: str | Path) -> Tensor:
    """Return the network's output for one picture; raises DataError where the memory for it cannot be had."""
    last = torch.channels_last  # channels first, oneDNN's copies of one channel take the memory of sixteen
    network = plan.build().eval().to(memory_format=last)
    try:
        with torch.inference_mode():
            values: Tensor = network(picture.unsqueeze(0).to(memory_format=last)).squeeze(0)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise _too_large(plan, path, "this machine does not have as much left") from None
    return values


def _too_large(plan: Plan, path: str | Path, why: str) -> DataError:
    height, width = plan.input_shape[1:]
    what = f"{plan.name} needs {in_units(predict(plan).peak(1))} for a picture of {height}×{width}"
    return DataError(Problem(what, why, "Make the picture smaller", Place(str(path))))
