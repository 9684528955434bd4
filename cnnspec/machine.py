"""This machine's memory, and whether a network fits into it: known before a tensor is made."""

import os
import re
from pathlib import Path

from cnnspec.errors import Place, Problem
from cnnspec.memory import in_units, predict
from cnnspec.plan import Plan

INFO = Path("/proc/meminfo")
"""Where Linux tells how much of the machine's memory is free."""

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux tells the limit of a container, by its version of control groups."""

USAGES = (LIMITS[0].with_name("memory.current"), LIMITS[1].with_name("memory.usage_in_bytes"))
"""Where it tells how much of that is taken."""


def memory() -> int | None:
    """Return the bytes that there are, of the machine or of its container; None where it is not known."""
    return min((number for number in (_physical(), _limit()) if number), default=None)


def free() -> int | None:
    """Return the bytes that nothing needs, of the machine or of its container; None where it is not known.

    Where the system does not say, half of all there are is taken for it.
    """
    there = memory()
    half = None if there is None else there // 2
    return min((number for number in (_available() or half, _below_limit()) if number), default=None)


def processors() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows do not say
        return os.cpu_count() or 1


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


def training_problem(plan: Plan, batch: int, available: int | None, data: int = 0) -> Problem | None:
    """Return the error that a step of the plan's training does not fit into memory beside so much `data`."""
    need = predict(plan)
    if available is None or need.peak(batch) + data <= available:
        return None
    what = f"{plan.name} needs {in_units(need.peak(batch))} for training in batches of {batch}"
    why = f"this machine has {in_units(available)}"
    if data:
        why += f", and the data take {in_units(data)} of it"
    largest = need.largest_batch(available - data)
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
    return next((limit for limit in map(_number, LIMITS) if limit is not None), None)


def _available() -> int | None:
    """Return what Linux says is available: free, or in use only as long as nobody asks for it."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", _text(INFO), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _below_limit() -> int | None:
    """Return what a container's processes may still take; what is a copy of files does not count as taken."""
    for path, usage in zip(LIMITS, USAGES, strict=False):
        limit, used = _number(path), _number(usage)
        if limit is not None and used is not None:
            stat = _text(usage.with_name("memory.stat"))
            cached = re.search(r"^(?:total_)?inactive_file (\d+)$", stat, re.MULTILINE)
            return max(1, limit - used + (int(cached[1]) if cached else 0))
    return None


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None  # a limit that is none says `max`


def _text(path: Path) -> str:
    """Return a file's text, which is empty where there is none."""
    try:
        return path.read_text("ascii")
    except (OSError, ValueError):
        return ""
