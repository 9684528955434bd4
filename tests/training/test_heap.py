"""Memory that a step has freed serves the next one."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from cnnspec.training.heap import keep_freed_memory
if sys.argv[1:]:
    keep_freed_memory()
def step(number):
    # Larger each time, so that no gap will do which something small has closed off.
    return sum(float(torch.ones((1 << size) + 4096 * number)[-1]) for size in range(12, 25))
step(0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for number in range(1, 11):
    step(number)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc hands memory back at each step")
def test_freed_memory_is_kept() -> None:
    """Steps that allocate up to 64 MiB at once, and free it, need no new pages from the system."""
    command = [sys.executable, "-c", FAULTS]
    handed_back, kept = (
        int(subprocess.run([*command, *more], check=True, capture_output=True, text=True).stdout)
        for more in ([], ["keep"])
    )
    assert kept < handed_back / 4
