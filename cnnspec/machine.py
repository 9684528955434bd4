"""This machine's memory, and whether a network fits into it: known before a tensor is made."""

import os
from pathlib import Path

from cnnspec.errors import Place, Problem
from cnnspec.memory import in_units, predict
from cnnspec.plan import Plan

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux tells the limit of a container, by its version of control groups."""


def memory() -> int | None:
    """Return the bytes that there are, of the machine or of its container; None where it is not known."""
    return min((number for number in (_physical(), _limit()) if number), default=None)


def build_problem(plan: Plan, available: int | None) -> Problem | None:
    """Return the error that the plan's network does not fit into so many bytes, even untrained."""
    fits = available is None or predict(plan).untrained <= available
    return None if fits else too_large(plan, available)


def too_large(plan: Plan, available: int | None = None) -> Problem:
    """Return the error that the plan's network needs more memory than is `available`, if that is known."""
    why = f"its weights alone take {in_units(predict(plan).untrained)}"
    if available is not None:
        why += f", and this machine has {in_units(available)}"
    return Problem(
        f"{plan.name} does not fit into memory", why, "Make it smaller", Place(plan.spec.document.file)
    )


def training_problem(plan: Plan, batch: int, available: int | None) -> Problem | None:
    """Return the error that a training step of the plan does not fit into so many bytes."""
    need = predict(plan)
    if available is None or need.peak(batch) <= available:
        return None
    what = f"{plan.name} needs {in_units(need.peak(batch))} for training in batches of {batch}"
    why = f"this machine has {in_units(available)}"
    largest = need.largest_batch(available)
    if largest:
        fix = f"Use batches of at most {largest}, a smaller input or a smaller network"
    else:
        fix = f"Make it smaller: one sample at a time needs {in_units(need.peak(1))}, too"
    return Problem(what, why, fix, Place(plan.spec.document.file))


def _physical() -> int | None:
    try:
        number = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows does not say
        return None
    return number if number > 0 else None


def _limit() -> int | None:
    for path in LIMITS:
        try:
            text = path.read_text("ascii").strip()
        except (OSError, ValueError):
            continue
        if text.isdecimal():  # else there is none: `max`
            return int(text)
    return None
