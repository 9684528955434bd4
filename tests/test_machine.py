"""What does not fit into the machine's memory is refused with the numbers, before a tensor is made."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

import cnnspec
from cnnspec import machine
from cnnspec.memory import predict

LENET5 = Path(__file__).parents[1] / "specs" / "lenet5.yaml"
LARGE = "input: [1, 200000]\nlayers: [flatten, fc: 200000, fc: 10]"


@pytest.fixture
def lenet5() -> cnnspec.Plan:
    return cnnspec.load(LENET5).plan()


def limited(monkeypatch: pytest.MonkeyPatch, available: int | None) -> None:
    monkeypatch.setattr(machine, "memory", lambda: available)


def test_this_machine() -> None:
    """Linux and macOS tell their memory; more than torch itself takes, and no more than there can be."""
    available = machine.memory()
    assert available is None or 2**28 < available < 2**50


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"memory.max": "1073741824\n"}, 2**30),
        ({"memory.max": "max\n"}, 2**33),
        ({"limit_in_bytes": "536870912\n"}, 2**29),
        ({"limit_in_bytes": "9223372036854771712\n"}, 2**33),
        ({"memory.max": "max", "limit_in_bytes": "536870912"}, 2**29),
        ({"memory.max": "unreadable"}, 2**33),
        ({}, 2**33),
    ],
)
def test_containers(
    limits: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's limit counts where it is less than the machine has."""
    for name, text in limits.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(machine, "LIMITS", (tmp_path / "memory.max", tmp_path / "limit_in_bytes"))
    monkeypatch.setattr(machine, "_physical", lambda: 2**33)
    assert machine.memory() == expected


@pytest.mark.parametrize("error", [AttributeError, ValueError, OSError])
def test_unknown(error: type[Exception], monkeypatch: pytest.MonkeyPatch, lenet5: cnnspec.Plan) -> None:
    """Where the memory is not known, nothing is refused."""

    def fail(_name: str) -> int:
        raise error

    monkeypatch.setattr(os, "sysconf", fail)
    monkeypatch.setattr(machine, "LIMITS", ())
    assert machine.memory() is None
    assert machine.build_problem(lenet5, None) is None
    assert machine.training_problem(lenet5, 10**9, None) is None


MEMINFO = "MemTotal: 8000 kB\nMemFree: 100 kB\nMemAvailable:    2048 kB\n"
STAT = "anon 5000\ninactive_file 1000\nactive_file 70\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"meminfo": MEMINFO}, 2048 * 1024),
        ({"meminfo": MEMINFO, "memory.max": "max", "memory.current": "9000"}, 2048 * 1024),
        ({"meminfo": MEMINFO, "memory.max": "12000", "memory.current": "9000"}, 3000),
        ({"meminfo": MEMINFO, "memory.max": "12000", "memory.current": "9000", "memory.stat": STAT}, 4000),
        ({"meminfo": MEMINFO, "memory.max": "8000", "memory.current": "9000"}, 1),
        (
            {
                "meminfo": MEMINFO,
                "limit_in_bytes": "12000",
                "usage_in_bytes": "9000",
                "memory.stat": f"{STAT}total_{STAT[10:]}",
            },
            4000,
        ),
        ({"meminfo": "MemTotal: 8000 kB\n"}, 2**32),
        ({}, 2**32),
    ],
)
def test_free(files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Free is what the system says is available, less in a container that has taken most of what it may."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(machine, "INFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "LIMITS", (tmp_path / "memory.max", tmp_path / "limit_in_bytes"))
    monkeypatch.setattr(machine, "USAGES", (tmp_path / "memory.current", tmp_path / "usage_in_bytes"))
    monkeypatch.setattr(machine, "_physical", lambda: 2**33)
    assert machine.free() == expected


def test_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processors are those that the process may use; where the system does not say, all that there are."""
    assert 1 <= machine.processors() <= (os.cpu_count() or 1)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert machine.processors() == os.cpu_count()


def test_weights_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network whose weights alone are too large is refused before torch is asked for one of them."""
    limited(monkeypatch, 8 * 2**30)
    monkeypatch.setattr(torch.nn, "Linear", lambda *_: pytest.fail("a tensor was made"))
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.loads(LARGE, file="net.yaml").plan().build()
    assert str(caught.value) == (
        "net.yaml: net does not fit into memory; its weights alone take 149 GiB, "
        "and this machine has 8.0 GiB. Make it smaller."
    )


def test_less_than_the_machine_has(monkeypatch: pytest.MonkeyPatch, lenet5: cnnspec.Plan) -> None:
    """Where torch gets less memory than the machine has, the error tells the size all the same."""

    def fail(*_arguments: Any, **_options: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(torch.nn, "Conv2d", fail)
    with pytest.raises(cnnspec.SpecError, match=r"its weights alone take 241 KiB\. Make it smaller"):
        lenet5.build()


def test_batch_does_not_fit(lenet5: cnnspec.Plan) -> None:
    """A batch that is too large is told with the largest that fits."""
    problem = machine.training_problem(lenet5, 4096, 100 * 2**20)
    assert problem
    need = predict(lenet5)
    largest = need.largest_batch(100 * 2**20)
    assert str(problem) == (
        f"{LENET5}: lenet5 needs {need.peak(4096) / 2**20:.0f} MiB for training in batches of 4096; this machine "
        f"has 100 MiB. Use batches of at most {largest}, a smaller input or a smaller network."
    )
    assert machine.training_problem(lenet5, largest, 100 * 2**20) is None


def test_data_takes_memory(lenet5: cnnspec.Plan) -> None:
    """What the data takes is not there for a batch, and is told."""
    available, data = 100 * 2**20, 60 * 2**20
    largest = predict(lenet5).largest_batch(available - data)
    assert machine.training_problem(lenet5, largest, available, data) is None
    problem = machine.training_problem(lenet5, largest + 1, available, data)
    assert problem
    assert problem.why == "this machine has 100 MiB, and the data take 60.0 MiB of it"
    assert f"at most {largest}," in problem.fix


def test_no_batch_fits(lenet5: cnnspec.Plan) -> None:
    """Where not even one sample fits, no batch size is recommended."""
    problem = machine.training_problem(lenet5, 64, 2**20)
    assert problem
    assert problem.fix.startswith("Make it smaller: one sample at a time needs ")


def test_training_is_refused(
    lenet5: cnnspec.Plan, tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training that would not fit begins neither a network nor a run folder."""
    limited(monkeypatch, 2**20)
    monkeypatch.setattr(cnnspec.Plan, "build", lambda _: pytest.fail("a network was made"))
    with pytest.raises(cnnspec.SpecError, match=r"in batches of 64; this machine has 1\.0 MiB"):
        cnnspec.train(lenet5.spec, out=tmp_path / "run", data_root=tiny_root, device="cpu")
    assert not (tmp_path / "run").exists()


def test_a_batch_is_no_larger_than_the_data(
    lenet5: cnnspec.Plan, tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a batch size beyond the data, only as much counts as there is."""
    limited(monkeypatch, 2**30)
    spec = lenet5.spec.overridden(batch_size=10**8, epochs=1)
    assert cnnspec.train(spec, out=tmp_path / "run", data_root=tiny_root, device="cpu").history
