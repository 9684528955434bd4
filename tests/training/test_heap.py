"""Memory that a step has freed serves the next one."""

import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.catalog import DataSet
from cnnspec.training import start
from cnnspec.training.session import prepare

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


NET = """
input: [1, 28, 28]
layers: [flatten, fc: 10]
train: {epochs: 1}
"""


def test_kept_from_the_first_step_on(
    tiny: DataSet, tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training asks for it when the data is ready, so that what preparing it took is given back."""
    done = list[str]()

    def prepared(*arguments: Any, **options: Any) -> Any:
        session = prepare(*arguments, **options)
        done.append("prepared")
        return session

    monkeypatch.setattr(start, "prepare", prepared)
    monkeypatch.setattr(start, "keep_freed_memory", lambda: done.append("kept"))
    cnnspec.train(cnnspec.loads(NET), out=tmp_path / "run", device="cpu", threads=1)
    assert done == ["prepared", "kept"]
