"""Processes forked from one that has imported what they need, which takes seconds."""

import multiprocessing
from multiprocessing.context import ForkServerContext

PRELOADED = (
    "pytest",
    "torch",
    "torch._dynamo",  # DistributedDataParallel asks it
    "cnnspec.cli.train",
    "cnnspec.training.start",
    "cnnspec.training.synchronized",
)
"""There is one such process for all, and it imports nothing after it has begun."""


def context() -> ForkServerContext:
    """Return what makes such processes."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(list(PRELOADED))
    return found
